"""``make fuzz SECONDS=60 SEED=1``: look for inputs on which a promise is broken; exit 1 where one was found."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from . import envelopes, gzip_streams, readers
from .search import case_of, finding_in, keep, shrunk
from .target import Finding, Target

TARGETS = {target.name: target for target in (envelopes.TARGET, gzip_streams.TARGET, readers.TARGET)}
FOUND = Path("build") / "fuzz"


def main() -> int:
    """Return 0 where nothing was found."""
    options = _options()
    targets = list(TARGETS.values()) if options.target == "all" else [TARGETS[options.target]]
    if options.replay is not None:
        findings = [finding_in(target, options.replay.read_bytes()) for target in targets]
        _say(*(str(finding) for finding in findings if finding))
        return int(any(findings))
    return int(_search(targets, options.seed, options.cases, options.seconds) > 0)


def _search(targets: Sequence[Target], seed: int, cases: int | None, seconds: float) -> int:
    """Check so many inputs for each target, else for so long; report each symptom once, and count them."""
    _say(f"seed {seed}, {', '.join(target.name for target in targets)}")
    found: set[tuple[str, str]] = set()
    deadline = time.monotonic() + seconds
    number = 0
    while number < cases if cases is not None else time.monotonic() < deadline:
        for target in targets:
            case = case_of(target, seed, number)
            finding = finding_in(target, case)
            if finding is not None and (target.name, finding.symptom) not in found:
                found.add((target.name, finding.symptom))
                _report(target, seed, number, case, finding)
        number += 1
    _say(f"{number} inputs for each, {len(found)} findings")
    return len(found)


def _report(target: Target, seed: int, number: int, case: bytes, finding: Finding) -> None:
    path = keep(FOUND, target, shrunk(target, case, finding.symptom), finding)
    _say(
        f"FOUND by seed {seed}, target {target.name}, input {number}: {finding}",
        f"  again: make fuzz ARGS='--target {target.name} --replay {path}'",
    )


def _say(*lines: str) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--target", choices=[*TARGETS, "all"], default="all")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same inputs from the same seed")
    parser.add_argument("--seconds", type=float, default=60, help="how long to look (%(default)s)")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--cases", type=int, help="instead, how many inputs for each target")
    instead.add_argument("--replay", type=Path, metavar="FILE", help="instead, check this input only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
