"""What was set aside, as every store keeps it: one JSON object, under a name that is safe wherever it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256

from trailstream.pipeline.ports import SetAside

_SAFE_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


def entry_name(entry: SetAside) -> str:
    """Return the name of what the entry is about: letters, digits and hyphens, 90 at most."""
    name = f"{entry.kind}-{_safe(entry.message_id)}"
    return f"{name}-{_digest(entry.about)[:16]}" if entry.about else name


def reason_name(message_id: str) -> str:
    """Return the name of the entry that says why a delivery was rejected."""
    return f"delivery-{_safe(message_id)}"


def entry_json(entry: SetAside) -> str:
    """Return the entry as one line of ASCII: whatever the body holds, lone surrogates too, comes back as it was."""
    return json.dumps(asdict(entry), separators=(",", ":"))


def read_entry(text: str | bytes) -> SetAside | None:
    """Return the entry that :func:`entry_json` wrote, or None for what it did not write."""
    try:
        return SetAside(**json.loads(text))
    except (ValueError, TypeError):
        return None


def reasons_among(entries: Iterable[SetAside | None], message_ids: Iterable[str]) -> dict[str, SetAside]:
    """Return why each of the deliveries was rejected; of several reasons the latest."""
    wanted = frozenset(message_ids)
    found = [each for each in entries if each is not None and each.kind == "delivery" and each.message_id in wanted]
    return {entry.message_id: entry for entry in sorted(found, key=lambda entry: entry.at)}


def _safe(message_id: str) -> str:
    """Return an id as SQS makes them as it is, and the digest of any other: it may say ``../..``."""
    return message_id if _SAFE_NAME.fullmatch(message_id) else _digest(message_id)


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
