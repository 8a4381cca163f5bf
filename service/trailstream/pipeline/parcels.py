"""Alerts on their way to one sink, each with who waits for what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

from trailstream.model.alert import Alert
from trailstream.model.delivery import Delivery
from trailstream.model.errors import TrailstreamError
from trailstream.pipeline.storms import Storm

Answer: TypeAlias = TrailstreamError | None
"""Of one alert: None once the sink has accepted it, now or before."""

Verdict: TypeAlias = TrailstreamError | asyncio.Future[Answer] | None
"""The answer, or where it will be found once the rule's storm was told."""


@dataclass(slots=True, eq=False)
class Parcel:
    """One alert, and who waits for its answer."""

    alert: Alert
    delivery: Delivery | None
    """None for a storm alert, which is of many, and for that of a window that was judged at its end."""
    give_up_at: float
    """By the loop's time, as everything that waits: the clock may be set back."""
    answered: asyncio.Future[Any]
    """A :data:`Verdict`; an :data:`Answer` for a storm alert."""
    storm: Storm | None = None
    tries: int = 0
    """Failures while the sink took others."""

    def answer(self, verdict: Verdict) -> None:
        """Tell who waits, if anybody still does: its delivery may have been cancelled meanwhile."""
        if not self.answered.done():
            self.answered.set_result(verdict)


def by_alert(parcels: Iterable[Parcel]) -> dict[str, list[Parcel]]:
    """Return the parcels by their alerts' ids, in order: several deliveries may hold the same."""
    by_id: dict[str, list[Parcel]] = {}
    for parcel in parcels:
        by_id.setdefault(parcel.alert.id, []).append(parcel)
    return by_id
