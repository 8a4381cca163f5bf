"""What is fuzzed: a way to make inputs, and an oracle that knows what must come of each."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass


class Finding(Exception):  # noqa: N818 -- it is what a fuzzer is after
    """An input on which a promise is broken. ``symptom`` names the promise, alike for all inputs that break it."""

    def __init__(self, symptom: str, detail: str = "") -> None:
        super().__init__(f"{symptom}: {detail}" if detail else symptom)
        self.symptom = symptom


@dataclass(frozen=True)
class Target:
    """``check`` raises :class:`Finding`; whatever else it raises is a finding, too."""

    name: str
    make: Callable[[random.Random], bytes]
    check: Callable[[bytes], None]


def demand(holds: object, symptom: str, detail: str = "") -> None:
    """Raise :class:`Finding` unless it holds."""
    if not holds:
        raise Finding(symptom, detail)


def chance_of(case: bytes) -> random.Random:
    """Return the choices that a check makes (how the input is cut in chunks): the same ones whenever it is repeated."""
    return random.Random(zlib.crc32(case))
