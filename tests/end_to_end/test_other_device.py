"""What runs on a GPU mixes no devices: shown on one that is made up, in a process of its own."""

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT


@pytest.mark.parametrize("what", ["the_device", "models", "losses", "a_run", "a_run_of_parts"])
def test_nothing_stays_behind_on_the_cpu(what, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.on_other_device", what],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == f"{what}: done"
