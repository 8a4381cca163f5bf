"""``trailstream scan``: the same core over files, directories, buckets and standard input."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from trailstream.entrypoints.counts import at_least_one
from trailstream.entrypoints.rules.files import place
from trailstream.entrypoints.scan.command import FORMATS, run_scan
from trailstream.entrypoints.scan.times import moment, span_seconds
from trailstream.model.limits import ReaderChoice

CONCURRENCY = 32
"""A small object takes some 30 ms to come and 1 ms to read."""


def add_scan(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    scan = commands.add_parser(
        "scan",
        help="match rules against old logs, in files or in S3",
        description="Match rules against CloudTrail logs in files, directories, S3 (s3://bucket/prefix) and standard "
        "input (-): as delivered, or re-serialised as an array, single records, JSON lines or EventBridge events, "
        "gzipped or not. Alerts are written in the order of the inputs, whatever the concurrency; nothing is sent. "
        "Exits with 1 where an input could not be read to its end; the others are read all the same. Ctrl-C ends it "
        "with what was found until then.",
    )
    scan.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="a file, a directory, - for standard input, s3://BUCKET/PREFIX, or one object, which ends in .gz or .json",
    )
    scan.add_argument(
        "--rules",
        type=place,
        required=True,
        metavar="DIR",
        help="the rules: a directory, a file, or s3://bucket/prefix",
    )
    scan.add_argument("--skip-broken", action="store_true", help="go on without the rules that are broken")
    _add_period(scan)
    _add_output(scan)
    _add_aws(scan)
    scan.add_argument("--reader", choices=get_args(ReaderChoice), default="auto", help="how records are read")
    scan.set_defaults(command=run_scan)


def _add_period(scan: argparse.ArgumentParser) -> None:
    what = "a time (2026-11-22T18:00Z), a date (its first moment, UTC) or how long ago (7d, 24h, 30m)"
    scan.add_argument("--since", type=moment, metavar="WHEN", help=f"only records from then on: {what}")
    scan.add_argument("--until", type=moment, metavar="WHEN", help="only records before then")
    scan.add_argument(
        "--late",
        type=span_seconds,
        default="1d",
        metavar="SPAN",
        help="with --until: how long after its records an object may have been delivered (default: 1d)",
    )


def _add_output(scan: argparse.ArgumentParser) -> None:
    scan.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="how alerts are written (default: jsonl)")
    scan.add_argument("--summary", type=Path, metavar="FILE", help="write what the scan came to as JSON")
    scan.add_argument(
        "--report", type=Path, metavar="FILE", help="write a page to look at it: one HTML file, which needs no network"
    )


def _add_aws(scan: argparse.ArgumentParser) -> None:
    scan.add_argument(
        "--concurrency", type=at_least_one, default=CONCURRENCY, metavar="N", help="objects of S3 read at a time"
    )
    scan.add_argument("--config", type=Path, metavar="FILE", help="the worker's settings; TRAILSTREAM_* variables win")
    scan.add_argument("--region", metavar="NAME", help="the Region to begin with (default: as the worker finds it)")
    scan.add_argument("--endpoint-url", type=_url, metavar="URL", help="another endpoint than AWS's")


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} begins with neither https:// nor http://")
    return text
