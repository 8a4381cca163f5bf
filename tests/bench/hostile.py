"""What whoever makes API calls can put into the logs: records that are meant to cost more than others."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from pathlib import Path

from . import corpus, datasets
from .comparison import CPU_RATIO, compared
from .figures import Goal, Section
from .processes import Sample, in_turn, python_way, run
from .reference import Reference, reference

RECORD_BYTES = 256 * 1024
"""The longest that CloudTrail writes."""
DEEPEST = 190
LONGEST_NUMBER = 4300
"""Digits, beyond which Python makes no integer."""
ORDINARY, PLAIN = "ordinary records", "plain values"
MEGABYTES = 16
GOAL = Goal(CPU_RATIO, "at most", 2)

FILLINGS: Mapping[str, str] = {
    PLAIN: '{"resourceName":"a value as any other"},',
    "record boundaries": '{"eventVersion":"1.08"},',
    "openings of documents": '{"Records":[{"eventVersion":"1.08"}]},',
    "record boundaries in strings": '"},{\\"eventVersion\\":\\"1.08\\"",',
    "deep nesting": "[" * DEEPEST + "]" * DEEPEST + ",",
    "empty arrays": "[],",
    "escaped quotes": '"' + '\\"' * 100 + '",',
    "escaped letters": '"' + "\\u0041" * 100 + '",',
    "surrogate pairs": '"' + "\\ud83d\\ude00" * 50 + '",',
    "lone surrogates": '"' + "\\ud83d" * 100 + '",',
    "other scripts": '"' + "記録" * 50 + '",',
    "long numbers": "1" * LONGEST_NUMBER + ",",
    "short numbers": "1,",
    "numbers with exponents": "1.688560107857E9,",
    "very small numbers": "1e-4000,",
    "short names": '{"a":1},',
}
"""What a list in the record's requestParameters is full of."""


def hostile(rounds: int, quick: bool) -> Iterator[Section]:
    """Scan objects of the longest records, each full of something, and compare them with one full of plain values."""
    megabytes = MEGABYTES // 4 if quick else MEGABYTES
    rules = datasets.some_rules()
    records = {ORDINARY: corpus.unlike_copies(corpus.records())}
    records |= {name: repeat(record(filling)) for name, filling in FILLINGS.items()}
    ways = {name: _scan(_logs(name, each, megabytes), rules) for name, each in records.items()}
    goals = {name: [GOAL] for name in FILLINGS if name != PLAIN}
    yield Section(
        f"Hostile: {megabytes} MB of records of {RECORD_BYTES // 1024} KB, each full of one thing",
        compared(in_turn(ways, rounds), PLAIN, goals, MB=megabytes),
        ["The ratios are to records that are full of plain values. Ordinary records have 1.3 KB."],
    )


def record(filling: str) -> bytes:
    """Return a record of the longest size, most of which is a list that holds the filling over and over."""
    head = {
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "userName": "mallory", "accountId": "111122223333"},
        "eventTime": "2023-07-10T12:40:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutBucketTagging",
        "eventID": "00000000-0000-4000-8000-000000000000",
    }
    before = json.dumps(head, separators=(",", ":")).removesuffix("}") + ',"requestParameters":{"list":['
    after = "]}}"
    count = (RECORD_BYTES - len(before) - len(after)) // len(filling.encode())
    return (before + (filling * count).removesuffix(",") + after).encode()


def _logs(name: str, records: Iterator[bytes], megabytes: int) -> Path:
    def make(directory: Path) -> None:
        datasets.write_log(directory / "0.json.gz", datasets.worth(megabytes, records))

    return datasets.made_once(datasets.BUILD / f"hostile-{megabytes}mb" / name.replace(" ", "-"), make)


def _scan(logs: Path, rules: Path) -> Callable[[], Sample]:
    expected: Reference = reference(logs, rules)
    return lambda: expected.check(logs.name, run(python_way("scan", logs, "--rules", rules)))
