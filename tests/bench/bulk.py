"""Few huge objects: what a record costs."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from . import corpus, datasets
from .comparison import CPU_RATIO, WALL_RATIO, compared
from .figures import Goal, Row, Section
from .processes import Sample, in_turn, python_way, run
from .reference import Reference, reference

NODE_SCRIPT = Path(__file__).with_name("way_node.js")
INFLATE, ZCAT = "inflate alone (isal)", "zcat | wc -c"
IJSON, NODE = "gzip + ijson + a filter on dicts", "Node: JSON.parse(gunzipSync())"

GOALS_WITH_SOME_RULES = {
    INFLATE: [Goal(CPU_RATIO, "at least", 0.5), Goal(WALL_RATIO, "at least", 0.8)],
    ZCAT: [Goal(CPU_RATIO, "at least", 2)],
    IJSON: [Goal(CPU_RATIO, "at least", 6)],
    NODE: [Goal(CPU_RATIO, "at least", 5)],
}
GOALS_WITH_ALL_RULES = {INFLATE: [Goal(CPU_RATIO, "at least", 0.2)]}


def bulk(rounds: int, quick: bool) -> Iterator[Section]:
    """Read the same logs with few rules and with all, beside the baselines."""
    megabytes = 52 if quick else 208
    logs = datasets.bulk(megabytes)
    baselines = _baselines(logs)
    rulesets = {datasets.some_rules(): GOALS_WITH_SOME_RULES}
    if corpus.is_real():
        rulesets[datasets.all_rules()] = GOALS_WITH_ALL_RULES
    for rules, goals in rulesets.items():
        expected = reference(logs, rules)
        candidate = f"trailstream, {expected.rules} rules"
        samples = in_turn({candidate: _scan(logs, rules, expected)} | baselines, rounds)
        absent = [Row(way, {}, absent="not installed here") for way in (ZCAT, NODE) if way not in samples]
        yield Section(
            f"Bulk: {megabytes} MB of JSON in a few objects, {expected.rules} rules",
            [*compared(samples, candidate, goals, MB=megabytes), *absent],
            [
                f"{expected.matching_share:.1%} of {expected.records:,} records match a rule.",
                "The baselines that filter know the tutorial's rule alone.",
            ],
        )


def _scan(logs: Path, rules: Path, expected: Reference) -> Callable[[], Sample]:
    return lambda: expected.check("trailstream", run(python_way("scan", logs, "--rules", rules)))


def _baselines(logs: Path) -> dict[str, Callable[[], Sample]]:
    """Return the baselines that this machine has."""
    files = datasets.logs_in(logs)
    tutorial = reference(logs, datasets.tutorial_rule())
    ways: dict[str, Callable[[], Sample]] = {INFLATE: lambda: run(python_way("inflate", logs))}
    if shutil.which("zcat"):
        ways[ZCAT] = lambda: run(["sh", "-c", f"zcat {shlex.join(map(str, files))} | wc -c"])
    ways[IJSON] = lambda: tutorial.check(IJSON, run(python_way("ijson", logs)))
    if node := shutil.which("node"):
        ways[NODE] = lambda: tutorial.check(NODE, run([node, str(NODE_SCRIPT), str(logs)]))
    return ways
