"""The keys by which a rule says how its alerts are told, in whichever language they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trailstream.model.shaping import DEFAULT_PERIOD_SECONDS, PLAIN, Shaping
from trailstream.rules.documents import At
from trailstream.rules.rule import RuleSyntaxError

KEYS = ("dedup", "dedup_period_minutes", "threshold", "runbook", "destinations")

LONGEST_PERIOD_MINUTES = 7 * 24 * 60
MOST_MATCHES = 100_000
"""Of one threshold: all of them are kept until it is reached."""


def shaping_of(value: Mapping[str, Any], problems: list[RuleSyntaxError], *, title: str | None, at: At = ()) -> Shaping:
    """Read how alerts are to be told; what is wrong is added to ``problems``, at a key below ``at``.

    ``title`` is the text that may hold places. A key or a threshold without a period have the default one.
    """
    dedup = _text(value, "dedup", problems, at)
    minutes = _number(value, "dedup_period_minutes", LONGEST_PERIOD_MINUTES, problems, at)
    threshold = _number(value, "threshold", MOST_MATCHES, problems, at)
    counted = dedup is not None or (threshold or 1) > 1
    period = DEFAULT_PERIOD_SECONDS if counted else None
    shaping = Shaping(
        title=title if title is not None and "{" in title else None,
        dedup=dedup,
        period_seconds=period if minutes is None else minutes * 60,
        threshold=threshold or 1,
        destinations=_names(value, problems, at),
        runbook=_text(value, "runbook", problems, at) or "",
    )
    return PLAIN if shaping == PLAIN else shaping  # by which an alert that needs no shaping is known at once


def _text(value: Mapping[str, Any], key: str, problems: list[RuleSyntaxError], at: At) -> str | None:
    found = value.get(key)
    if found is None or (isinstance(found, str) and found.strip()):
        return found
    problems.append(RuleSyntaxError(f'"{key}" must be text', at=(*at, key), remedy="put it in quotes"))
    return None


def _number(value: Mapping[str, Any], key: str, largest: int, problems: list[RuleSyntaxError], at: At) -> int | None:
    found = value.get(key)
    if found is None or (isinstance(found, int) and not isinstance(found, bool) and 1 <= found <= largest):
        return found
    remedy = f"write a whole number from 1 to {largest}"
    problems.append(RuleSyntaxError(f'"{key}" cannot be {found!r}', at=(*at, key), remedy=remedy))
    return None


def _names(value: Mapping[str, Any], problems: list[RuleSyntaxError], at: At) -> tuple[str, ...] | None:
    found = value.get("destinations")
    if found is None:
        return None
    if isinstance(found, list) and all(isinstance(name, str) for name in found):
        return tuple(found)
    remedy = "destinations: [sns]; an empty list for none"
    problems.append(RuleSyntaxError('"destinations" must be a list of texts', at=(*at, "destinations"), remedy=remedy))
    return None
