"""Numbers that were measured more than once, what they are held against, and how they are shown together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal


@dataclass(frozen=True, slots=True)
class Spread:
    """The same figure, measured once a round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    def __str__(self) -> str:
        low, high = min(self.values), max(self.values)
        return _text(self.median) if low == high else f"{_text(self.median)} [{_text(low)}..{_text(high)}]"


def spread(values: Sequence[float]) -> Spread:
    return Spread(tuple(values))


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> Spread:
    """Divide pair by pair: the two of a pair were measured in the same minute, so what slowed both cancels out."""
    return Spread(tuple(above / below for above, below in zip(numerators, denominators, strict=True)))


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should reach."""

    figure: str
    side: Literal["at least", "at most"]
    bound: float

    def reached(self, measured: Spread) -> bool:
        return measured.median >= self.bound if self.side == "at least" else measured.median <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.side == 'at least' else '≤'} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One way of doing the work, or one thing that was measured."""

    name: str
    figures: Mapping[str, Spread]
    goals: Sequence[Goal] = ()
    absent: str = ""
    """Why there are no figures."""


@dataclass(frozen=True, slots=True)
class Section:
    """What one workload came to."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = field(default=())

    @property
    def columns(self) -> list[str]:
        """The names of all figures, in the order in which they are first met."""
        return list(dict.fromkeys(name for row in self.rows for name in row.figures))


def _text(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"
