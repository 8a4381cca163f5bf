"""What a campaign has shown: a table, a line for each experiment that failed, and a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .campaign import Tally

MOST_FAILURES = 5
"""Told for each fault; the file has all."""


def show(tallies: Sequence[Tally], console: Console) -> None:
    """Print the table, and what failed."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("fault")
    for name in ("seeds", "struck", "lost", "repeated", "of these allowed", ""):
        table.add_column(name, justify="right")
    for tally in tallies:
        verdict = tally.fault.absent or ("" if tally.holds else "BROKEN")
        table.add_row(tally.fault.name, *map(str, _cells(tally)), verdict)
    table.add_section()
    totals = zip(*map(_cells, tallies), strict=True)
    table.add_row("all", *(str(sum(column)) for column in totals), "" if all(t.holds for t in tallies) else "BROKEN")
    console.print(table)
    for tally in tallies:
        for line in _complaints(tally):
            console.print(line, markup=False)


def document(tallies: Sequence[Tally], planted: Mapping[str, bool], conditions: Mapping[str, object]) -> dict[str, Any]:
    """Return all of it as JSON takes it."""
    return {
        "conditions": dict(conditions),
        "faults": [
            dict(zip(("seeds", "struck", "lost", "repeated", "allowed"), _cells(tally), strict=True))
            | {
                "fault": tally.fault.name,
                "wanted": tally.strikes,
                "absent": tally.fault.absent,
                "holds": tally.holds,
                "seconds": round(tally.seconds, 1),
                "failures": [
                    {
                        "seed": each.seed,
                        "lost": list(each.lost),
                        "repeated": each.repeated,
                        "allowed": each.allowed,
                        "trouble": each.trouble,
                    }
                    for each in tally.failures
                ],
            }
            for tally in tallies
        ],
        "planted_bugs_caught": dict(planted),
    }


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write the file, and the directory that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2))


def _cells(tally: Tally) -> tuple[int, int, int, int, int]:
    return len(tally.outcomes), tally.struck, tally.lost, tally.repeated, tally.allowed


def _complaints(tally: Tally) -> list[str]:
    lines = [f"{tally.fault.name}, {each}" for each in tally.failures]
    if tally.struck < tally.strikes and not tally.fault.absent:
        lines.append(f"{tally.fault.name}: struck {tally.struck} times, not {tally.strikes}")
    more = len(lines) - MOST_FAILURES
    return [*lines[:MOST_FAILURES], *([f"{tally.fault.name}: and {more} more"] if more > 0 else [])]
