"""``trailstream dlq`` as its user meets it: a process, a configuration, and a dead-letter queue on a real endpoint."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from endpoint import Endpoint, free_port, wiped_environment
from intercept import Forward, intercepted
from stage import BUCKET, Stage, configuration, running_worker, set_stage
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.quarantines.file import FileQuarantine
from trailstream.entrypoints.remedies import REMEDIES
from trailstream.pipeline.ports import SetAside

PROGRAM = Path(sys.executable).parent / "trailstream"
KEY = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/02/111122223333_CloudTrail_us-east-1_20260102T0305Z_x.json.gz"
NOTICE = json.dumps({"s3Bucket": "logs", "s3ObjectKey": [KEY, f"{KEY}2"]})
ATTRIBUTES: Any = {
    "text": {"DataType": "String", "StringValue": "körper"},
    "bytes": {"DataType": "Binary.mine", "BinaryValue": b"\x00\xff"},
    "number": {"DataType": "Number", "StringValue": "7"},
}


@dataclass
class Desk:
    stage: Stage
    config: Path
    quarantine: FileQuarantine

    async def bury(self, body: str = NOTICE, *, code: str | None = None, detail: str = "why") -> str:
        """Put a message into the dead-letter queue, and its reason into the quarantine; return its id."""
        sqs = await self.stage.aws.sqs()
        sent = await sqs.send_message(
            QueueUrl=self.stage.dead_letter_url, MessageBody=body, MessageAttributes=ATTRIBUTES
        )
        if code is not None:
            await self.quarantine.put(SetAside("delivery", sent["MessageId"], code, detail, body, 3, 1_700_000_000.0))
        return sent["MessageId"]

    def start(self, *arguments: str, config: Path | None = None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [PROGRAM, "dlq", *arguments, "--config", config or self.config],
            env=wiped_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    async def run(self, *arguments: str, config: Path | None = None) -> tuple[int, str, str]:
        """Return the exit code, standard output and standard error."""
        process = self.start(*arguments, config=config)
        output, errors = await asyncio.to_thread(process.communicate, timeout=60)
        return process.returncode, output.decode(), errors.decode()

    async def listed(self, *arguments: str) -> dict[str, dict[str, Any]]:
        code, output, errors = await self.run("list", "--format", "json", *arguments)
        assert code == 0, errors
        return {message["message_id"]: message for message in json.loads(output)["messages"]}

    async def dead(self) -> tuple[int, int]:
        return await self.stage.counts(self.stage.dead_letter_url)


@pytest.fixture
async def desk(aws: AwsClients, endpoint: Endpoint, tmp_path: Path) -> Desk:
    stage = await set_stage(aws)
    config = tmp_path / "trailstream.toml"
    config.write_text(configuration(stage, endpoint, 0, extra='[quarantine.file]\ndirectory = "set-aside"'))
    return Desk(stage, config, FileQuarantine(directory=tmp_path / "set-aside"))


async def test_the_list_joins_each_message_with_its_reason_and_takes_nothing(desk: Desk) -> None:
    known = await desk.bury(code="object_denied", detail="s3://logs/x: AccessDenied\x1b[31m\nand more")
    unknown = await desk.bury("not a notice")
    code, table, errors = await desk.run("list")
    assert code == 0, errors
    first, second = sorted(table.splitlines()[1:-1], key=lambda line: unknown in line)
    assert "\x1b" not in table
    for part in (known, "object_denied", "s3://logs/x: AccessDenied", f"s3://logs/{KEY} and 1 more"):
        assert part in first
    assert "no reason is kept" in second
    assert table.splitlines()[-1] == f"2 messages in {desk.stage.dead_letter_url}"
    assert await desk.dead() == (2, 0)


async def test_what_the_worker_gives_up_is_listed_with_the_worker_s_reason(
    desk: Desk, endpoint: Endpoint, tmp_path: Path
) -> None:
    port = free_port()
    config = configuration(desk.stage, endpoint, port, extra='[quarantine.file]\ndirectory = "set-aside"')
    async with running_worker(tmp_path, config, port=port) as worker:
        await desk.stage.send("nobody knows this")
        await desk.stage.send(json.dumps({"s3Bucket": BUCKET, "s3ObjectKey": [KEY]}))
        await desk.stage.until_empty()
        assert await worker.stopped() == 0
    messages = await desk.listed()
    assert sorted(message["code"] for message in messages.values()) == ["not_understood", "object_missing"]
    assert any(f"s3://{BUCKET}/{KEY}" in message["detail"] for message in messages.values())


async def test_for_programs_the_list_is_one_json_document(desk: Desk) -> None:
    known, unknown = await desk.bury(code="object_missing"), await desk.bury()
    messages = await desk.listed()
    assert messages.keys() == {known, unknown}
    assert messages[known]["code"] == "object_missing"
    assert messages[known]["what_to_do"] == REMEDIES["object_missing"].what_to_do
    assert messages[known]["objects"][0] == {"uri": f"s3://logs/{KEY}", "account": "111122223333"}
    assert messages[unknown]["code"] is None
    assert 0 <= messages[unknown]["age_seconds"] < 60


async def test_a_list_that_may_not_be_whole_says_so(desk: Desk) -> None:
    for _ in range(3):
        await desk.bury()
    _, table, _ = await desk.run("list", "--limit", "2")
    assert "there may be more" in table
    assert len(await desk.listed("--limit", "2")) == 2


async def test_one_message_is_shown_with_everything_and_what_to_do(desk: Desk) -> None:
    message_id = await desk.bury(code="corrupt_gzip", detail="s3://logs/x: the checksum\nof member 2")
    code, text, errors = await desk.run("show", message_id)
    assert code == 0, errors
    for part in (
        message_id,
        "corrupt_gzip",
        REMEDIES["corrupt_gzip"].what_to_do,
        "of member 2",
        f"s3://logs/{KEY}2",
        "111122223333",
        "2023-11-14T22:13:20+00:00, at receive 3",
        NOTICE,
    ):
        assert part in text
    shown = json.loads((await desk.run("show", message_id, "--format", "json"))[1])
    assert shown["body"] == NOTICE
    assert (await desk.run("show", "unheard-of"))[0] == 1
    assert await desk.dead() == (1, 0)


async def test_a_message_goes_back_as_it_is_and_is_gone_from_where_it_was(desk: Desk) -> None:
    moved, kept = await desk.bury(code="object_denied"), await desk.bury(code="no_records")
    code, output, errors = await desk.run("redrive", "--code", "object_denied")
    assert code == 0, errors
    assert moved in output
    assert errors.splitlines()[-1] == "1 moved, 0 failed"
    assert (await desk.listed()).keys() == {kept}
    sqs = await desk.stage.aws.sqs()
    answer = await sqs.receive_message(QueueUrl=desk.stage.queue_url, MessageAttributeNames=["All"])
    (message,) = answer["Messages"]
    assert message["Body"] == NOTICE
    assert {name: _essence(value) for name, value in message["MessageAttributes"].items()} == {
        name: _essence(value) for name, value in ATTRIBUTES.items()
    }


def _essence(attribute: Any) -> tuple[Any, ...]:
    return tuple(attribute.get(name) for name in ("DataType", "StringValue", "BinaryValue"))


async def test_all_are_moved_and_a_dry_run_moves_none(desk: Desk) -> None:
    for _ in range(23):
        await desk.bury()
    code, output, errors = await desk.run("redrive", "--all", "--dry-run", "--limit", "21")
    assert (code, len(output.splitlines()), errors.splitlines()[-1]) == (0, 21, "21 would be moved, 0 failed")
    assert await desk.dead() == (23, 0)
    code, _, errors = await desk.run("redrive", "--all")
    assert (code, errors.splitlines()[-1]) == (0, "23 moved, 0 failed")
    assert await desk.dead() == (0, 0)
    assert await desk.stage.counts(desk.stage.queue_url) == (23, 0)


async def test_a_message_that_is_meant_and_not_there_is_named_and_exits_with_1(desk: Desk) -> None:
    there = await desk.bury()
    code, _, errors = await desk.run("redrive", "--message-id", there, "--message-id", "unheard-of")
    assert code == 1
    assert errors.splitlines()[-1] == "1 moved, 0 failed; not in the dead-letter queue: unheard-of"


async def test_ctrl_c_hands_back_what_was_hidden_at_once(desk: Desk, endpoint: Endpoint) -> None:
    for _ in range(12):
        await desk.bury()
    receives = 0
    reading, interrupted = asyncio.Event(), asyncio.Event()

    async def hold_the_second_look(request: web.Request, body: bytes, forward: Forward) -> web.Response:
        nonlocal receives
        receives += request.headers.get("X-Amz-Target", "").endswith(".ReceiveMessage")
        if receives == 2:
            reading.set()
            await interrupted.wait()
        return await forward(request, body)

    async with intercepted(endpoint.url, hold_the_second_look) as url:
        config = desk.config.with_name("intercepted.toml")
        config.write_text(
            desk.config.read_text().replace(f'endpoint_url = "{endpoint.url}"', f'endpoint_url = "{url}"')
        )
        process = desk.start("list", config=config)
        async with asyncio.timeout(20):
            await reading.wait()
        assert (await desk.dead())[1] > 0
        process.send_signal(signal.SIGINT)
        interrupted.set()
        assert await asyncio.to_thread(process.wait, 20) == 130
        process.communicate()
    assert await desk.dead() == (12, 0)


async def test_without_a_dead_letter_queue_it_says_how_to_name_one(desk: Desk) -> None:
    message_id = await desk.bury()
    config = desk.config.with_name("other.toml")
    config.write_text(desk.config.read_text().replace(desk.stage.queue_url, desk.stage.inbox_url))
    code, _, errors = await desk.run("list", config=config)
    assert code == 2
    assert "--queue-url" in errors
    code, table, _ = await desk.run("list", "--queue-url", desk.stage.dead_letter_url, config=config)
    assert code == 0
    assert message_id in table


async def test_the_queue_and_the_quarantine_are_all_that_it_has_to_know(desk: Desk) -> None:
    message_id = await desk.bury(code="object_denied")
    config = desk.config.with_name("no_sink.toml")
    config.write_text(re.sub(r"\[sinks[^[]*", "", desk.config.read_text()))
    code, table, errors = await desk.run("list", config=config)
    assert code == 0, errors
    assert message_id in table
    assert "object_denied" in table


@pytest.mark.parametrize("arguments", [["redrive"], ["redrive", "--all", "--code", "x"], ["list", "--limit", "0"]])
async def test_a_command_that_is_not_usable_exits_with_2(desk: Desk, arguments: list[str]) -> None:
    assert (await desk.run(*arguments))[0] == 2


async def test_a_queue_that_cannot_be_reached_exits_with_1_and_says_why(desk: Desk) -> None:
    gone = desk.stage.dead_letter_url.replace("dead-letters", "nowhere")
    code, _, errors = await desk.run("list", "--queue-url", gone)
    assert (code, errors.startswith("queue_unavailable: ")) == (1, True)
