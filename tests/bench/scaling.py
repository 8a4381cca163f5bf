"""How the cost of a record grows with the number of rules, when the same few records match."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import yaml

from trailstream.bootstrap.rules import load_rules

from . import corpus, datasets
from .comparison import CPU_RATIO, compared
from .figures import Goal, Row, Section
from .processes import Sample, WayFailedError, in_turn, python_way, run
from .reference import Reference, reference

TITLE = "Rule scaling: mutations of the Sigma rules"
SIZES = (10, 100, 1000, 10_000)
MATCHING_SHARE = 0.01
GOAL = Goal(CPU_RATIO, "at most", 1.3)

KEPT_FIELDS = {"eventSource", "eventType", "eventCategory", "awsRegion", "errorCode", "userIdentity.type"}
"""Fields in which rules ask for the same few values. Elsewhere a mutation asks for a value of its own."""
NOT_SELECTIONS = {"condition", "timeframe"}
_LAST_WORD = re.compile(r"[A-Za-z0-9](?=[^A-Za-z0-9]*$)")


def scaling(rounds: int, quick: bool) -> Iterator[Section]:
    """Scan the same logs with ever more rules, of which the same few match."""
    if not corpus.is_real():
        yield Section(TITLE, [Row(f"{SIZES[-1]:,} rules", {}, absent="there are no Sigma rules here to make more of")])
        return
    megabytes = 52 if quick else 208
    logs = datasets.bulk(megabytes)
    matching = _matching_rules(logs)
    expected = reference(logs, datasets.rules("matching", matching))
    mutations = _mutations(SIZES[-1])
    ways = {}
    for size in SIZES:
        rules = datasets.rules(f"mutations-{size}", [*matching, *mutations[: size - len(matching)]])
        ways[f"{size:,} rules"] = _scan(logs, rules, expected)
    smallest, *_, largest = ways
    yield Section(
        TITLE,
        compared(in_turn(ways, rounds), smallest, {largest: [GOAL]}, MB=megabytes),
        [f"{expected.matching_share:.1%} of the records match. The ratios are to {smallest}."],
    )


def _scan(logs: Path, rules: Path, expected: Reference) -> Callable[[], Sample]:
    return lambda: expected.check(rules.name, run(python_way("scan", logs, "--rules", rules)))


def _matching_rules(logs: Path) -> Sequence[Path]:
    """Choose a few rules that match that share of the records between them, those that match most of it first."""
    directory = datasets.all_rules()
    facts = run(python_way("scan", logs, "--rules", directory)).facts
    files = {rule.info.id: directory / rule.info.path for rule in load_rules(directory).rules}
    left = MATCHING_SHARE * facts["records"]
    chosen: list[Path] = []
    for rule_id, matches in sorted(facts["by_rule"].items(), key=lambda item: -item[1]):
        if matches <= left and len(chosen) < SIZES[0] // 2:
            chosen.append(files[rule_id])
            left -= matches
    return chosen


def _mutations(count: int) -> Sequence[Path]:
    """Return that many rule files, none of which matches any record, the plain reader says."""

    def make(directory: Path) -> None:
        originals = [yaml.safe_load(path.read_text()) for path in corpus.rule_files("sigma", "suzaku")]
        usable = [originals[int(number)] for number in _silent(directory, originals)]
        for number, original in enumerate(islice(cycle(usable), count)):
            _write(directory, number, original)

    directory = datasets.made_once(datasets.BUILD / f"mutations-{count}", make)
    if reference(datasets.originals(), directory).found.alerts:
        raise WayFailedError("a mutation of a rule matches a record that it should not")
    return sorted(directory.iterdir())


def _silent(directory: Path, originals: Sequence[Any]) -> Sequence[str]:
    """Return the numbers of the rules whose mutation can be loaded and matches nothing."""
    for number, original in enumerate(originals):
        _write(directory, number, original)
    matching = run(python_way("scan", datasets.originals(), "--rules", directory)).facts["by_rule"]
    loaded = [Path(rule.info.path) for rule in load_rules(directory).rules if rule.info.id not in matching]
    for path in directory.iterdir():
        path.unlink()
    return sorted(path.stem for path in loaded)


def _write(directory: Path, number: int, original: Mapping[str, Any]) -> None:
    rule = mutated(original, number)
    (directory / f"{number:05}.yml").write_text(yaml.safe_dump(rule, sort_keys=False))


def mutated(original: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    """Return a rule of the same shape and on the same fields, that asks for other values."""
    detection = {
        name: part if name in NOT_SELECTIONS else _asking_otherwise(part, f"{number:05}")
        for name, part in original["detection"].items()
    }
    return {**original, "id": str(uuid.UUID(int=number)), "title": f"Mutation {number}", "detection": detection}


def _asking_otherwise(part: Any, token: str) -> Any:
    match part:
        case dict():
            return {
                field: value if field.partition("|")[0] in KEPT_FIELDS else _asking_otherwise(value, token)
                for field, value in part.items()
            }
        case list():
            return [_asking_otherwise(each, token) for each in part]
        case str():
            return _LAST_WORD.sub(rf"\g<0>{token}", part)
        case _:
            return part
