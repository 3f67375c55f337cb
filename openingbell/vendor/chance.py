"""Seeded chance: one independent random generator for each named thing, the same on every machine and in every run.

The name is hashed with SHA-256, because Python's `hash()` differs from process to process.
"""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *names: object) -> np.random.Generator:
    """The generator that belongs to `seed` and `names`, at its start."""
    text = "|".join((str(seed), *map(str, names)))
    return np.random.Generator(np.random.PCG64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")))
