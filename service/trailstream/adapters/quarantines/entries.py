"""What was set aside, as every store keeps it: one JSON object, under a name that is safe wherever it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from hashlib import sha256

from trailstream.pipeline.ports import SetAside

KINDS = ("delivery", "alert")
"""In the order in which they explain why a message is in the dead-letter queue."""

_SAFE_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


def entry_name(kind: str, message_id: str) -> str:
    """Return the same name for the same kind and message: letters, digits and hyphens, 80 at most.

    An id that is anything else, or long, is named by its digest: it may say ``../..``.
    """
    name = message_id if _SAFE_NAME.fullmatch(message_id) else sha256(message_id.encode("utf-8", "replace")).hexdigest()
    return f"{kind}-{name}"


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
    """Return for each message what explains it: its delivery's reason before an alert's, a later before an earlier."""
    wanted = frozenset(message_ids)
    found = [entry for entry in entries if entry is not None and entry.message_id in wanted]
    found.sort(key=lambda entry: (-KINDS.index(entry.kind), entry.at))
    return {entry.message_id: entry for entry in found}
