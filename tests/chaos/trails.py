"""Log objects of an invented account and how their arrival is told, all from a seed: with every kind of repetition."""

from __future__ import annotations

import gzip
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]

MALLORY = "arn:aws:iam::111122223333:user/mallory"
ALICE = "arn:aws:iam::111122223333:user/alice"

RULES = {
    "topic-created": "pattern: {eventSource: [sns.amazonaws.com], eventName: [CreateTopic]}",
    "key-made": "pattern: {eventSource: [iam.amazonaws.com], eventName: [CreateAccessKey]}",
    "by-mallory": f'pattern: {{userIdentity: {{arn: ["{MALLORY}"]}}}}',
}
"""By id; :mod:`.plain` says the same once more, in Python."""

COUNTED = "many-topics"
"""The id of the rule that counts: so many topics of one team within an hour, in which all of a trail's records lie."""
COUNTED_FROM = 4
TEAMS = 6
COUNTING_FILE = f"""\
title: topic
name: topic
id: topic
logsource: {{product: aws, service: cloudtrail}}
detection:
  made: {{eventSource: sns.amazonaws.com, eventName: CreateTopic}}
  condition: made
---
title: {COUNTED}
id: {COUNTED}
level: high
correlation:
  type: event_count
  rules: [topic]
  group-by: [requestParameters.team]
  timespan: 1h
  condition: {{gte: {COUNTED_FROM}}}
"""

QUIET_CALLS = [("sns", "GetTopicAttributes"), ("iam", "GetUser"), ("s3", "GetObject"), ("ec2", "DescribeInstances")]
LOUD_CALLS = [("sns", "CreateTopic"), ("iam", "CreateAccessKey")]

FEW_OBJECTS = 7
LARGE_RECORDS = 700
"""Enough for several stretches of reading, so that a worker can be stopped between two of them."""


@dataclass(frozen=True, slots=True)
class LogObject:
    """An object as CloudTrail delivers it."""

    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Trail:
    """What is delivered, in this order, and what is told once more than it should be."""

    objects: Sequence[LogObject]
    repeated_notices: Sequence[Sequence[str]]
    """The keys that each further message names."""


def trail_of(seed: int, small_objects: int = FEW_OBJECTS) -> Trail:
    """Return the same for the same seed: so many small objects, a large one, and one that repeats another."""
    rng = random.Random(seed)
    contents = [[_record(rng, loud=0.4) for _ in range(rng.randint(1, 25))] for _ in range(small_objects)]
    _repeat_some_records(contents, rng)
    # A second trail of the same account writes the same records to another place, in another order.
    overlapping = rng.choice(contents)
    contents.append([_record(rng, loud=0.02, padding=200) for _ in range(LARGE_RECORDS)])
    objects = [LogObject(_key(rng, number), _body(records)) for number, records in enumerate(contents)]
    objects.append(LogObject(f"second-trail/{_key(rng, 99)}", _body(rng.sample(overlapping, len(overlapping)))))
    rng.shuffle(objects)
    keys = [each.key for each in objects]
    return Trail(objects, [rng.sample(keys, rng.randint(1, 2)) for _ in range(rng.randint(1, 3))])


def rule_file(rule_id: str) -> str:
    """Return the rule as an operator writes it."""
    return f"id: {rule_id}\ntitle: {rule_id}\nseverity: high\n{RULES[rule_id]}\n"


def _repeat_some_records(contents: list[list[Record]], rng: random.Random) -> None:
    """Let a quarter of the records stand in an object twice, their own or another."""
    for record in [record for records in contents for record in records]:
        if rng.random() < 0.25:
            place = rng.choice(contents)
            place.insert(rng.randint(0, len(place)), record)


def _record(rng: random.Random, *, loud: float, padding: int = 0) -> Record:
    service, name = rng.choice(LOUD_CALLS if rng.random() < loud else QUIET_CALLS)
    record: Record = {
        "eventVersion": "1.08",
        "userIdentity": {"type": "IAMUser", "arn": MALLORY if rng.random() < loud / 4 else ALICE},
        "eventTime": f"2026-01-02T03:04:{rng.randrange(60):02}Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "requestParameters": {
            "name": f"n{rng.randrange(10**9)}",
            "team": f"team-{rng.randrange(TEAMS)}",
            "padding": "x" * padding,
        },
        "responseElements": None,
        "recipientAccountId": "111122223333",
    }
    identity = str(uuid.UUID(int=rng.getrandbits(128)))
    match rng.randrange(20):
        case 0:
            pass  # some records have no id of their own
        case 1:
            record["eventId"] = identity
        case 2:
            # The same act as seen by two accounts: each record is worth its own alert.
            record |= {"eventID": identity, "sharedEventID": "00000000-1111-2222-3333-444444444444"}
        case _:
            record["eventID"] = identity
    return record


def _key(rng: random.Random, number: int) -> str:
    letters = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=16))
    folder = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/02"
    return f"{folder}/111122223333_CloudTrail_us-east-1_20260102T03{number:02}Z_{letters}.json.gz"


def _body(records: list[Record]) -> bytes:
    return gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode(), 1, mtime=0)
