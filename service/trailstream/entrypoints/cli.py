"""The command line: what can be asked of trailstream, and what its answers exit with.

Exit codes: 0 it did what was asked; 1 it did, and something it read was not right; 2 the configuration, the rules or
the command line are not usable, each problem on standard error.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import get_args

from trailstream import __version__
from trailstream.entrypoints.rules_check import run_rules_check
from trailstream.entrypoints.scan import FORMATS, run_scan
from trailstream.model.errors import ConfigurationError
from trailstream.model.limits import ReaderChoice

NOT_USABLE = 2
Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return NOT_USABLE
    except BrokenPipeError:
        # Whoever read our output has enough (`| head`). Python would complain once more while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trailstream",
        description="Know within seconds when an API call that matters is made in any of your AWS accounts.",
    )
    parser.add_argument("--version", action="version", version=f"trailstream {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_worker(commands)
    _add_scan(commands)
    _add_rules(commands)
    return parser


def _add_worker(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    worker = commands.add_parser(
        "worker",
        help="take notifications from SQS and send alerts, until told to stop",
        description="Take notifications of new log objects from SQS and send an alert for every match. SIGTERM or "
        "SIGINT finishes what was begun; a second one leaves at once.",
    )
    worker.add_argument("--config", type=Path, metavar="FILE", help="settings as TOML; TRAILSTREAM_* variables win")
    worker.set_defaults(command=_run_worker)


def _add_scan(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    scan = commands.add_parser(
        "scan",
        help="match rules against log files",
        description="Match rules against CloudTrail logs in files, directories and standard input (-): as delivered, "
        "or re-serialised as an array, single records, JSON lines or EventBridge events, gzipped or not. Exits with 1 "
        "where an input could not be read to its end; the others are read all the same.",
    )
    scan.add_argument("paths", nargs="+", metavar="PATH", help="a file, a directory, or - for standard input")
    scan.add_argument("--rules", type=Path, required=True, metavar="DIR", help="the directory of rules")
    scan.add_argument("--skip-broken", action="store_true", help="go on without the rules that are broken")
    scan.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="how a match is written (default: jsonl)")
    scan.add_argument("--summary", type=Path, metavar="FILE", help="write what the scan came to as JSON")
    scan.add_argument("--reader", choices=get_args(ReaderChoice), default="auto", help="how records are read")
    scan.set_defaults(command=run_scan)


def _add_rules(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    rules = commands.add_parser("rules", help="tools for the people who write rules")
    tools = rules.add_subparsers(required=True, metavar="TOOL")
    check = tools.add_parser(
        "check",
        help="report everything that is wrong with a directory of rules",
        description="Read every rule as the worker would, and report all problems at once: file, line, reason.",
    )
    check.add_argument("directory", type=Path, metavar="DIR")
    check.set_defaults(command=run_rules_check)


def _run_worker(options: argparse.Namespace) -> int:
    from trailstream.entrypoints.worker import run_worker  # noqa: PLC0415 - AWS's libraries are slow to load

    return run_worker(options.config)
