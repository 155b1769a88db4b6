"""Seeds: of a shape by its name, and of several numbers together."""

import hashlib

import numpy as np


def seed_from_name(name: str, seed: int) -> np.random.Generator:
    """Return a generator that depends on a shape's name and a seed alone, in any process."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))


def mix_seed(*numbers: int) -> int:
    """Return one well-mixed 63-bit seed for several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
