"""What each rule language costs, and all at once: ``trailstream scan`` as its user starts it, its children included."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import panther_rules

from . import corpus, datasets
from .comparison import CPU, WALL
from .figures import Row, Section, ratios, spread
from .processes import Sample, WayFailedError, in_turn, run

PROGRAM = Path(sys.executable).parent / "trailstream"
TITLE = "Languages: the rules of four languages, each alone and all at once"
ALL = "all four"

_COMMAND = '"$1" scan "$2" --rules "$3" --summary "$4" >/dev/null && exec tr -d "\\n" <"$4"'


def languages(rounds: int, quick: bool) -> Iterator[Section]:
    """Scan the same logs with the rules of each language, and with all of them."""
    if not corpus.is_real():
        yield Section(TITLE, [Row(ALL, {}, absent="there are only the example rules here")])
        return
    megabytes = 52 if quick else 208
    logs = datasets.bulk(megabytes)
    directories = _directories()
    samples = in_turn({name: _scan(logs, rules) for name, rules in directories.items()}, rounds)
    matches = {name: {sample.facts["matches"] for sample in each} for name, each in samples.items()}
    together = sum(number for name, numbers in matches.items() if name != ALL for number in numbers)
    if matches[ALL] != {together}:
        raise WayFailedError(f"all languages at once found {matches[ALL]}, and each alone {together} together")
    cpu = {name: [sample.cpu_seconds for sample in each] for name, each in samples.items()}
    alone = [sum(each) for each in zip(*(seconds for name, seconds in cpu.items() if name != ALL), strict=True)]
    yield Section(
        f"{TITLE}, {megabytes} MB of JSON",
        [
            Row(
                name,
                {
                    CPU: spread(cpu[name]),
                    WALL: spread([sample.wall_seconds for sample in each]),
                    "alerts": spread([sample.facts["matches"] for sample in each]),
                    "CPU, of the sum alone": ratios(cpu[name], alone),
                },
            )
            for name, each in samples.items()
        ],
        ["A whole process each: start, loading and compiling the rules, and writing the alerts as JSON are in it."],
    )


def _scan(logs: Path, rules: Path) -> Callable[[], Sample]:
    summary = datasets.BUILD / f"languages-{rules.name}.json"
    return lambda: run(["sh", "-c", _COMMAND, "sh", str(PROGRAM), str(logs), str(rules), str(summary)])


def _directories() -> Mapping[str, Path]:
    """Return the rules of each language in a directory, and one of them all."""
    makers: Mapping[str, Callable[[Path], None]] = {
        "event patterns": _write_patterns,
        "Sigma": _write_sigma,
        "metric filters": _write_filters,
        "Python": _write_python,
    }

    def make_all(directory: Path) -> None:
        for name, make in makers.items():
            (directory / name).mkdir()
            make(directory / name)

    return {
        **{name: datasets.made_once(datasets.BUILD / "languages" / name, make) for name, make in makers.items()},
        ALL: datasets.made_once(datasets.BUILD / "languages" / ALL, make_all),
    }


def _write_patterns(directory: Path) -> None:
    lines = (corpus.SHARED / "rules" / "event_patterns_in_the_wild.jsonl").read_text().splitlines()
    for number, line in enumerate(lines):
        (directory / f"{number:03}.json").write_text(json.dumps(json.loads(line)["pattern"]))


def _write_sigma(directory: Path) -> None:
    for path in corpus.rule_files("sigma", "suzaku"):
        (directory / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes())


def _write_filters(directory: Path) -> None:
    for path in sorted((corpus.SHARED / "rules" / "filter_patterns").glob("*.yaml")):
        (directory / path.name).write_bytes(path.read_bytes())


def _write_python(directory: Path) -> None:
    panther_rules.write(directory)
