"""The Lambda package as ``make lambda-zip`` makes it: the same bytes twice, and it runs with nothing beside it."""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from endpoint import Endpoint, wiped_environment
from lambda_package import build, build_zip
from lambda_sandbox import put, run_sandbox, s3_event, sqs_event
from samples import topic_record
from stage import set_stage
from trailstream.adapters.aws import AwsClients

MEGABYTE = 1_000_000
MAX_UNPACKED_BYTES = 250 * 1024 * 1024
"""Lambda's limit."""
ELF_MACHINES = {"x86_64": 62, "arm64": 183}
"""EM_X86_64 and EM_AARCH64 in the ELF specification."""
UNCHECKED_HASH = 0b01
"""The flags of a .pyc file after PEP 552: its hash is of its source, and nobody checks it."""
CONFIG = '[telemetry]\nemf_namespace = "from-the-package"\n'

EVERY_CLIENT = """
import asyncio, inspect
from trailstream.adapters.aws import AwsClients

async def main():
    async with AwsClients(region="us-east-1", endpoint_url=None, connections=1) as clients:
        for name, make in inspect.getmembers(clients, inspect.iscoroutinefunction):
            if not name.startswith("_"):
                await make()
                print(name)

asyncio.run(main())
"""


class Packages(NamedTuple):
    """Made once for all tests: with the wheels downloaded, and again from those that were kept."""

    here: Path
    again: Path
    other: Path
    """For the other architecture."""
    other_arch: str


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Packages:
    directory = tmp_path_factory.mktemp("packages")
    config = directory / "some.toml"
    config.write_text(CONFIG)
    arch = next(name for name, machine in build_zip.MACHINES.items() if machine == platform.machine())
    (other_arch,) = build_zip.MACHINES.keys() - {arch}

    def target(arch: str) -> Any:
        return build_zip.Target(arch, f"{sys.version_info.major}.{sys.version_info.minor}", sys.executable)

    with ThreadPoolExecutor() as threads:
        other = threads.submit(build, target(other_arch), directory / "other.zip")
        here = build(target(arch), directory / "here.zip", config=config)
        again = build(target(arch), directory / "again.zip", config=config)
        return Packages(here, again, other.result(), other_arch)


@pytest.fixture(scope="module")
def unpacked(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(packages.here) as package:
        package.extractall(directory)
    return directory


def test_two_builds_give_the_same_bytes(packages: Packages) -> None:
    first, second = (hashlib.sha256(package.read_bytes()).hexdigest() for package in (packages.here, packages.again))
    assert first == second


def test_the_package_is_small_enough(packages: Packages) -> None:
    with zipfile.ZipFile(packages.here) as package:
        unpacked_bytes = sum(entry.file_size for entry in package.infolist())
    assert packages.here.stat().st_size < 30 * MEGABYTE
    assert unpacked_bytes < MAX_UNPACKED_BYTES


def test_every_extension_module_is_for_the_architecture_that_was_asked_for(packages: Packages) -> None:
    with zipfile.ZipFile(packages.other) as package:
        machines = {
            name: int.from_bytes(package.read(name)[18:20], "little") for name in package.namelist() if ".so" in name
        }
    assert "orjson" in {name.split("/")[0] for name in machines}
    assert set(machines.values()) == {ELF_MACHINES[packages.other_arch]}, machines


async def test_the_handler_runs_on_an_sqs_event_with_the_package_alone(
    aws: AwsClients, endpoint: Endpoint, unpacked: Path
) -> None:
    stage = await set_stage(aws)
    await put(aws, "log", topic_record(1), topic_record(2, "Publish"))
    event = sqs_event(s3_event("log"), "junk")
    sandbox = await run_sandbox(stage, endpoint, [event], {"TRAILSTREAM_CONFIG": "trailstream.toml"}, package=unpacked)
    assert sandbox.answers == [{"answer": {"batchItemFailures": [{"itemIdentifier": "m1"}]}}]
    assert len(await stage.inbox(2, seconds=2)) == 1
    assert {line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in sandbox.metrics} == {"from-the-package"}


def test_every_client_that_the_service_makes_is_made_from_the_package_alone(unpacked: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", EVERY_CLIENT],
        env=wiped_environment() | {"PYTHONPATH": str(unpacked)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {"s3", "sns", "sqs"} <= set(done.stdout.split())


def test_every_module_is_compiled_beforehand_and_is_not_checked_against_its_source(packages: Packages) -> None:
    with zipfile.ZipFile(packages.here) as package:
        names = set(package.namelist())
        modules = {name for name in names if name.endswith(".py")}
        compiled = {importlib.util.cache_from_source(name) for name in modules}
        flags = {int.from_bytes(package.read(name)[4:8], "little") for name in compiled & names}
    assert "trailstream/__pycache__" in {str(Path(name).parent) for name in compiled}
    assert compiled - names == set()
    assert flags == {UNCHECKED_HASH}
