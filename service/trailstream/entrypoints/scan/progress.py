"""How far a scan is, on standard error where that is a terminal; standard output stays for the alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from trailstream.entrypoints.scan.inputs import Place, Prefix

Advance = Callable[[int], None]
"""Told how many bytes of input were read."""


@contextmanager
def shown_progress(places: Sequence[Place]) -> Iterator[Advance]:
    """Show a bar while the block runs. How much there is in S3 is not known before it was listed."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("reading", total=_bytes_of(places))
        yield lambda count: progress.advance(task, count)


def _bytes_of(places: Sequence[Place]) -> int | None:
    total = 0
    for place in places:
        if isinstance(place, Prefix) or any(each.size is None for each in place):
            return None
        total += sum(each.size or 0 for each in place)
    return total
