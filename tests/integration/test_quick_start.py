"""docs/quick-start.md is followed to the letter, with the real AWS CLI and the real worker, on the local endpoint."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from endpoint import ROOT, free_port, running_endpoint
from shell import Shell, steps

pytestmark = [
    pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not installed"),
    pytest.mark.timeout(300),  # each call of the AWS CLI starts a process that takes a second
]

STEPS = steps("quick-start.md")
SET_UP, (UPLOAD, TAKE_AWAY) = STEPS[:-2], STEPS[-2:]
SECONDS = 60


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    state = tmp_path / "endpoint"
    state.mkdir()
    with running_endpoint(state) as endpoint:
        shell = Shell(tmp_path, endpoint)
        shell.run(
            "aws s3api create-bucket --bucket my-trail-bucket --region eu-west-1 "
            "--create-bucket-configuration LocationConstraint=eu-west-1"
        )
        yield shell


def test_who_follows_it_sees_the_tutorials_alert_once_and_leaves_nothing_behind(shell: Shell) -> None:
    for step in SET_UP:
        shell.run(step)
    settings = {
        "TRAILSTREAM_AWS__ENDPOINT_URL": shell.environment["AWS_ENDPOINT_URL"],
        "TRAILSTREAM_TELEMETRY__PORT": str(free_port()),
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    program = str(Path(sys.executable).with_name("trailstream"))
    with (
        (shell.folder / "worker.log").open("wb") as log,
        subprocess.Popen(
            [program, "worker", "--config", "trailstream.toml"],
            cwd=shell.folder,
            env=shell.environment | settings,
            stdout=subprocess.PIPE,
            stderr=log,
        ) as worker,
    ):
        assert worker.stdout is not None
        try:
            shell.run(UPLOAD)
            until_done(shell.folder / "worker.log", deliveries=1)
            first = json.loads(worker.stdout.readline())
            shell.run(UPLOAD.replace("quick-start.json.gz", "again.json.gz"))
            until_done(shell.folder / "worker.log", deliveries=2)
        finally:
            worker.terminate()
        assert worker.stdout.read() == b""
    assert first["rule_id"] == "sns-topic-created"
    shell.run(TAKE_AWAY)
    assert json.loads(shell.run("aws sqs list-queues --output json") or "{}").get("QueueUrls", []) == []
    assert json.loads(shell.run("aws sns list-topics --output json"))["Topics"] == []


def until_done(log: Path, *, deliveries: int) -> None:
    deadline = time.monotonic() + SECONDS
    while log.read_text().count('"outcome":"done"') < deliveries:
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
