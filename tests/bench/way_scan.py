"""The candidate: trailstream's core over files, driven exactly as ``trailstream scan`` drives it.

With ``--reader ijson --ungated`` it is also the reference: every rule evaluated on every record of the plain reader.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from trailstream.bootstrap.rules import load_rules
from trailstream.model.alert import Match, alert_id
from trailstream.model.limits import CHUNK_BYTES, ReadLimits
from trailstream.model.record import record_id
from trailstream.pipeline.object_scan import ObjectScan
from trailstream.rules.ruleset import Ruleset

from .datasets import logs_in
from .found import Found
from .outcome import Stopwatch, tell
from .proc import PeakMemory


def main() -> None:
    options = _options()
    ruleset = Ruleset(load_rules(options.rules).rules, gated=not options.ungated)
    memory = PeakMemory()
    watch, found = Stopwatch(), Found()
    by_rule: Counter[str] = Counter()
    records = matching = inflated = candidates = 0
    for path in logs_in(options.logs):
        scan = ObjectScan(ruleset=ruleset, limits=ReadLimits(), choice=options.reader)
        for matches in _timed(_steps(path, scan), watch):
            for match in matches:
                found.add(alert_id(match.rule.id, record_id(match.record)))
                by_rule[match.rule.id] += 1
            matching += len({match.record_index for match in matches})
        records, inflated = records + scan.records, inflated + scan.bytes_inflated
        candidates += scan.candidates
    tell(
        watch,
        found=str(found),
        records=records,
        candidates=candidates,
        matching_records=matching,
        inflated_bytes=inflated,
        rules=len(ruleset.rules),
        by_rule=by_rule,
        peak_over_idle_mb=memory.over_idle_mb,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("logs", type=Path)
    parser.add_argument("--rules", type=Path, required=True)
    parser.add_argument("--reader", default="auto")
    parser.add_argument("--ungated", action="store_true")
    return parser.parse_args()


def _steps(path: Path, scan: ObjectScan) -> Iterator[list[Match]]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield from scan.feed(chunk)
    yield from scan.close()


def _timed(steps: Iterator[list[Match]], watch: Stopwatch) -> Iterator[list[Match]]:
    """Yield the steps that have matches; only the time within steps counts, not what is done with the matches here."""
    matching = filter(None, steps)
    while True:
        with watch.running():
            matches = next(matching, None)
        if matches is None:
            return
        yield matches


if __name__ == "__main__":
    main()
