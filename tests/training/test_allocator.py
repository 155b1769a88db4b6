"""Memory that a process keeps."""

import platform
import subprocess
import sys

import pytest

COUNT_FAULTS = """
import resource
import torch
from inr.training.allocator import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(8 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
assert keep_freed_memory()
torch.ones(8 << 20)
print(before, min(faults() for _ in range(5)))  # a busy system may take idle pages back
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_a_freed_block_is_used_again():
    done = subprocess.run(
        [sys.executable, "-c", COUNT_FAULTS], capture_output=True, text=True, check=True
    )
    before, after = (int(word) for word in done.stdout.split())
    assert after < before / 10
