"""The worker as its user meets it: a process, a configuration file, signals, logs, metrics, and a real endpoint."""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
from pathlib import Path
from typing import Any

from endpoint import REGION, Endpoint, free_port, running_endpoint
from logs import slow_log_of
from samples import topic_record
from stage import configuration, running_worker, set_stage
from trailstream.adapters.aws import AwsClients

KEY = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/02/111122223333_CloudTrail_us-east-1_20260102T0305Z_{}.json.gz"


def log(*records: Any) -> bytes:
    return gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode(), 1)


def pretty_log_of(megabytes: int) -> bytes:
    """A pretty-printed log of about so many megabytes of JSON, whose last record matches."""
    quiet = [
        topic_record(number, "GetTopicAttributes", requestParameters={"a": list(range(40))}) for number in range(500)
    ]
    text = json.dumps(quiet, indent=4).encode()[1:-1]
    times = megabytes * 1_000_000 // len(text)
    last = json.dumps(topic_record(7), indent=4).encode()
    return gzip.compress(b'{\n"Records": [' + b",".join([text] * times) + b"," + last + b"]}", 1)


def written_by(rule: str, inbox: list[dict[str, Any]]) -> list[str]:
    return [message["Message"] for message in inbox if message["MessageAttributes"]["rule"]["Value"] == rule]


async def test_the_tutorial_s_log_gives_exactly_one_notification_with_the_topic_and_the_whole_record(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    arn = "arn:aws:sns:us-east-1:111122223333:exampletopic"
    created = topic_record(1, responseElements={"topicArn": arn}, requestParameters={"name": "exampletopic"})
    port = free_port()
    async with running_worker(tmp_path, configuration(stage, endpoint, port), port=port) as worker:
        await stage.upload(KEY.format("1"), log(created, topic_record(2, "GetTopicAttributes")))
        await stage.until_empty()
        (text,) = written_by("sns-topic-created", await stage.inbox(2, seconds=2))
        assert await worker.stopped() == 0
    assert arn in text
    assert json.loads(text.strip().splitlines()[-1]) == created


async def test_a_slow_object_is_received_once_although_it_outlives_its_visibility_three_times(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    port = free_port()
    config = configuration(stage, endpoint, port, visibility_seconds=2)
    async with running_worker(tmp_path, config, port=port) as worker:
        await stage.upload(KEY.format("slow"), await asyncio.to_thread(slow_log_of, 100))
        await stage.until_empty(seconds=100)
        (settled,) = [line for line in worker.lines if line["event"] == "delivery settled"]
        assert await worker.metric("trailstream_visibility_extensions_total") >= 3
        assert await worker.stopped() == 0
    assert settled["receive_count"] == 1
    assert settled["duration_seconds"] > 6, "the object was not slow enough to show anything"
    assert len(await stage.inbox(2, seconds=2)) == 1


async def test_while_a_huge_object_is_read_health_answers_and_a_small_object_overtakes_it(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    port = free_port()
    config = configuration(stage, endpoint, port, visibility_seconds=3)
    async with running_worker(tmp_path, config, port=port) as worker:
        await worker.until_ready()
        await stage.upload(KEY.format("huge"), await asyncio.to_thread(pretty_log_of, 200))
        await worker.until(lambda: worker.metric("trailstream_in_flight_deliveries "))
        await asyncio.sleep(0.5)
        await stage.upload(KEY.format("small"), log(topic_record(1)))
        answers = []
        while len(await stage.inbox(1, seconds=0.3)) == 0:
            begun = asyncio.get_running_loop().time()
            status, _ = await worker.get("/healthz")
            answers.append((status, asyncio.get_running_loop().time() - begun))

        async def settled() -> list[int]:
            return [line["records"] for line in worker.lines if line["event"] == "delivery settled"]

        await worker.until(settled)
        assert await settled() == [1], "the huge object was done first"
        await worker.until(lambda: worker.metric("trailstream_visibility_extensions_total"), seconds=5)
        for _ in range(10):
            begun = asyncio.get_running_loop().time()
            status, _ = await worker.get("/healthz")
            answers.append((status, asyncio.get_running_loop().time() - begun))
            await asyncio.sleep(0.05)
    assert all(status == 200 for status, _ in answers)
    assert max(seconds for _, seconds in answers) < 0.25


async def test_what_nobody_understands_ends_in_the_dead_letter_queue_and_disturbs_nothing(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws, max_receive_count=2)
    port = free_port()
    async with running_worker(tmp_path, configuration(stage, endpoint, port), port=port) as worker:
        await stage.send("Hello from SQS!")
        await stage.upload(KEY.format("bad"), b"\x1f\x8b nothing that inflates")
        await stage.upload(KEY.format("good"), log(topic_record(1)))
        await stage.until_empty()
        assert len(await stage.inbox(1)) == 1
        assert await worker.metric('trailstream_delivery_errors_total{code="not_understood"') == 2
        assert await worker.stopped() == 0
    assert await stage.counts(stage.dead_letter_url) == (2, 0)


async def test_a_signal_lets_what_was_begun_be_finished_and_hands_back_nothing(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    port = free_port()
    async with running_worker(tmp_path, configuration(stage, endpoint, port), port=port) as worker:
        await worker.until_ready()
        await stage.upload(KEY.format("1"), await asyncio.to_thread(slow_log_of, 5))
        await worker.until(lambda: worker.metric("trailstream_in_flight_deliveries "))
        assert await worker.stopped() == 0
        assert worker.lines[-1]["event"] == "stopped"
    assert await stage.counts(stage.queue_url) == (0, 0)
    assert len(await stage.inbox(1)) == 1


async def test_what_is_not_finished_within_the_grace_time_is_handed_back_and_a_second_worker_does_it(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    port = free_port()
    # One slot: with a free one, the long poll that ends with the worker might still be given the message.
    config = configuration(stage, endpoint, port, slots=1, shutdown_grace_seconds=0.2, visibility_seconds=300)
    async with running_worker(tmp_path, config, port=port) as worker:
        await worker.until_ready()
        await stage.upload(KEY.format("1"), await asyncio.to_thread(slow_log_of, 20))
        await worker.until(lambda: worker.metric("trailstream_in_flight_deliveries "))
        assert await worker.stopped() == 0
    assert await stage.counts(stage.queue_url) == (1, 0)
    config = configuration(stage, endpoint, port)
    async with running_worker(tmp_path, config, port=port):
        await stage.until_empty()
    assert len(await stage.inbox(1)) == 1


async def test_a_second_signal_leaves_at_once_and_loses_nothing(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    port = free_port()
    async with running_worker(tmp_path, configuration(stage, endpoint, port), port=port) as worker:
        await worker.until_ready()
        await stage.upload(KEY.format("1"), await asyncio.to_thread(slow_log_of, 20))
        await worker.until(lambda: worker.metric("trailstream_in_flight_deliveries "))
        worker.process.send_signal(signal.SIGTERM)
        await worker.until(lambda: any(line["event"] == "stop requested" for line in worker.lines))
        assert await worker.stopped(signal.SIGINT, seconds=2) == 128 + signal.SIGINT
    assert sum(await stage.counts(stage.queue_url)) == 1


async def test_a_killed_worker_s_work_is_done_by_the_next(aws: AwsClients, endpoint: Endpoint, tmp_path: Path) -> None:
    stage = await set_stage(aws)
    port = free_port()
    config = configuration(stage, endpoint, port, visibility_seconds=2)
    async with running_worker(tmp_path, config, port=port) as worker:
        await worker.until_ready()
        await stage.upload(KEY.format("1"), await asyncio.to_thread(slow_log_of, 20))
        await worker.until(lambda: worker.metric("trailstream_in_flight_deliveries "))
        worker.process.kill()
    async with running_worker(tmp_path, config, port=port) as worker:
        await stage.until_empty(seconds=60)
        (settled,) = [line for line in worker.lines if line["event"] == "delivery settled"]
    assert settled["receive_count"] == 2
    assert len(await stage.inbox(1)) == 1


async def test_the_endpoint_may_be_down_at_the_start_and_in_between(tmp_path: Path) -> None:
    port, endpoint_port = free_port(), free_port()
    endpoint = Endpoint(f"http://127.0.0.1:{endpoint_port}")
    urls = (f"{endpoint.url}/000000000000/notifications", f"arn:aws:sns:{REGION}:000000000000:alerts")
    async with running_worker(tmp_path, configuration(urls, endpoint, port), port=port) as worker:

        async def tried() -> bool:
            return (await worker.get("/readyz"))[0] == 503

        await worker.until(tried)
        assert (await worker.get("/healthz"))[0] == 200
        for round_number in range(2):
            with running_endpoint(tmp_path, port=endpoint_port):
                async with endpoint.clients() as aws:
                    stage = await set_stage(aws)
                    await stage.upload(KEY.format(round_number), log(topic_record(round_number)))
                    assert len(await stage.inbox(1, seconds=60)) == 1
            await worker.until(tried, seconds=60)
            assert (await worker.get("/healthz"))[0] == 200


async def test_a_queue_without_redrive_is_refused_unless_that_is_allowed(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws, redrive=False)
    port = free_port()
    async with running_worker(tmp_path, configuration(stage, endpoint, port), port=port) as worker:
        assert await asyncio.to_thread(worker.process.wait, 20) == 2
        assert "no redrive policy" in worker.log
        assert "queue.allow_no_redrive" in worker.log
    config = configuration(stage, endpoint, port, allow_no_redrive=True)
    async with running_worker(tmp_path, config, port=port) as worker:
        await worker.until_ready()
        assert await worker.stopped() == 0


async def test_a_broken_rule_keeps_the_worker_from_starting_unless_it_is_told_to_skip_it(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    port = free_port()
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "broken.yaml").write_text("id: x\ntitle: y\nseverity: enormous\npattern: {eventName: [A]}\n")
    async with running_worker(tmp_path, configuration(stage, endpoint, port), port=port) as worker:
        assert await asyncio.to_thread(worker.process.wait, 20) == 2
        assert "broken.yaml:3" in worker.log
    config = configuration(stage, endpoint, port, extra="[rules]\nskip_broken = true")
    async with running_worker(tmp_path, config, port=port) as worker:
        await worker.until_ready()
        assert await worker.stopped() == 0


async def test_the_reader_s_settings_reach_the_worker(aws: AwsClients, endpoint: Endpoint, tmp_path: Path) -> None:
    stage = await set_stage(aws, max_receive_count=1)
    port = free_port()
    config = configuration(stage, endpoint, port, extra='[reader]\nchoice = "ijson"\nmax_depth = 5')
    async with running_worker(tmp_path, config, port=port) as worker:
        await stage.upload(KEY.format("flat"), log(topic_record(1)))
        await stage.upload(KEY.format("deep"), log(topic_record(2, requestParameters={"a": {"b": {"c": {"d": {}}}}})))
        await stage.until_empty()
        assert await worker.metric('trailstream_decoded_records_total{reader="ijson"}') == 1
        assert await worker.metric('trailstream_decoded_records_total{reader="fast"}') == 0
        assert await worker.metric('trailstream_delivery_errors_total{code="record_too_deep"') == 1
        assert await worker.stopped() == 0
    assert len(await stage.inbox(2, seconds=2)) == 1


async def test_a_worker_that_knows_no_region_says_so(endpoint: Endpoint, tmp_path: Path) -> None:
    port = free_port()
    urls = (f"{endpoint.url}/000000000000/notifications", f"arn:aws:sns:{REGION}:000000000000:alerts")
    config = configuration(urls, endpoint, port).replace(f'region = "{REGION}"', "")
    async with running_worker(tmp_path, config, port=port, variables={"AWS_DEFAULT_REGION": ""}) as worker:
        assert await asyncio.to_thread(worker.process.wait, 20) == 2
        assert "aws.region: no Region is known" in worker.log
        assert "Traceback" not in worker.log


async def test_what_a_log_holds_cannot_break_a_log_line_a_subject_or_a_metric(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    stage = await set_stage(aws)
    port = free_port()
    evil = 'x\r\n{"level":"error"}\x1b[31m\u202e\u2028"\\'
    bad = topic_record(
        1, awsRegion=evil, userAgent=evil, userIdentity={"arn": evil, "accountId": evil}, sourceIPAddress=evil
    )
    bad["recipientAccountId"] = evil
    async with running_worker(tmp_path, configuration(stage, endpoint, port), port=port) as worker:
        await stage.upload(f"AWSLogs/{evil}/x\n\u202e.json.gz", log(bad))
        await stage.upload("a\nb", b"junk\n")
        (message,) = await stage.inbox(1)
        await worker.until(lambda: worker.metric("trailstream_settled_deliveries_total"))
        _, metrics = await worker.get("/metrics")
        assert worker.lines
        assert await worker.stopped() == 0
    assert message["Subject"].isascii()
    assert message["Subject"].isprintable()
    assert "\x1b" not in message["Message"]
    assert json.loads(message["Message"].strip().splitlines()[-1]) == bad
    assert "\x1b" not in metrics
    assert "\x1b" not in worker.log
