"""A candidate and what it is compared with, round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .figures import Goal, Row, ratios, spread
from .processes import Sample

CPU, WALL = "CPU s", "wall s"
CPU_RATIO, WALL_RATIO = "CPU ratio", "wall ratio"
"""A way's time divided by the candidate's of the same round: above 1 where the candidate is the cheaper of the two."""


def compared(
    samples: Mapping[str, Sequence[Sample]], candidate: str, goals: Mapping[str, Sequence[Goal]], **work: float
) -> list[Row]:
    """Return a row for each way, with its ratios to the candidate's run of the same round.

    ``work`` is how much every way did, by its unit: ``MB=208``.
    """
    cpu = {way: [sample.cpu_seconds for sample in each] for way, each in samples.items()}
    wall = {way: [sample.wall_seconds for sample in each] for way, each in samples.items()}
    return [
        Row(
            way,
            {
                CPU: spread(cpu[way]),
                WALL: spread(wall[way]),
                **{
                    f"{unit} a CPU s": spread([count / seconds for seconds in cpu[way]]) for unit, count in work.items()
                },
                CPU_RATIO: ratios(cpu[way], cpu[candidate]),
                WALL_RATIO: ratios(wall[way], wall[candidate]),
            },
            goals.get(way, ()),
        )
        for way in samples
    ]
