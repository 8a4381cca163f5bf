"""What a reader allows, so that memory and time are bounded by settings and not by what somebody uploaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

CHUNK_BYTES = 256 * KIB
"""How much of a log, as it is stored, is read at a time."""


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """Bounds on one object. Each holds before the value that breaks it is complete."""

    max_inflated_bytes: int = 4 * GIB
    """CloudTrail stops at 50 MB compressed, about 1 GB inflated."""
    max_inflation_ratio: int = 200
    """Real objects inflate 5 to 20 times. Judged beyond ``ratio_free_bytes`` only: a small object of like records
    may inflate more, and costs nothing."""
    ratio_free_bytes: int = 64 * MIB
    max_record_bytes: int = 4 * MIB
    """CloudTrail stops at 256 KB; enriched events may be larger."""
    max_depth: int = 200
    """Real records reach 11."""
    piece_bytes: int = 128 * KIB
    """How much text is decoded before the event loop gets its turn."""


ReaderChoice = Literal["auto", "ijson"]
