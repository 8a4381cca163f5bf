"""The Lambda door as its sandbox sees it: the package that is shipped, a cold start, and an event when warm."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from . import corpus, datasets
from .drizzle import NEEDS_NGINX
from .figures import Goal, Row, Section, spread
from .processes import Sample, WayFailedError, in_turn, run
from .stand_in import TOPIC_ARN, nginx, standing_in

PROGRAM = Path(__file__).with_name("way_lambda.py")
IMPORT, FIRST, WARM = "import CPU ms", "first event CPU ms", "warm event CPU ms"
ZIP, UNZIPPED = "zip MB", "unzipped MB"
GOALS = [Goal(IMPORT, "at most", 700)]
ZIP_GOALS = [Goal(ZIP, "at most", 30)]


def lambda_door(rounds: int, quick: bool) -> Iterator[Section]:  # noqa: ARG001 -- there is nothing smaller
    """Start the handler in processes of their own, from what is in the package and nothing else."""
    datasets.BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=datasets.BUILD) as directory:
        archive, package = Path(directory, "package.zip"), Path(directory, "package")
        _build(archive)
        with zipfile.ZipFile(archive) as file:
            file.extractall(package)
        sizes = {ZIP: spread([_megabytes(archive)]), UNZIPPED: spread([sum(map(_megabytes, package.rglob("*")))])}
        rows = [Row("package", sizes, ZIP_GOALS)]
        if nginx() is None:
            rows.append(Row("cold start", {}, absent=NEEDS_NGINX))
        else:
            rows += _starts(package, rounds)
        yield Section("Lambda: cold start, warm event, package", rows)


def _build(archive: Path) -> None:
    # For this machine and interpreter: what is measured here must run here.
    command = [sys.executable, "-m", "deploy.lambda.build_zip", "--here", "--output", str(archive)]
    if subprocess.run(command, cwd=corpus.ROOT, stdout=subprocess.DEVNULL, check=False).returncode:
        raise WayFailedError("the Lambda package cannot be built")


def _starts(package: Path, rounds: int) -> list[Row]:
    logs = datasets.tutorial_log()
    [key] = datasets.keys_in(logs)
    with standing_in(logs) as stand_in:
        ways = {
            "with the example rules": _start(package, corpus.EXAMPLE_RULES, stand_in.url, key),
            "with all rules": _start(package, datasets.all_rules(), stand_in.url, key),
        }
        samples = in_turn(ways, rounds)
    return [
        Row(
            way,
            {
                IMPORT: spread([sample.facts["import_ms"] for sample in each]),
                FIRST: spread([sample.facts["first_ms"] for sample in each]),
                WARM: spread([sample.facts["warm_ms"] for sample in each]),
            },
            GOALS,
        )
        for way, each in samples.items()
    ]


def _start(package: Path, rules: Path, endpoint_url: str, key: str) -> Callable[[], Sample]:
    environment = os.environ | {
        "PYTHONPATH": str(package),
        "TRAILSTREAM_AWS__ENDPOINT_URL": endpoint_url,
        "TRAILSTREAM_AWS__REGION": "us-east-1",
        "TRAILSTREAM_RULES__DIRECTORY": str(rules),
        "TRAILSTREAM_SINKS__SNS__TOPIC_ARN": TOPIC_ARN,
        "TRAILSTREAM_SINKS__SNS__FORMAT": "json",
    }
    # Without the site packages and without the directory of the program: the package is all there is.
    command = [sys.executable, "-S", "-P", str(PROGRAM), datasets.BUCKET, key]
    return lambda: run(command, environment)


def _megabytes(path: Path) -> float:
    return path.stat().st_size / datasets.MEGABYTE if path.is_file() else 0.0
