"""The command line: what can be asked of trailstream, and what its answers exit with.

Exit codes: 0 it did what was asked; 1 it did, and something it read was not right; 2 the configuration, the rules or
the command line are not usable, each problem on standard error; 3 a bug of ours that loses alerts came to light.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from pathlib import Path

from trailstream import __version__
from trailstream.entrypoints.counts import at_least_one
from trailstream.entrypoints.dead_letter_text import REPORTS
from trailstream.entrypoints.rules import add_rules
from trailstream.entrypoints.rules.verified import DisagreementError
from trailstream.entrypoints.scan import add_scan
from trailstream.model.problems import ConfigurationError

NOT_USABLE = 2
OUR_BUG = 3
Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that is ASCII shows escapes, and loses nothing
    options = make_parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return NOT_USABLE
    except DisagreementError as error:
        print(error, file=sys.stderr)
        return OUR_BUG
    except BrokenPipeError:
        # Whoever read our output has enough (`| head`). Python would complain once more while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of every command; the function that runs the chosen one is its ``command``."""
    parser = argparse.ArgumentParser(
        prog="trailstream",
        description="Know within seconds of CloudTrail's delivery when an API call that matters was made in any of "
        "your AWS accounts.",
    )
    parser.add_argument("--version", action="version", version=f"trailstream {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_worker(commands)
    add_scan(commands)
    add_rules(commands)
    _add_dlq(commands)
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


def _add_dlq(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    dlq = commands.add_parser("dlq", help="read the dead-letter queue, and move messages back")
    tools = dlq.add_subparsers(required=True, metavar="TOOL")
    listing = tools.add_parser(
        "list",
        help="list what is in the dead-letter queue, and why",
        description="List what is in the dead-letter queue, with the reasons that the quarantine keeps. Nothing is "
        "taken: what was looked at shows again at once. Each look counts as a receive.",
    )
    listing.add_argument(
        "--limit", type=at_least_one, default=100, metavar="N", help="look at N messages (default: 100)"
    )
    show = tools.add_parser(
        "show",
        help="print everything of one message, and what to do about it",
        description="Print everything of one message: its body, its objects, the reason that the quarantine keeps, and "
        "what to do about it.",
    )
    show.add_argument("message_id", metavar="MESSAGE_ID", help="as the list shows it")
    redrive = tools.add_parser(
        "redrive",
        help="move messages back to the queue that they came from",
        description="Move messages back to the queue of the configuration, as they are. Each is deleted here after it "
        "is sent there: an interruption may leave it on both, and the ledger suppresses the repeat. AWS's own redrive "
        "(StartMessageMoveTask) moves all or nothing, and runs without this machine. Exits with 1 where a message that "
        "was meant is not moved.",
    )
    which = redrive.add_mutually_exclusive_group(required=True)
    which.add_argument("--all", action="store_true", help="every message that is there now")
    which.add_argument("--code", action="append", metavar="CODE", help="those with this reason; may be repeated")
    which.add_argument("--message-id", action="append", metavar="ID", help="this one; may be repeated")
    redrive.add_argument("--limit", type=at_least_one, metavar="N", help="move N messages at the most")
    redrive.add_argument("--dry-run", action="store_true", help="only say what would be moved")
    for tool, name in ((listing, "list"), (show, "show"), (redrive, "redrive")):
        tool.add_argument("--config", type=Path, metavar="FILE", help="the worker's settings; TRAILSTREAM_* wins")
        tool.add_argument(
            "--queue-url", metavar="URL", help="the dead-letter queue (default: the one in the queue's redrive policy)"
        )
        tool.set_defaults(command=_run_dlq, tool=name)
    for tool in (listing, show):
        tool.add_argument("--format", choices=REPORTS, default="table", help="for people or for programs")


def _run_dlq(options: argparse.Namespace) -> int:
    from trailstream.entrypoints.dlq import DLQ_TOOLS  # noqa: PLC0415 - AWS's libraries are slow to load

    return DLQ_TOOLS[options.tool](options)


def _run_worker(options: argparse.Namespace) -> int:
    from trailstream.entrypoints.worker import run_worker  # noqa: PLC0415 - AWS's libraries are slow to load

    return run_worker(options.config)
