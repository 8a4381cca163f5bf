"""Where the real rules and logs are, beside the project; tests over them are skipped where they are missing."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
RULES = DATA / "rules"

needs_corpora = pytest.mark.skipif(not RULES.is_dir(), reason="the real rules and logs are not beside the project")


def rule_files(*directories: str) -> list[tuple[str, str]]:
    """Return (path, text) of every Sigma rule in these directories of the corpus."""
    root = RULES / "sigma"
    return [
        (path.relative_to(root).as_posix(), path.read_text("utf-8"))
        for name in directories
        for path in sorted((root / name).glob("*.yml"))
    ]


def json_lines(name: str) -> list[dict[str, Any]]:
    """Return the objects of a JSON lines file of the rules corpus; none where it is missing."""
    path = RULES / name
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def delivered_records() -> Iterator[dict[str, Any]]:
    """Yield every record that CloudTrail delivered."""
    for path in sorted((DATA / "delivered").rglob("*.json.gz")):
        yield from json.loads(gzip.decompress(path.read_bytes()))["Records"]
