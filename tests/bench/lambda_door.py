"""The Lambda door as its sandbox sees it: a package of the locked libraries, a cold start, and an event when warm."""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from . import corpus, datasets
from .drizzle import NEEDS_NGINX
from .figures import Goal, Row, Section, spread
from .processes import Sample, WayFailedError, in_turn, run
from .stand_in import TOPIC_ARN, nginx, standing_in

PROGRAM = Path(__file__).with_name("way_lambda.py")
LOCK = corpus.ROOT / "requirements" / "service.lock"
IMPORT, FIRST, WARM = "import CPU ms", "first event CPU ms", "warm event CPU ms"
ZIP, UNZIPPED = "zip MB", "unzipped MB"
GOALS = [Goal(IMPORT, "at most", 700)]
ZIP_GOALS = [Goal(ZIP, "at most", 30)]


def lambda_door(rounds: int, quick: bool) -> Iterator[Section]:  # noqa: ARG001 -- there is nothing smaller
    """Start the handler in processes of their own, from what is in the package and nothing else."""
    package = _package()
    rows = [Row("package", {ZIP: spread([_zipped_mb(package)]), UNZIPPED: spread([_size_mb(package)])}, ZIP_GOALS)]
    if nginx() is None:
        rows.append(Row("cold start", {}, absent=NEEDS_NGINX))
    else:
        rows += _starts(package, rounds)
    yield Section("Lambda: cold start, warm event, package", rows)


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


def _package() -> Path:
    """Install the locked libraries as a package has them, and put the service beside them as it is now."""

    def make(directory: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        run_pip = subprocess.run([*pip, "--require-hashes", "--target", directory, "-r", LOCK], check=False)
        if run_pip.returncode:
            raise WayFailedError("the libraries of the Lambda package cannot be installed")

    locked = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    package = datasets.made_once(datasets.BUILD / f"lambda-{locked}", make)
    shutil.rmtree(package / "trailstream", ignore_errors=True)
    shutil.copytree(corpus.ROOT / "service" / "trailstream", package / "trailstream")
    compileall.compile_dir(package / "trailstream", quiet=1)
    return package


def _size_mb(package: Path) -> float:
    return sum(path.stat().st_size for path in package.rglob("*") if path.is_file()) / datasets.MEGABYTE


def _zipped_mb(package: Path) -> float:
    with tempfile.TemporaryDirectory(dir=datasets.BUILD) as directory:
        archive = shutil.make_archive(f"{directory}/package", "zip", package)
        return Path(archive).stat().st_size / datasets.MEGABYTE
