"""A bursty day: how many objects arrive in each of its seconds, the same for the same seed."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from itertools import accumulate, pairwise

DAY_SECONDS = 86_400
MINUTE = 60
SWING = 0.6
"""How far the busiest time of day is above the mean, and the quietest below it."""
BURSTS = 8
BURST_MINUTES = (5, 40)
BURST_HEIGHT = (1.0, 6.0)
"""How many times the mean a burst adds: a deployment, a scan, a restored outage of CloudTrail's delivery."""


def bursty_day(objects: int, *, seed: int) -> Sequence[int]:
    """Return the arrivals of each second of a day, ``objects`` in all."""
    shape = _shape(random.Random(seed))  # noqa: S311 - a simulation
    so_far = [0, *(math.floor(each * objects / shape[-1]) for each in shape[:-1]), objects]
    return [later - earlier for earlier, later in pairwise(so_far)]


def _shape(chance: random.Random) -> list[float]:
    """Return how much has arrived by the end of each second, in units of the mean."""
    rate = [1 - SWING * math.cos(2 * math.pi * second / DAY_SECONDS) for second in range(DAY_SECONDS)]
    for _ in range(BURSTS):
        start = chance.randrange(DAY_SECONDS)
        seconds = chance.randint(*BURST_MINUTES) * MINUTE
        height = chance.uniform(*BURST_HEIGHT)
        for second in range(start, min(start + seconds, DAY_SECONDS)):
            rate[second] += height
    return list(accumulate(each * chance.uniform(0.5, 1.5) for each in rate))
