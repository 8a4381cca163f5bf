"""What a scan came to, as tables for a terminal: by rule, by account, by hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trailstream.entrypoints.scan.summary import Summary
from trailstream.model.alert import Severity
from trailstream.model.printable import printable

MOST_ROWS = 20
MOST_HOURS = 48
"""More are told by the day."""
WIDTH_ELSEWHERE = 140
"""Where there is no terminal that has a width."""
BAR_CELLS = 30

_DAY = len("2026-11-22")
_STYLES = {
    Severity.CRITICAL: "bold magenta",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "cyan",
    Severity.INFORMATIONAL: "dim",
}


def print_tables(summary: Summary, stream: TextIO) -> None:
    """Print the tables of a scan that found something."""
    if not summary.alerts:
        return
    console = Console(file=stream, highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_ELSEWHERE
    for each in (_rules(summary), _accounts(summary), _times(summary)):
        console.print(each)


def _rules(summary: Summary) -> Table:
    table = _table("ALERTS", "SEVERITY", "RULE", "ID")
    counted = sorted(summary.by_rule.items(), key=lambda item: (-summary.rules[item[0]].severity, -item[1], item[0]))
    for rule_id, count in counted[:MOST_ROWS]:
        rule = summary.rules[rule_id]
        severity = Text(rule.severity.label, style=_STYLES[rule.severity])
        table.add_row(_number(count), severity, _text(rule.title), _text(rule_id))
    _and_more(table, len(counted))
    return table


def _accounts(summary: Summary) -> Table:
    return _bars("ACCOUNT", summary.by_account.most_common(MOST_ROWS), len(summary.by_account))


def _times(summary: Summary) -> Table:
    hours = len(summary.by_hour) <= MOST_HOURS
    counted: Counter[str] = Counter()
    for hour, count in summary.by_hour.items():
        counted[hour.replace("T", " ").removesuffix(":00Z") if hours else hour[:_DAY]] += count
    latest = sorted(counted.items())[-MOST_HOURS:]
    return _bars("HOUR (UTC)" if hours else "DAY (UTC)", latest, len(counted))


def _bars(name: str, counted: Iterable[tuple[str, int]], of: int) -> Table:
    table = _table("ALERTS", name, "")
    rows = list(counted)
    most = max(count for _, count in rows)
    for value, count in rows:
        table.add_row(_number(count), _text(value), Text("▇" * max(1, count * BAR_CELLS // most), style="blue"))
    _and_more(table, of, len(rows))
    return table


def _table(*columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name == "ALERTS" else "left", no_wrap=True, overflow="ellipsis")
    return table


def _and_more(table: Table, there_are: int, shown: int = MOST_ROWS) -> None:
    if there_are > shown:
        table.add_row("", *_rest(there_are - shown))


def _rest(count: int) -> Iterator[Text]:
    yield Text(f"… and {count} more", style="dim")


def _number(count: int) -> Text:
    return Text(f"{count:,}")


def _text(value: str) -> Text:
    # As Text, for a title may hold what the library would take for its markup.
    return Text(printable(value))
