"""The image of the Lambda function, built by its Dockerfile and called as Lambda calls it: ``make lambda-image``.

Its base is AWS's where a registry is reached. Where none is, a stand-in has Lambda's own runtime interface client and
emulator on a Debian's Python: then what is tried is what this project puts into the image, and not what AWS does.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from endpoint import CREDENTIALS, ROOT, Endpoint
from image.bases import base_of
from image.containers import Image, fresh_name
from image.engines import Engine, installed_engines
from lambda_sandbox import put, s3_event, settings, sqs_event
from samples import topic_record
from stage import set_stage
from trailstream.adapters.aws import AwsClients

pytestmark = pytest.mark.timeout(900)

DIRECTORY = ROOT / "build" / "image"
TAG, STAND_IN = "trailstream-lambda", "localhost/lambda-base"

INVOCATIONS = "http://127.0.0.1:8080/2015-03-31/functions/function/invocations"
"""Where the emulator listens, in AWS's base image too."""

AS_LAMBDA_RUNS_IT = ("--tmpfs", "/tmp", "--user", "993:990")
"""Beside a root filesystem that is read-only, and no rights."""

START_SECONDS = 30


@contextmanager
def lambda_base(python_version: str) -> Iterator[tuple[Engine, str]]:
    """Give an engine that has a base image of Lambda's, and the image's name."""
    official = f"public.ecr.aws/lambda/python:{python_version}"
    for engine in installed_engines():
        if engine.ask("pull", official).returncode == 0:
            yield engine, official
            return
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    with base_of(python_version, DIRECTORY) as base, tempfile.TemporaryDirectory() as name:
        context = Path(name)
        shutil.copy(ROOT / "requirements" / "lambda-base.lock", context)
        shutil.copy(os.environ["RIE"], context / "aws-lambda-rie")
        dockerfile = Path(__file__).parent / "lambda_base" / "Dockerfile"
        base.engine.build(context, STAND_IN, {"BASE": base.name}, dockerfile=dockerfile)
        yield base.engine, STAND_IN


@pytest.fixture(scope="module")
def function_image() -> Iterator[Image]:
    with lambda_base(os.environ["LAMBDA_PYTHON_VERSION"]) as (engine, base), tempfile.TemporaryDirectory() as name:
        shutil.copy(os.environ["PACKAGE"], name)
        engine.build(Path(name), TAG, {"BASE": base}, dockerfile=ROOT / "deploy" / "lambda" / "Dockerfile")
        yield Image(engine, TAG)


@dataclass(frozen=True, slots=True)
class Function:
    """A container of the image, with the emulator in front of it."""

    log_path: Path

    async def call(self, event: Any) -> Any:
        """Return what the function answers, or Lambda in its place where it raises."""
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.post(INVOCATIONS, json=event) as answer:
                        return await answer.json(content_type=None)
                except aiohttp.ClientConnectorError:
                    assert asyncio.get_running_loop().time() < deadline, self.log_path.read_text()
                    await asyncio.sleep(0.1)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of its log that CloudWatch reads as metrics."""
        return [json.loads(line) for line in self.log_path.read_text().splitlines() if line.startswith('{"_aws"')]


@asynccontextmanager
async def running_function(image: Image, directory: Path, variables: dict[str, str]) -> AsyncIterator[Function]:
    """Start it; nothing of it is left when the block ends."""
    name, log_path, engine = fresh_name(), directory / "function.log", image.engine
    pairs = [option for key, value in (CREDENTIALS | variables).items() for option in ("--env", f"{key}={value}")]
    described = (*engine.hardened, *AS_LAMBDA_RUNS_IT, "--name", name, *pairs)
    await asyncio.to_thread(engine.tell, "create", *described, image.name)
    with log_path.open("wb") as log:
        attached = [*engine.command, "start", "--attach", name]
        process = subprocess.Popen(attached, stdout=log, stderr=log)  # noqa: ASYNC220 -- forking takes no time worth a thread
    try:
        yield Function(log_path)
    finally:
        await asyncio.to_thread(engine.ask, "kill", name)
        await asyncio.to_thread(engine.ask, "rm", "--force", name)
        await asyncio.to_thread(process.wait)


async def test_of_an_sqs_event_it_alerts_reports_what_failed_and_tells_its_metrics(
    function_image: Image, aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    await put(aws, "log", topic_record(1), topic_record(2, "Publish"))
    async with running_function(function_image, tmp_path, settings(stage, endpoint)) as function:
        answer = await function.call(sqs_event(s3_event("log"), "junk"))
        assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}, function.log_path.read_text()
        assert await function.call(sqs_event(s3_event("log"))) == {"batchItemFailures": []}
        namespaces = {each["Namespace"] for line in function.metrics for each in line["_aws"]["CloudWatchMetrics"]}
        assert namespaces == {"trailstream"}
    assert len(await stage.inbox(3, seconds=2)) == 2  # without a ledger, what is read again is told again


async def test_of_an_event_from_s3_that_fails_it_raises_so_that_lambda_tries_again(
    function_image: Image, aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    async with running_function(function_image, tmp_path, settings(stage, endpoint)) as function:
        answer = await function.call(s3_event("never-written"))
    assert answer["errorType"] == "DeliveriesFailedError", answer
