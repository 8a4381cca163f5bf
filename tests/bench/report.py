"""What was measured: a table on the terminal, a JSON file, and the results in ``docs/performance.md``."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .corpus import ROOT
from .figures import Row, Section

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- results: written by make bench -->", "<!-- end of results -->"


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what circumstances was measured."""

    day: str
    commit: str
    machine: str
    rounds: int
    quick: bool
    source: str

    def __str__(self) -> str:
        size = " of small inputs (--quick)" if self.quick else ""
        return f"{self.day}, commit {self.commit}, {self.machine}; {self.rounds} rounds{size}; {self.source}."


def machine() -> str:
    """Describe the machine as far as it matters for CPU time."""
    model = next(
        (line.partition(": ")[2] for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")),
        platform.machine(),
    )
    return f"{model}, {os.cpu_count()} CPUs, Python {platform.python_version()}"


def show(section: Section, console: Console) -> None:
    """Print a section as a table."""
    table = Table(title=section.title, title_justify="left", box=SIMPLE_HEAD)
    table.add_column("")
    for name in section.columns:
        table.add_column(name, justify="right")
    for row in section.rows:
        table.add_row(row.name, *map(escape, _cells(row, section)))
    console.print(table, *section.notes, sep="\n", markup=False)


def write_json(path: Path, conditions: Conditions, sections: Sequence[Section]) -> None:
    """Write everything that was measured, round by round."""
    path.write_text(
        json.dumps({"conditions": asdict(conditions), "sections": [asdict(each) for each in sections]}, indent=2)
    )


def write_page(page: Path, conditions: Conditions, sections: Sequence[Section]) -> None:
    """Replace what stands between the markers of the page."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no results between {BEGIN} and {END}")
    results = "\n".join(line for section in sections for line in _markdown(section))
    page.write_text(f"{before}{BEGIN}\n{conditions}\n{results}\n{END}{after}")


def _markdown(section: Section) -> Iterator[str]:
    yield from ("", f"### {section.title}", "")
    yield from ("| | " + " | ".join(section.columns) + " |", "|---|" + "---:|" * len(section.columns))
    for row in section.rows:
        yield "| " + " | ".join([row.name.replace("|", "\\|"), *_cells(row, section)]) + " |"
    for note in section.notes:
        yield from ("", note)


def _cells(row: Row, section: Section) -> list[str]:
    if row.absent:
        return [row.absent, *[""] * (len(section.columns) - 1)]
    return [_cell(row, name) for name in section.columns]


def _cell(row: Row, name: str) -> str:
    measured = row.figures.get(name)
    if measured is None:
        return ""
    goals = [f"{'✓' if goal.reached(measured) else '✗'} {goal}" for goal in row.goals if goal.figure == name]
    return " ".join([str(measured), *goals])


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
