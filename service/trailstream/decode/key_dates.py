"""When an object was delivered, as its key tells: ``.../AWSLogs/.../REGION/YYYY/MM/DD/..._YYYYMMDDTHHmmZ_....json.gz``.

"YYYY, MM, DD, HH, and mm are the digits of the year, month, day, hour, and minute when the log file was delivered", in
UTC ("CloudTrail log file name format" in the CloudTrail user guide). Other logs that AWS writes are laid out alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from trailstream.decode.keys import UP_TO_KIND

DAY_SECONDS = 86_400
MINUTE_SECONDS = 60

_LAYOUT = re.compile(rf"(?P<above>{UP_TO_KIND}[^/]+/)(?P<day>\d{{4}}/\d\d/\d\d)/(?P<name>.*)", re.DOTALL | re.ASCII)
_MINUTE = re.compile(r"_(\d{8}T\d{4})Z_", re.ASCII)

BEYOND_DATES = "9999~"
"""What sorts behind every year and before everything else: ``~`` is the last character that ASCII prints."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """Between which two moments an object was delivered, in Unix seconds, and where the dates stand in its key."""

    above: str
    """The key up to its date: what is of one account, kind and Region sorts by date below it."""
    day: float
    """When the day of its key began; what sorts between two objects of one day may be of any minute of it."""
    first: float
    last: float


def delivered_at(key: str) -> Delivered | None:
    """Return what the key says of its delivery: the minute, else the day, else None."""
    layout = _LAYOUT.match(key)
    day = _seconds(layout["day"], "%Y/%m/%d") if layout else None
    if layout is None or day is None:
        return None
    named = _MINUTE.search(layout["name"])
    minute = _seconds(named[1], "%Y%m%dT%H%M") if named else None
    if minute is None or not day <= minute < day + DAY_SECONDS:
        return Delivered(layout["above"], day, day, day + DAY_SECONDS)
    return Delivered(layout["above"], day, minute, minute + MINUTE_SECONDS)


def day_of(seconds: float) -> str:
    """Write a moment's day as keys have it; the first or the last that they can have where it is out of their range."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y/%m/%d}".rjust(10, "0")
    except (ValueError, OverflowError, OSError):
        return "0001/01/01" if seconds < 0 else "9999/12/31"


def _seconds(text: str, layout: str) -> float | None:
    try:
        return datetime.strptime(text, layout).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
