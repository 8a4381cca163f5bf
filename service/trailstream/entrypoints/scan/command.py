"""What ``trailstream scan`` does, from its options to its exit code."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import orjson

from trailstream.bootstrap.python_rules import open_judge, permitted
from trailstream.bootstrap.rules import detections_of, load_rules
from trailstream.config import Settings, ToolSettings, load_settings
from trailstream.decode.keys import account_in_key
from trailstream.entrypoints.scan.inputs import Input, Place, Prefix, inputs, places
from trailstream.entrypoints.scan.period import Period
from trailstream.entrypoints.scan.progress import Advance, shown_progress
from trailstream.entrypoints.scan.report import Report
from trailstream.entrypoints.scan.summary import Summary
from trailstream.entrypoints.scan.tables import print_tables
from trailstream.entrypoints.scan.writers import Write, json_lines, nothing, table
from trailstream.model.alert import Alert, Match
from trailstream.model.errors import DamageError, ObjectMissingError, PermanentError, RetryableError, RuleFailedError
from trailstream.model.printable import printable
from trailstream.model.problems import ConfigurationError, Problem
from trailstream.pipeline.detections import Detections, Findings
from trailstream.pipeline.object_scan import ObjectScan
from trailstream.pipeline.read_ahead import Opened, read_ahead
from trailstream.rules.loading import LoadedRules

INTERRUPTED = 130
TURN_SECONDS = 0.005
"""For how long an input is worked on before what is read ahead gets its turn; the step under way is finished."""

_SUMMARY = "summary"
WRITERS: Mapping[str, Callable[[], Write]] = {"jsonl": json_lines, "table": table, _SUMMARY: nothing}
FORMATS = tuple(WRITERS)


def run_scan(options: argparse.Namespace) -> int:
    """Scan what was asked for. Return 0 where everything was read, 1 where an input failed, 130 after Ctrl-C."""
    summary = Summary(_period(options))
    settings = _settings(options)
    detections = detections_of(_rules(options.rules, settings), skip_broken=options.skip_broken, emit=summary.hear)
    for name in (_SUMMARY, "report"):
        _check_writable(name, getattr(options, name))
    looked_up = places(options.paths)
    started = time.perf_counter()
    report = None if options.report is None else Report()
    scan = _Scan(detections, summary, WRITERS[options.format](), report)
    try:
        with shown_progress(looked_up) as advance:
            asyncio.run(_run(scan, looked_up, settings, options, advance))
    except KeyboardInterrupt:
        summary.interrupted = True
    sys.stdout.flush()
    summary.seconds = round(time.perf_counter() - started, 3)
    _finish(summary, report, options)
    return INTERRUPTED if summary.interrupted else 1 if summary.failed else 0


def _settings(options: argparse.Namespace) -> Settings:
    """Return the worker's settings, as far as a scan wants them; what the command line says wins."""
    settings = load_settings(ToolSettings, options.config)
    given = {"region": options.region, "endpoint_url": options.endpoint_url}
    aws = settings.aws.model_copy(update={name: value for name, value in given.items() if value is not None})
    return settings.model_copy(update={"aws": aws})


def _rules(place: Path | str, settings: Settings) -> LoadedRules:
    """Read the rules, once. Code that the worker would not run is not run here either, and that is said."""
    if isinstance(place, Path):
        loaded = load_rules(place)
    else:
        from trailstream.bootstrap.rules_in_s3 import load_prefix  # noqa: PLC0415 - AWS's libraries are slow to load

        loaded = load_prefix(place, settings.aws)
    allowed = permitted(loaded, settings.rules.python, from_directory=isinstance(place, Path))
    for note in allowed.notes[len(loaded.notes) :]:
        print(printable(str(note)), file=sys.stderr)
    return allowed


def _finish(summary: Summary, report: Report | None, options: argparse.Namespace) -> None:
    if options.summary is not None:
        document = orjson.dumps(summary.document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        options.summary.write_bytes(document)
    if report is not None:
        report.write(options.report, summary, options.paths)
    print_tables(summary, sys.stdout if options.format == _SUMMARY else sys.stderr)
    print(summary.closing_line(), file=sys.stderr)


def _period(options: argparse.Namespace) -> Period:
    if options.since is not None and options.until is not None and options.since >= options.until:
        raise ConfigurationError([Problem("--since", "is not before --until", "the period between them is read")])
    return Period(options.since, options.until, options.late)


def _check_writable(name: str, path: Path | None) -> None:
    """Raise :class:`ConfigurationError` now rather than after all the work."""
    try:
        if path is not None:
            path.open("ab").close()
    except OSError as error:
        problem = Problem(f"--{name}", f"{path}: {error.strerror}", "name a file that can be written")
        raise ConfigurationError([problem]) from error


async def _run(
    scan: _Scan, looked_up: Sequence[Place], settings: Settings, options: argparse.Namespace, advance: Advance
) -> None:
    async with AsyncExitStack() as stack:
        buckets = None
        if any(isinstance(place, Prefix) for place in looked_up):
            from trailstream.bootstrap.scan import open_buckets  # noqa: PLC0415 - AWS's libraries are slow to load

            buckets = await stack.enter_async_context(open_buckets(settings, concurrency=options.concurrency))
        rules, code = scan.detections.ruleset.rules, settings.rules.python
        root = options.rules if isinstance(options.rules, Path) else None
        judge = await stack.enter_async_context(open_judge(rules, root, settings=code, emit=scan.summary.hear))
        scan.detections = scan.detections.judged_by(judge)
        found = inputs(looked_up, buckets, scan.summary.period, scan.summary.skip)
        given = await stack.enter_async_context(read_ahead(found, at_most=options.concurrency))
        async for each, opened in given:
            objects = ObjectScan(
                ruleset=scan.detections.ruleset,
                limits=settings.reader.limits,
                choice=options.reader,
                layout="any",
            )
            await scan.read(each, opened, objects, advance)
        await scan.detections.judge_windows(send=scan.send, input_ended=True)


@dataclass(slots=True)
class _Scan:
    """The way of a match: from an input over the rules in force to whoever wants alerts."""

    detections: Detections
    summary: Summary
    write: Write
    report: Report | None
    turn_ends_at: float = 0.0

    async def send(self, alert: Alert) -> None:
        self.summary.count(alert)
        self.write(alert)
        if self.report is not None:
            self.report.add(alert)

    async def read(self, each: Input, opened: Opened, scan: ObjectScan, advance: Advance) -> None:
        """Read an input to its end, or as far as it goes."""
        account = account_in_key(each.name)
        try:
            async with self.detections.findings(
                origin=each.name, key_account=account, send=self.send, noticed=self.summary.notice
            ) as findings:
                await self._read(each, opened, scan, findings, advance)
        except (PermanentError, RetryableError) as error:
            self.summary.fail(each.name, error.code, str(error))
        finally:
            self.summary.add(scan)

    async def _read(self, each: Input, opened: Opened, scan: ObjectScan, findings: Findings, advance: Advance) -> None:
        # What is found before the damage is alerted, so no failure to read leaves the findings before their end.
        try:
            async with opened as chunks:
                async for chunk in chunks:
                    await self._take(scan.feed(chunk), findings)
                    advance(len(chunk))
            await self._take(scan.close(), findings)
        except DamageError as error:
            where = "" if error.record_index is None else f"record {error.record_index}: "
            self.summary.fail(each.name, error.code, f"{where}{error.detail}")
        except (RuleFailedError, ObjectMissingError, RetryableError) as error:
            self.summary.fail(each.name, error.code, str(error))
        except BrokenPipeError:
            raise
        except OSError as error:
            self.summary.fail(each.name, "unreadable", error.strerror or str(error))

    async def _take(self, steps: Iterator[list[Match]], findings: Findings) -> None:
        for matches in steps:
            for match in matches:
                if self.summary.period.holds(match.record):
                    await findings.add(match)
            if time.monotonic() >= self.turn_ends_at:
                await asyncio.sleep(0)
                self.turn_ends_at = time.monotonic() + TURN_SECONDS
