"""The same rules and the same scrape configuration, in a hurry: each minute of theirs becomes a second.

What is written as a duration (``for: 5m``, ``[1h]``, an interval) or as a number of minutes (``15 * 60``) is divided
by 60, and nothing else is touched: no expression, no share, no bucket, no label.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"

SCRAPE_INTERVAL = "1s"
"""Four times what 15 s come to: it is the longest that an answer may take, and the machine is kept busy on purpose."""

QUEUES_INTERVAL = "3s"
"""Three times what a minute comes to: what tells of the queues shares its event loop with all that is provoked."""

_SECONDS = {"m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(?<=\[)(\d+)([mhd])(?=\])|(?<=for: )(\d+)([mhd])\b")
_MINUTES = re.compile(r"\* 60\b")


def hurried(rules: str) -> str:
    """Return the text of a rule file, or of a query, sixty times as fast."""
    return _MINUTES.sub("* 1", _DURATION.sub(_divided, rules))


def write_hurried(directory: Path) -> Path:
    """Write configuration and rules, hurried, into a directory; return the configuration's path.

    Targets are those that stand in files under ``targets``, and what tells of queues those under ``queues``.
    """
    for name in ("rules", "targets", "queues"):
        (directory / name).mkdir()
    for path in (PROMETHEUS / "rules").glob("*.yaml"):
        (directory / "rules" / path.name).write_text(hurried(path.read_text("utf-8")), "utf-8")
    config: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yaml").read_text("utf-8"))
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    del jobs["trailstream"]["dns_sd_configs"]
    del jobs["cloudwatch"]["static_configs"]
    jobs["cloudwatch"] |= {
        "scrape_interval": QUEUES_INTERVAL,
        "scrape_timeout": QUEUES_INTERVAL,
        "file_sd_configs": [{"files": ["queues/*.json"]}],
    }
    for files in (files for job in jobs.values() for files in job["file_sd_configs"]):
        files["refresh_interval"] = "1s"
    config |= {
        "global": config["global"]
        | {
            "scrape_interval": SCRAPE_INTERVAL,
            "scrape_timeout": SCRAPE_INTERVAL,
            "evaluation_interval": "500ms",
        },
        "scrape_configs": list(jobs.values()),
        "alerting": {},
    }
    path = directory / "prometheus.yaml"
    path.write_text(yaml.safe_dump(config), "utf-8")
    return path


def _divided(duration: re.Match[str]) -> str:
    number, unit = (part for part in duration.groups() if part is not None)
    return f"{int(number) * _SECONDS[unit] // 60}s"
