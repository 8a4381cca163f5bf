"""What is to be found: by the plain reader, with every rule evaluated on every record. Computed once an input."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from .datasets import BUILD, logs_in
from .found import MODULUS, Found
from .processes import Sample, WayFailedError, python_way, run


@dataclass(frozen=True, slots=True)
class Reference:
    """What a ruleset finds in some logs."""

    found: Found
    records: int
    matching_records: int
    rules: int
    by_rule: Counter[str]

    @property
    def matching_share(self) -> float:
        return self.matching_records / self.records

    def times(self, count: int) -> Reference:
        """Return what they find in so many copies of the logs."""
        return replace(self, found=Found(self.found.alerts * count, self.found.total * count % MODULUS))

    def check(self, way: str, sample: Sample) -> Sample:
        """Return the sample. Raises :class:`WayFailedError` where the way found anything else: it does not count."""
        if sample.facts["found"] != str(self.found):
            raise WayFailedError(f"{way} found {sample.facts['found']}, not {self.found} (alerts:digest)")
        return sample


def reference(logs: Path, rules: Path) -> Reference:
    """Return what these rules find in these logs, from the cache where logs and rules are the same, byte for byte."""
    files = logs_in(logs)
    cached = BUILD / "reference" / f"{_digest([*files, *sorted(rules.rglob('*.y*ml'))])}.json"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        half = cached.with_suffix(f".{os.getpid()}")
        half.write_text(json.dumps(_computed(logs, rules)))
        half.rename(cached)
    parts = json.loads(cached.read_text())
    found, by_rule = Found(), Counter[str]()
    for part in parts:
        found.include(Found.parse(part["found"]))
        by_rule.update(part["by_rule"])
    return Reference(
        found,
        records=sum(part["records"] for part in parts),
        matching_records=sum(part["matching_records"] for part in parts),
        rules=parts[0]["rules"],
        by_rule=by_rule,
    )


def _computed(logs: Path, rules: Path) -> list[dict[str, object]]:
    """Read each object of a few, or all in one directory of many; as many at a time as there are processors."""
    parts = sorted(logs.iterdir()) if logs.is_dir() else [logs]
    commands = [python_way("scan", part, "--rules", rules, "--reader", "ijson", "--ungated") for part in parts]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [dict(sample.facts) for sample in pool.map(run, commands)]


def _digest(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
