"""Which parts of which pages are written by program, and by which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.simulate.__main__ import simulated_day
from deploy.simulate.doors import Function, doors_tables
from deploy.simulate.inputs import Inputs
from deploy.simulate.tables import capacity_tables

from .command_line import reference

DOCS = Path(__file__).resolve().parents[2] / "docs"


@dataclass(frozen=True, slots=True)
class Part:
    """What stands between two marks of a page."""

    page: Path
    name: str
    write: Callable[[], str]

    @property
    def marks(self) -> tuple[str, str]:
        """The lines before and after it."""
        return f"<!-- {self.name}: written by make docs -->", f"<!-- end of {self.name} -->"

    def put_into(self, text: str) -> str:
        """Return the page's text with this part as it is now. Raise ``ValueError`` where a mark is missing."""
        begin, end = self.marks
        before, found, rest = text.partition(f"{begin}\n")
        _, found_too, after = rest.partition(f"{end}\n")
        if not found or not found_too:
            raise ValueError(f"{self.page}: no {begin} ... {end}")
        return f"{before}{begin}\n{self.write()}\n{end}\n{after}"


PARTS: Sequence[Part] = (
    Part(DOCS / "cli.md", "commands", reference),
    Part(DOCS / "capacity.md", "capacity", lambda: capacity_tables(Inputs())),
    Part(DOCS / "capacity.md", "day", simulated_day),
    Part(DOCS / "choose-a-door.md", "doors", lambda: doors_tables(Inputs(), Function())),
)
