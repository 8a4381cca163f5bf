"""How the demo looks: alerts as they arrive above a line of progress, and at the end what it came to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from .inbox import Letter
from .scrape import Scrape

SEVERITY_STYLES = {"critical": "bold white on red", "high": "bold red", "medium": "yellow", "low": "cyan"}
MEGABYTE = 1e6
LAG = "trailstream_lag_seconds"
SHOWN_DIFFERENCES = 20


@dataclass(frozen=True, slots=True)
class Results:
    """What the summary is about."""

    alerts: int
    """Different alerts that arrived."""
    repeats: int
    """Alerts that arrived again, with the same id."""
    expected: int
    """Different alerts that a plain loop finds."""
    accounts: int
    seconds: float
    """From the first upload until the worker had settled the last delivery."""
    before: Scrape
    after: Scrape

    def counted(self, name: str, **labels: str) -> float:
        """Return by how much one of the worker's counters grew."""
        return self.after.total(name, **labels) - self.before.total(name, **labels)


class Screen:
    """Writes to a terminal or a file. What arrived is data to it: no markup, no control sequences of its own."""

    def __init__(self, console: Console) -> None:
        """Write to this console."""
        self._console = console

    def say(self, text: str) -> None:
        """Print a line as it is."""
        self._console.print(Text(text), soft_wrap=True)

    @contextmanager
    def progress(self, objects: int, alerts: int) -> Iterator[Progress]:
        """Show how many objects are uploaded and processed and how many alerts have arrived, in this order."""
        columns = (
            TextColumn("{task.description:<10}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} of {task.total:.0f}"),
        )
        with Progress(*columns, TimeElapsedColumn(), console=self._console, transient=True) as progress:
            for name, total in (("uploaded", objects), ("processed", objects), ("alerts", alerts)):
                progress.add_task(name, total=total)
            yield progress

    def alert(self, letter: Letter) -> None:
        """Print one alert on a line: when, how bad, what, where, who, and the start of the id that tells a repeat."""
        facts = letter.facts
        place = f"{facts.get('Account', '-')} {facts.get('Region', '-')}"
        line = Text.assemble(
            f"{facts.get('Time', '-')[11:19]:<8}  ",
            (f"{letter.severity:<8}", SEVERITY_STYLES.get(letter.severity, "")),
            (f"  {letter.title:<62}", "bold"),
            f"  {place:<27}  {facts.get('Actor', '-').rpartition(':')[2]}  ",
            (letter.alert_id[:8], "dim"),
        )
        self._console.print(line, soft_wrap=True)

    def tutorial_alert(self, letter: Letter) -> None:
        """Print an alert whole, as the person gets it."""
        self._console.print(
            Text(f"The tutorial's alert as it arrived. Subject: {letter.subject}", "bold"), soft_wrap=True
        )
        for line in letter.text.rstrip("\n").split("\n"):
            self.say(f"  {line}")

    def summary(self, results: Results, metrics_url: str) -> None:
        """Print what it came to; every number but the expected one is the worker's own or was counted in the inbox."""
        self._console.print()
        for name, value in _lines(results, metrics_url):
            self._console.print(Text.assemble((f"{name:<11}", "bold"), value), soft_wrap=True)

    def verdict(self, differences: list[str]) -> None:
        """Say whether what arrived is what should have."""
        if not differences:
            self._console.print("What arrived is what a plain loop over the same logs finds.", style="green")
            return
        self._console.print(f"{len(differences)} differences from a plain loop over the same logs:", style="bold red")
        for difference in differences[:SHOWN_DIFFERENCES]:
            self.say(f"  {difference}")
        if len(differences) > SHOWN_DIFFERENCES:
            self.say(f"  and {len(differences) - SHOWN_DIFFERENCES} more")


def _lines(results: Results, metrics_url: str) -> Iterator[tuple[str, str]]:
    records = results.counted("trailstream_decoded_records_total")
    through_ijson = results.counted("trailstream_decoded_records_total", reader="ijson")
    inflated = results.counted("trailstream_inflated_read_bytes_total") / MEGABYTE
    compressed = results.counted("trailstream_compressed_read_bytes_total") / MEGABYTE
    cpu = results.counted("process_cpu_seconds_total")
    yield "objects", f"{results.counted('trailstream_processed_objects_total'):,.0f}"
    yield "records", f"{records:,.0f}, of which {through_ijson:,.0f} through ijson"
    yield "", f"{inflated:,.1f} MB of JSON from {compressed:,.1f} MB of gzip"
    yield "accounts", f"{results.accounts}"
    kept_back = results.counted("trailstream_repeated_alerts_total")
    yield "alerts", f"{results.alerts:,} (a plain loop finds {results.expected:,}); {kept_back:,.0f} repeats not sent"
    yield (
        "records/s",
        f"{records / results.seconds:,.0f} over the {results.seconds:.1f} s from first upload to last object read",
    )
    yield "", f"{records / cpu:,.0f} over the {cpu:.1f} s of CPU time that the worker used"
    yield "lag", f"stored to received: {_lag(results.after, 'object_to_received')}"
    yield "", f"received to alert accepted: {_lag(results.after, 'received_to_alerted')}"
    yield "metrics", metrics_url


def _lag(scrape: Scrape, stage: str) -> str:
    mean = scrape.mean(LAG, stage=stage)
    if mean is None:
        return "not seen"
    return f"{mean:.2f} s on average, 90% within {scrape.within(LAG, 0.9, stage=stage)} s"
