"""What runs on a GPU mixes no devices: shown on one that is made up, in a process of its own."""

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

# what takes but a moment shares a process
TOGETHER = [["the_device", "models", "losses"], ["a_run"], ["a_run_of_parts"]]


@pytest.mark.parametrize("things", TOGETHER, ids=" ".join)
def test_nothing_stays_behind_on_the_cpu(things, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.on_other_device", *things],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said = [line for line in done.stdout.splitlines() if line.endswith(": done")]
    assert said == [f"{thing}: done" for thing in things]
