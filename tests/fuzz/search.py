"""Looking for findings: one input after another, each under the clock; what is found is made small and kept."""

from __future__ import annotations

import random
import re
import time
import traceback
from pathlib import Path

from .target import Finding, Target

CASE_SECONDS = 2.0
"""Of CPU time, for our parsers and those they are held against: a hundred times what an input of 256 KB takes."""
SHRINKING_SECONDS = 20.0

KEPT = Path(__file__).parent / "cases"
"""``TARGET/SYMPTOM``: inputs that once broke something."""


def finding_in(target: Target, case: bytes) -> Finding | None:
    """Return what is wrong with what comes of this input."""
    started = time.thread_time()
    try:
        target.check(case)
    except Finding as finding:
        return finding
    except Exception as error:  # noqa: BLE001 -- anything that is not expected is a finding
        return Finding(f"raises {type(error).__name__}", traceback.format_exc())
    spent = time.thread_time() - started
    return Finding("takes too long", f"{spent:.1f} s") if spent > CASE_SECONDS else None


def case_of(target: Target, seed: int, number: int) -> bytes:
    """Make an input; the same from the same seed and number."""
    return target.make(random.Random(f"{seed} {target.name} {number}"))


def kept_cases(target: Target) -> list[Path]:
    """Return the inputs that are kept for this target."""
    return sorted((KEPT / target.name).iterdir())


def shrunk(target: Target, case: bytes, symptom: str) -> bytes:
    """Remove what can be removed, in ever smaller chunks, while the symptom stays and the time lasts."""
    deadline = time.monotonic() + SHRINKING_SECONDS
    size = len(case) // 2
    while size and time.monotonic() < deadline:
        start, before = 0, len(case)
        while start < len(case) and time.monotonic() < deadline:
            less = case[:start] + case[start + size :]
            finding = finding_in(target, less)
            if finding is not None and finding.symptom == symptom:
                case = less
            else:
                start += size
        if len(case) == before or size > 1:
            size //= 2
    return case


def keep(directory: Path, target: Target, case: bytes, finding: Finding) -> Path:
    """Write a finding's input, named after its symptom."""
    directory = directory / target.name
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / re.sub(r"\W+", "_", finding.symptom).strip("_")
    path.write_bytes(case)
    return path
