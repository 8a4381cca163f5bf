"""``trailstream scan``: the same core over files, directories and standard input, for rules and for old logs."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

import orjson
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from trailstream.adapters.alert_text import alert_json
from trailstream.bootstrap.rules import load_ruleset
from trailstream.decode.json_text import encode_record
from trailstream.decode.keys import account_in_key
from trailstream.model.alert import Alert, Match, alert_of
from trailstream.model.errors import ConfigurationError, DamageError, Problem, RuleFailedError
from trailstream.model.limits import KIB, ReadLimits
from trailstream.model.printable import printable
from trailstream.pipeline.object_scan import ObjectScan

CHUNK_BYTES = 256 * KIB
STDIN = "-"

Write = Callable[[Alert], None]
Advance = Callable[[int], None]
"""Told how many bytes of input were read."""


@dataclass(slots=True)
class Summary:
    """What a scan came to; ``--summary`` writes it as JSON under these names."""

    objects: int = 0
    """Inputs that were read, whole or until they failed; not those that were skipped."""
    records: int = 0
    bytes_compressed: int = 0
    bytes_inflated: int = 0
    matches: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    failed: list[dict[str, str]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, scan: ObjectScan) -> None:
        """Count one input."""
        self.objects += 1
        self.records += scan.records
        self.bytes_compressed += scan.bytes_compressed
        self.bytes_inflated += scan.bytes_inflated
        self.matches += scan.matches

    def fail(self, name: str, code: str, detail: str) -> None:
        """Note an input that could not be read to its end, and say so at once."""
        self.failed.append({"object": name, "code": code, "detail": detail})
        print(f"{printable(name)}: {code}: {printable(detail)}", file=sys.stderr)


@dataclass(frozen=True, slots=True)
class _Input:
    name: str
    path: Path | None
    """None is standard input."""
    size: int | None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        if self.path is None:
            yield sys.stdin.buffer
        else:
            with self.path.open("rb") as file:
                yield file


def run_scan(options: argparse.Namespace) -> int:
    """Scan what was asked for. Return 0 where everything was read, 1 where an input failed."""
    ruleset = load_ruleset(options.rules, skip_broken=options.skip_broken)
    if options.summary is not None:
        _check_writable(options.summary)
    started = time.perf_counter()
    summary = Summary()
    write = _WRITERS[options.format]()
    inputs = list(_inputs(options.paths))
    with _progress(inputs) as advance:
        for each in inputs:
            if each.size == 0:
                summary.skipped["empty"] = summary.skipped.get("empty", 0) + 1
            else:
                scan = ObjectScan(ruleset=ruleset, limits=ReadLimits(), choice=options.reader, layout="any")
                _scan(each, scan, write, advance, summary)
    sys.stdout.flush()
    summary.seconds = round(time.perf_counter() - started, 3)
    if options.summary is not None:
        options.summary.write_bytes(
            orjson.dumps(asdict(summary), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )
    print(_closing_line(summary), file=sys.stderr)
    return 1 if summary.failed else 0


def _check_writable(path: Path) -> None:
    """Raise :class:`ConfigurationError` now rather than after all the work."""
    try:
        path.open("ab").close()
    except OSError as error:
        problem = Problem("--summary", f"{path}: {error.strerror}", "name a file that can be written")
        raise ConfigurationError([problem]) from error


def _scan(each: _Input, scan: ObjectScan, write: Write, advance: Advance, summary: Summary) -> None:
    account = account_in_key(each.name)
    try:
        for matches in _steps(each, scan, advance):
            for match in matches:
                write(alert_of(match, origin=each.name, key_account=account, encode=encode_record))
    except DamageError as error:
        where = "" if error.record_index is None else f"record {error.record_index}: "
        summary.fail(each.name, error.code, f"{where}{error.detail}")
    except RuleFailedError as error:
        summary.fail(each.name, error.code, str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        summary.fail(each.name, "unreadable", error.strerror or str(error))
    summary.add(scan)


def _steps(each: _Input, scan: ObjectScan, advance: Advance) -> Iterator[list[Match]]:
    with each.open() as file:
        while chunk := file.read(CHUNK_BYTES):
            yield from scan.feed(chunk)
            advance(len(chunk))
    yield from scan.close()


def _inputs(paths: Sequence[str]) -> Iterator[_Input]:
    """Yield files as they are named and, below directories, in order of their names. No name is a reason to skip."""
    for name in paths:
        path = Path(name)
        if name == STDIN:
            yield _Input(STDIN, None, None)
        elif path.is_dir():
            for below in sorted(each for each in path.rglob("*") if each.is_file()):
                yield _Input(str(below), below, below.stat().st_size)
        else:
            yield _Input(name, path, path.stat().st_size if path.is_file() else None)


def _json_lines() -> Write:
    def write(alert: Alert) -> None:
        sys.stdout.buffer.write(alert_json(alert) + b"\n")

    return write


def _table() -> Write:
    layout = "{:<20} {:<13} {:<12} {:<15} {:<38} {:<44} {}"
    print(layout.format("TIME", "SEVERITY", "ACCOUNT", "REGION", "EVENT", "RULE", "ACTOR"))

    def write(alert: Alert) -> None:
        event = f"{(alert.event_source or '-').removesuffix('.amazonaws.com')}:{alert.event_name or '-'}"
        columns = (alert.event_time, alert.rule.severity.label, alert.account, alert.region, event, alert.rule.title)
        print(layout.format(*(printable(column or "-") for column in columns), printable(alert.actor or "-")))

    return write


_WRITERS: dict[str, Callable[[], Write]] = {"jsonl": _json_lines, "table": _table}
FORMATS = tuple(_WRITERS)


@contextmanager
def _progress(inputs: Sequence[_Input]) -> Iterator[Advance]:
    """Show a bar on standard error where that is a terminal; standard output stays for the matches."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        total = sum(each.size or 0 for each in inputs) if all(each.size is not None for each in inputs) else None
        task = progress.add_task(f"{len(inputs)} inputs", total=total)
        yield lambda count: progress.advance(task, count)


def _closing_line(summary: Summary) -> str:
    skipped = sum(summary.skipped.values())
    return (
        f"{summary.objects} objects, {summary.records} records, {summary.bytes_inflated / 1e6:.1f} MB of JSON in "
        f"{summary.seconds:.1f} s: {summary.matches} matches, {len(summary.failed)} failed, {skipped} skipped"
    )
