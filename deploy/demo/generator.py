"""CloudTrail log objects of an invented organization: the same for the same seed, like delivered ones in what matters.

What matters was counted on 33,519 delivered records in 3,927 objects: how many records an object holds, how long a
record is, how often one is delivered twice, in what order and how late. The quantiles stand below.
"""

from __future__ import annotations

import gzip
import json
import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp, log

from .api_calls import CALLS, EXPONENT_NUMBER, ApiCall, JsonObject, Place, earlier, record_of

Quantiles = Sequence[tuple[float, float]]

RECORDS_PER_OBJECT: Quantiles = ((0, 1), (0.5, 5), (0.9, 16), (0.99, 33), (1, 622))
RECORD_BYTES: Quantiles = ((0, 700), (0.5, 1530), (0.99, 2434), (1, 5377))
REPEATED = 0.195
"""The share of records that are delivered a second time, byte for byte, in another object."""
UNORDERED = 1 / 3
"""The share of objects whose records are not in the order of their eventTime."""
KEY_PERIOD = timedelta(minutes=5)
"""How often CloudTrail delivers, about."""

_CALL_WEIGHTS = [call.weight for call in CALLS]
_RESOURCE_BYTES = 100
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Trail:
    """Where one account's logs of one Region are delivered to."""

    account: str
    region: str
    prefix: str = ""
    organization: str = ""

    def key(self, moment: datetime, rng: random.Random) -> str:
        """Return the key of an object delivered at this moment, as CloudTrail would name it."""
        folder = "/".join(
            part
            for part in (self.prefix, "AWSLogs", self.organization, self.account, "CloudTrail", self.region)
            if part
        )
        name = f"{self.account}_CloudTrail_{self.region}_{moment:%Y%m%dT%H%MZ}_{''.join(rng.choices(_ALPHABET, k=16))}"
        return f"{folder}/{moment:%Y/%m/%d}/{name}.json.gz"


@dataclass(frozen=True, slots=True)
class LogObject:
    """A log object, ready to be uploaded."""

    key: str
    account: str
    body: bytes
    """Gzip, as it is stored."""
    records: int
    pretty: bool = False
    """Laid out for people, unlike anything that CloudTrail writes."""


TRAILS: Sequence[Trail] = (
    Trail("111122223333", "us-east-1"),
    Trail("111122223333", "eu-central-1"),
    Trail("444455556666", "us-east-1"),
    Trail("444455556666", "ap-southeast-2"),
    Trail("777788889999", "eu-west-1", organization="o-exampleorgid"),
    Trail("777788889999", "us-west-2", organization="o-exampleorgid"),
    Trail("222233334444", "us-east-1", prefix="central logs"),
)
"""Plain trails, an organization's, and one with a prefix whose space arrives form-encoded in the notification."""


@dataclass
class Generator:
    """Makes log objects that were all delivered by ``now``."""

    seed: int
    now: datetime
    trails: Sequence[Trail] = TRAILS
    _rng: random.Random = field(init=False)
    _delivered_once: defaultdict[Trail, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)  # noqa: S311 - a reproducible log is the point, secrecy is not
        self._delivered_once = defaultdict(list)

    def objects(self, count: int, *, planted: Sequence[JsonObject] = ()) -> Iterator[LogObject]:
        """Yield that many objects of the usual sizes; the planted records are spread over them.

        A planted record gets the account, Region, time and eventID of its place; the rest is kept.
        """
        sizes = [round(at(RECORDS_PER_OBJECT, (n + 0.5) / count)) for n in range(count)]
        sizes[-1] = round(RECORDS_PER_OBJECT[-1][1])
        self._rng.shuffle(sizes)
        spots = defaultdict[int, list[JsonObject]](list)
        for record in planted:
            spots[self._rng.randrange(count)].append(record)
        for number, size in enumerate(sizes):
            trail = self._rng.choice(self.trails)
            moment = self.now - KEY_PERIOD * ((count - number) // len(self.trails))
            notable = [self._planted_text(record, trail, moment) for record in spots[number]]
            texts = self._texts(trail, moment, size) + notable
            self._delivered_once[trail] += notable
            if self._rng.random() < UNORDERED:
                self._rng.shuffle(texts)
            yield self._object(trail, moment, texts)

    def large_object(self, json_bytes: int, *, planted: Sequence[JsonObject] = ()) -> LogObject:
        """Return one object of about that much JSON: an account on a busy day."""
        trail, texts, size = self.trails[0], [self._planted_text(each, self.trails[0], self.now) for each in planted], 0
        while size < json_bytes:
            texts.append(self._text(trail, self.now))
            size += len(texts[-1])
        self._rng.shuffle(texts)
        return self._object(trail, self.now, texts)

    def pretty_object(self, count: int, *, planted: Sequence[JsonObject] = ()) -> LogObject:
        """Return one object that some tool has pretty-printed, as logs are that were downloaded and put back."""
        trail = self.trails[-1]
        texts = [self._text(trail, self.now) for _ in range(count)]
        texts += [self._planted_text(each, trail, self.now) for each in planted]
        document = {"Records": [json.loads(text) for text in texts]}
        body = gzip.compress(json.dumps(document, indent=2).encode(), mtime=0)
        return LogObject(trail.key(self.now, self._rng), trail.account, body, len(texts), pretty=True)

    def _object(self, trail: Trail, moment: datetime, texts: Sequence[str]) -> LogObject:
        document = '{"Records":[' + ",".join(texts) + "]}"
        body = gzip.compress(document.encode(), compresslevel=6, mtime=0)
        return LogObject(trail.key(moment, self._rng), trail.account, body, len(texts))

    def _texts(self, trail: Trail, moment: datetime, count: int) -> list[str]:
        once = self._delivered_once[trail]
        again = min(len(once), sum(self._rng.random() < REPEATED for _ in range(count)))
        repeats = [once.pop() for _ in range(again)]
        fresh = [self._text(trail, moment) for _ in range(count - again)]
        once += fresh
        return sorted(repeats + fresh, key=_event_time)

    def _text(self, trail: Trail, moment: datetime) -> str:
        call = self._rng.choices(CALLS, _CALL_WEIGHTS)[0]
        record = record_of(call, Place(trail.account, trail.region, earlier(moment, self._rng)), self._rng)
        return as_cloudtrail_writes(self._of_usual_length(record, call))

    def _planted_text(self, record: JsonObject, trail: Trail, moment: datetime) -> str:
        place = Place(trail.account, trail.region, earlier(moment, self._rng))
        usual = record_of(ApiCall("sts", "GetCallerIdentity", 1, lambda _: None), place, self._rng)
        granted = {name: value for name, value in usual.items() if name not in {"errorCode", "errorMessage"}}
        return as_cloudtrail_writes(granted | record)

    def _of_usual_length(self, record: JsonObject, call: ApiCall) -> JsonObject:
        """Lengthen the record by the resources it concerns, until it has a length drawn from the real ones."""
        missing = at(RECORD_BYTES, self._rng.random()) - len(as_cloudtrail_writes(record))
        count = round(missing / _RESOURCE_BYTES)
        if count < 1:
            return record
        account = record["recipientAccountId"]
        family = f"arn:aws:{call.service}:{record['awsRegion']}:{account}:resource/shop-"
        resources = [{"ARN": f"{family}{self._rng.randint(1, 99):02}", "accountId": account} for _ in range(count)]
        return _inserted(record, after="readOnly", name="resources", value=resources)


def as_cloudtrail_writes(record: JsonObject) -> str:
    r"""Return the record as JSON with CloudTrail's habits: compact, ASCII, ``=`` once escaped and then raw."""
    text = json.dumps(record, separators=(",", ":"))
    text = text.replace(f'"{EXPONENT_NUMBER}"', "1.688560107857E9")
    return text.replace("=", "\\u003d", 1).replace("&", "\\u0026", 1)


def at(quantiles: Quantiles, share: float) -> float:
    """Return the value that this share of all values does not exceed; between the known ones, in proportion."""
    place = max(1, bisect_left(quantiles, share, key=lambda quantile: quantile[0]))
    (low_share, low), (high_share, high) = quantiles[place - 1], quantiles[place]
    part = (share - low_share) / (high_share - low_share)
    return exp(log(low) + part * (log(high) - log(low)))


def _inserted(record: JsonObject, *, after: str, name: str, value: object) -> JsonObject:
    names = list(record)
    cut = names.index(after) + 1
    return {**{each: record[each] for each in names[:cut]}, name: value, **{each: record[each] for each in names[cut:]}}


def _event_time(text: str) -> str:
    start = text.index('"eventTime":"')
    return text[start : start + 33]
