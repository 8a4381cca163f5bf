"""The Lambda handler in a process of its own, called as the runtime calls it, and the events that it is called with."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from endpoint import REGION, Endpoint, wiped_environment
from stage import BUCKET, Stage
from trailstream.adapters.aws import AwsClients

_RUNTIME = """
import json, sys
from trailstream.entrypoints.aws_lambda import handler

class Context:
    aws_request_id = "request-1"
    function_name = "trailstream"

    def get_remaining_time_in_millis(self):
        return 30_000

for line in sys.stdin:
    try:
        answer = {"answer": handler(json.loads(line), Context())}
    except Exception as error:
        answer = {"error": type(error).__name__, "detail": str(error)}
    print("ANSWER " + json.dumps(answer), flush=True)
"""


class Sandbox:
    """What one run of the runtime gave back."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        assert done.returncode == 0, done.stderr.decode()
        lines = done.stdout.decode().splitlines()
        self.answers = [json.loads(line.removeprefix("ANSWER ")) for line in lines if line.startswith("ANSWER ")]
        self.metrics = [json.loads(line) for line in lines if not line.startswith("ANSWER ")]
        self.log = [json.loads(line) for line in done.stderr.decode().splitlines()]


def settings(stage: Stage, endpoint: Endpoint) -> dict[str, str]:
    """What a function is told by its environment: where AWS is, and whom to alert."""
    return {
        "TRAILSTREAM_AWS__ENDPOINT_URL": endpoint.url,
        "TRAILSTREAM_AWS__REGION": REGION,
        "TRAILSTREAM_SINKS__SNS__TOPIC_ARN": stage.topic_arn,
    }


async def run_sandbox(
    stage: Stage,
    endpoint: Endpoint,
    events: Sequence[Any],
    variables: Mapping[str, str],
    *,
    package: Path | None = None,
) -> Sandbox:
    """Call the handler with each event; from an unpacked package where one is given, and then from nothing else."""
    environment = wiped_environment() | settings(stage, endpoint) | dict(variables)
    options: list[str] = []
    if package is not None:
        # Without the site packages; Lambda's runtime puts the package on the path, and starts in it.
        options, environment["PYTHONPATH"] = ["-S", "-P"], str(package)
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, *options, "-c", _RUNTIME],
        input="\n".join(map(json.dumps, events)).encode(),
        capture_output=True,
        cwd=package,
        env=environment,
        timeout=60,
        check=False,
    )
    return Sandbox(done)


async def put(aws: AwsClients, key: str, *records: Any) -> None:
    """Store an object as CloudTrail writes it."""
    s3 = await aws.s3()
    body = gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode())
    await s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentEncoding="gzip")


def s3_event(*keys: str) -> dict[str, Any]:
    """What S3 tells of new objects."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "eventTime": "2026-01-02T03:04:05Z",
                "s3": {"bucket": {"name": BUCKET}, "object": {"key": key}},
            }
            for key in keys
        ]
    }


def sqs_event(*bodies: Any) -> dict[str, Any]:
    """What Lambda makes of messages with these bodies."""
    return {
        "Records": [
            {"eventSource": "aws:sqs", "messageId": f"m{number}", "body": json.dumps(body), "attributes": {}}
            for number, body in enumerate(bodies)
        ]
    }
