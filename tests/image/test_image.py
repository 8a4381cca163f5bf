"""The image as its user runs it: no right, nothing writable but its volume, and the signals of an orchestrator."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import time
from pathlib import Path
from typing import Any

from endpoint import Endpoint, free_port
from image.containers import CONFIG, STATE, STATE_SETTINGS, Container, Image, running_container
from samples import topic_record
from stage import Stage, configuration, set_stage
from trailstream.adapters.aws import AwsClients

KEY = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/02/111122223333_CloudTrail_us-east-1_20260102T0305Z_{}.json.gz"
IN_FLIGHT = "trailstream_in_flight_deliveries "
GRACE_SECONDS = 1

WRITABLE_DIRECTORIES = """
import os
kernel_s = {"/proc", "/sys", "/dev"}
for path, names, _ in os.walk("/"):
    names[:] = [name for name in names if os.path.join(path, name) not in kernel_s]
    if os.access(path, os.W_OK):
        print(path)
"""


def log_of(*records: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode(), 1)


def large_log() -> bytes:
    """A log whose first and last record match, and whose keys stand in no order of CloudTrail's: it takes seconds."""
    quiet = {"eventName": "GetTopicAttributes", "requestParameters": {"a": list(range(10)) * 1000}}
    return log_of(topic_record(1), *[quiet] * 1000, topic_record(2))


def settings(stage: Stage, endpoint: Endpoint, port: int, **queue: object) -> str:
    return configuration(stage, endpoint, port, extra=STATE_SETTINGS, **queue)


async def until_at_work(container: Container) -> None:
    await container.worker.until(lambda: container.worker.metric(IN_FLIGHT))


async def told(stage: Stage, expected: int) -> list[str]:
    """Return the records that alerts are about, after a while in which one too many would have come."""
    messages = await stage.inbox(expected + 1, seconds=3)
    return sorted(json.loads(message["Message"].strip().splitlines()[-1])["eventID"] for message in messages)


def test_its_entry_point_is_the_command_line(image: Image) -> None:
    done = image.run("--help")
    assert done.returncode == 0
    assert {"worker", "scan", "rules", "dlq"} <= set(re.findall(r"^    (\w+)", done.stdout, re.MULTILINE))


def test_the_rules_that_it_brings_are_sound(image: Image) -> None:
    done = image.run("rules", "check", "/etc/trailstream/rules")
    assert done.returncode == 0, done.stdout
    assert done.stdout.rstrip().endswith("0 problems")


def test_without_a_configuration_it_says_what_is_missing(image: Image) -> None:
    done = image.run()
    assert done.returncode == 2
    assert CONFIG in done.stderr


async def test_it_has_no_right_and_may_write_to_its_state_and_nowhere_else(
    image: Image, state: str, aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage, port = await set_stage(aws), free_port()
    async with running_container(image, tmp_path, settings(stage, endpoint, port), port=port, state=state) as container:
        await container.worker.until_ready()
        status = (await container.run("cat", "/proc/1/status")).stdout
        writable = (await container.run("python3", "-c", WRITABLE_DIRECTORIES)).stdout.splitlines()
        assert await container.worker.stopped() == 0
    assert re.search(r"^Uid:\s+10001\s+10001\s+10001\s+10001$", status, re.MULTILINE)
    assert re.search(r"^Gid:\s+10001\s+10001\s+10001\s+10001$", status, re.MULTILINE)
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
    assert {path for path in writable if not path.startswith(STATE)} == set()
    assert STATE in writable


async def test_starting_it_compiles_nothing(
    image: Image, state: str, aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage, port = await set_stage(aws), free_port()
    options = ("--env", "PYTHONVERBOSE=1")
    config = settings(stage, endpoint, port)
    async with running_container(image, tmp_path, config, port=port, state=state, options=options) as container:
        await container.worker.until_ready()
        assert await container.worker.stopped() == 0
        loaded = re.findall(r"^# code object from '(.+)'$", container.worker.log, re.MULTILINE)
    assert any("/site-packages/trailstream/" in path for path in loaded), "it did not say what it loads"
    assert [path for path in loaded if path.endswith(".py")] == []


async def test_its_health_check_tells_a_worker_that_answers_from_one_that_does_not(
    image: Image, state: str, aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage, port = await set_stage(aws), free_port()
    async with running_container(image, tmp_path, settings(stage, endpoint, port), port=port, state=state) as container:
        await container.worker.until_ready()
        check = await asyncio.to_thread(lambda: image.health_check)
        assert (await container.run(*check)).returncode == 0
        await container.signal("STOP")
        assert (await container.run(*check)).returncode == 1
        await container.signal("CONT")
        assert (await container.run(*check)).returncode == 0
        assert await container.worker.stopped() == 0


async def test_what_was_told_is_remembered_on_the_volume_and_not_told_again_by_the_next(
    image: Image, state: str, aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage, port = await set_stage(aws), free_port()
    for name in ("first", "again"):
        config = settings(stage, endpoint, port)
        async with running_container(image, tmp_path, config, port=port, state=state) as container:
            await stage.upload(KEY.format(name), log_of(topic_record(1), topic_record(3, "GetTopicAttributes")))
            await stage.until_empty()
            repeated = await container.worker.metric("trailstream_repeated_alerts_total")
            assert await container.worker.stopped() == 0
        assert repeated == (name == "again")
    assert await told(stage, 1) == ["CreateTopic-1"]


async def test_why_an_object_was_given_up_is_kept_on_the_volume(
    image: Image, state: str, aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage, port = await set_stage(aws, max_receive_count=1), free_port()
    async with running_container(image, tmp_path, settings(stage, endpoint, port), port=port, state=state) as container:
        await stage.upload(KEY.format("bad"), b"\x1f\x8b nothing that inflates")
        await stage.until_empty()
        listed = await container.run("trailstream", "dlq", "list", "--config", CONFIG, "--format", "json")
        assert await container.worker.stopped() == 0
    assert listed.returncode == 0, listed.stderr
    (message,) = [json.loads(line) for line in listed.stdout.splitlines()]
    assert "corrupt_gzip" in json.dumps(message), "the queue knows which message it is, and not why"


async def test_stopped_in_the_middle_of_a_large_object_it_ends_with_0_in_time_and_the_next_finishes_the_object(
    image: Image, state: str, aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage, port = await set_stage(aws), free_port()
    # One slot: with a free one, the long poll that ends with the worker might still be given the message.
    limits = {"slots": 1, "shutdown_grace_seconds": GRACE_SECONDS, "visibility_seconds": 300}
    config = settings(stage, endpoint, port, **limits)
    async with running_container(image, tmp_path, config, port=port, state=state) as container:
        await container.worker.until_ready()
        await stage.upload(KEY.format("large"), await asyncio.to_thread(large_log))
        await until_at_work(container)
        begun = time.monotonic()
        assert await container.worker.stopped() == 0
        assert GRACE_SECONDS < time.monotonic() - begun < GRACE_SECONDS + 4
    assert await stage.counts(stage.queue_url) == (1, 0), "the object was read before the signal showed anything"
    config = settings(stage, endpoint, port)
    async with running_container(image, tmp_path, config, port=port, state=state) as container:
        await stage.until_empty()
        assert await container.worker.stopped() == 0
    assert await told(stage, 2) == ["CreateTopic-1", "CreateTopic-2"]


async def test_killed_in_the_middle_of_a_large_object_it_loses_nothing(
    image: Image, state: str, aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage, port = await set_stage(aws), free_port()
    config = settings(stage, endpoint, port, visibility_seconds=2)
    async with running_container(image, tmp_path, config, port=port, state=state) as container:
        await container.worker.until_ready()
        await stage.upload(KEY.format("large"), await asyncio.to_thread(large_log))
        await until_at_work(container)
        await container.signal("KILL")
        assert await asyncio.to_thread(container.worker.process.wait, 20) == 137
    async with running_container(image, tmp_path, config, port=port, state=state) as container:
        await stage.until_empty(seconds=60)
        (settled,) = [line for line in container.worker.lines if line["event"] == "delivery settled"]
        assert await container.worker.stopped() == 0
    assert settled["receive_count"] == 2
    assert await told(stage, 2) == ["CreateTopic-1", "CreateTopic-2"]
