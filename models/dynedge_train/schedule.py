"""Learning rate by progress, and seeds by place: both depend on nothing else."""

import math

import numpy as np


def learning_rate(done: float, peak: float, warm_up: float) -> float:
    """`done`: share of the run, 0 to 1. Linear to `peak` at `warm_up`, then cosine to zero."""
    if done < warm_up:
        return peak * done / warm_up
    return peak * 0.5 * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up)))


def seed_of(*place: int) -> int:
    """Independent 63-bit seeds for places such as (seed, epoch, step)."""
    return int(np.random.SeedSequence(place).generate_state(1, np.uint64)[0] >> 1)
