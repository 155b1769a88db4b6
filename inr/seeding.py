"""Random generators and seeds derived from shape names and numbers."""

import hashlib

import numpy as np


def seed_from_name(name: str, seed: int) -> np.random.Generator:
    """Return a generator that depends only on a shape's name and a seed, in any process."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def mix_seed(*numbers: int) -> int:
    """Return a 63-bit seed hashed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
