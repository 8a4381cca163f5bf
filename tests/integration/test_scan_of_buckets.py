"""``trailstream scan s3://...``: the process, against the local endpoint and what stands in its way."""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from endpoint import Endpoint, wiped_environment
from intercept import Forward, intercepted
from logs import document
from samples import CREATE_TOPIC_RULE, topic_record
from trailstream.adapters.aws import AwsClients

PROGRAM = Path(sys.executable).parent / "trailstream"
BUCKET = "trail"
TRAIL = "AWSLogs/o-exampleorgid/111122223333/CloudTrail/eu-west-1"


@dataclass(frozen=True, slots=True)
class Done:
    exit_code: int
    alerts: list[dict[str, Any]]
    said: str
    summary: dict[str, Any]

    @property
    def objects(self) -> list[str]:
        return [alert["object"].removeprefix(f"s3://{BUCKET}/") for alert in self.alerts]


async def scan(url: str, folder: Path, *arguments: str, variables: dict[str, str] | None = None) -> Done:
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "topic.yml").write_text(CREATE_TOPIC_RULE)
    options = ["--rules", str(folder / "rules"), "--summary", str(folder / "summary.json"), "--endpoint-url", url]
    process = await asyncio.create_subprocess_exec(
        *(str(PROGRAM), "scan", *arguments, *(options if url else options[:-2])),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=wiped_environment() | (variables or {}),
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    summary = folder / "summary.json"
    return Done(
        process.returncode,
        [json.loads(line) for line in out.splitlines()],
        err.decode(),
        json.loads(summary.read_text() or "{}") if summary.exists() else {},
    )


def log(*times: str) -> bytes:
    return gzip.compress(document(topic_record(number, eventTime=time) for number, time in enumerate(times)))


def key(day: str, minute: str = "1200", name: str = "a") -> str:
    return f"{TRAIL}/{day}/111122223333_CloudTrail_eu-west-1_{day.replace('/', '')}T{minute}Z_{name}.json.gz"


def error_document(code: str) -> str:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message></Error>"


async def put(aws: AwsClients, objects: dict[str, bytes] | Iterable[tuple[str, bytes]]) -> None:
    s3 = await aws.s3()
    await s3.create_bucket(Bucket=BUCKET)
    for name, body in dict(objects).items():
        await s3.put_object(Bucket=BUCKET, Key=name, Body=body, ContentEncoding="gzip")


async def test_more_objects_than_a_page_lists_are_read_in_the_order_of_their_keys_whatever_the_concurrency(
    endpoint: Endpoint, aws: AwsClients, tmp_path: Path
) -> None:
    keys = [f"{TRAIL}/2026/11/22/{number:04} é+&.json.gz" for number in range(1001)]
    await put(aws, {name: log("2026-11-22T12:00:00Z") for name in reversed(keys)})
    done = await scan(endpoint.url, tmp_path, f"s3://{BUCKET}/{TRAIL}/")
    assert (done.exit_code, done.said) == (0, done.said)
    assert done.objects == keys
    assert done.summary["objects"] == done.summary["alerts"] == 1001
    few = [f"s3://{BUCKET}/{TRAIL}/2026/11/22/00", "--concurrency", "1"]
    assert (await scan(endpoint.url, tmp_path, *few)).objects == keys[:100]


async def test_what_is_no_log_of_cloudtrail_is_skipped_by_reason_and_insights_are_read(
    endpoint: Endpoint, aws: AwsClients, tmp_path: Path
) -> None:
    account = "AWSLogs/111122223333"
    await put(
        aws,
        {
            f"{account}/": b"",
            f"{account}/CloudTrail-Digest/eu-west-1/2026/11/22/d.json.gz": b"digest",
            f"{account}/CloudTrail-Insight/eu-west-1/2026/11/22/i.json.gz": log("2026-11-22T12:00:00Z"),
            f"{account}/CloudTrail/eu-west-1/2026/11/22/empty.json.gz": b"",
            f"{account}/Config/eu-west-1/2026/11/22/c.json.gz": b"config",
            f"{account}/vpcflowlogs/eu-west-1/2026/11/22/v.log.gz": b"flow",
            "elsewhere/by-hand.json.gz": log("2026-11-22T12:00:00Z"),
        },
    )
    done = await scan(endpoint.url, tmp_path, f"s3://{BUCKET}")
    assert done.exit_code == 0, done.said
    reasons = ["cloudtrail_digest", "config", "empty", "folder", "vpc_flow_logs"]
    assert done.summary["skipped"] == dict.fromkeys(reasons, 1)
    assert done.summary["objects"] == 2


async def test_a_period_asks_for_no_object_that_was_delivered_outside_of_it_and_for_every_one_that_came_late(
    endpoint: Endpoint, aws: AwsClients, tmp_path: Path
) -> None:
    within = "2026-11-20T12:00:00Z"
    wanted = [key("2026/11/20"), key("2026/11/21", "0300", "late")]
    others = [key("2025/01/01"), key("2026/11/18"), key("2026/11/20", "0100"), key("2026/11/23"), key("2027/05/05")]
    await put(aws, [*((name, log(within)) for name in others), *((name, log(within)) for name in wanted)])
    asked: Counter[str] = Counter()

    async def watch(request: web.Request, body: bytes, forward: Forward) -> web.Response:
        asked[request.path] += 1
        return await forward(request, body)

    period = ["--since", "2026-11-20T06:00Z", "--until", "2026-11-21"]
    async with intercepted(endpoint.url, watch) as url:
        done = await scan(url, tmp_path, f"s3://{BUCKET}/AWSLogs/", *period)
    assert done.exit_code == 0, done.said
    assert done.objects == wanted
    assert {path.removeprefix(f"/{BUCKET}/") for path in asked} == {"", *wanted}
    assert done.summary["skipped"]["outside_period"] >= 2
    assert (done.summary["since"], done.summary["until"]) == ("2026-11-20T06:00:00Z", "2026-11-21T00:00:00Z")
    shorter = await scan(endpoint.url, tmp_path, f"s3://{BUCKET}/AWSLogs/", *period, "--late", "2h")
    assert shorter.objects == wanted[:1]


async def test_a_period_holds_records_by_their_own_time(endpoint: Endpoint, aws: AwsClients, tmp_path: Path) -> None:
    times = ["2026-11-20T11:59:59Z", "2026-11-20T12:00:00Z", "2026-11-20T12:59:59Z", "2026-11-20T13:00:00Z", "when?"]
    await put(aws, {key("2026/11/20", "1300"): log(*times)})
    period = ["--since", "2026-11-20T12:00:00Z", "--until", "2026-11-20T13:00:00Z"]
    done = await scan(endpoint.url, tmp_path, f"s3://{BUCKET}/", *period)
    assert [alert["event_time"] for alert in done.alerts] == [*times[1:3], "when?"]


async def test_what_cannot_be_read_is_named_with_its_code_and_the_others_are_read(
    endpoint: Endpoint, aws: AwsClients, tmp_path: Path
) -> None:
    names = [key("2026/11/20", name=name) for name in ("1-good", "2-denied", "3-gone", "4-cut", "5-good")]
    await put(aws, {name: log("2026-11-20T12:00:00Z") for name in names})

    async def refuse(request: web.Request, body: bytes, forward: Forward) -> web.Response:
        if "2-denied" in request.path:
            return web.Response(status=403, text=error_document("AccessDenied"))
        if "3-gone" in request.path:
            return web.Response(status=404, text=error_document("NoSuchKey"))
        answer = await forward(request, body)
        if "4-cut" in request.path:
            assert isinstance(answer.body, bytes)
            return web.Response(body=answer.body[:-9])
        return answer

    async with intercepted(endpoint.url, refuse) as url:
        done = await scan(url, tmp_path, f"s3://{BUCKET}/AWSLogs/")
    assert done.exit_code == 1
    assert {each["object"].rpartition("_")[2]: each["code"] for each in done.summary["failed"]} == {
        "2-denied.json.gz": "object_denied",
        "3-gone.json.gz": "object_missing",
        "4-cut.json.gz": "truncated_gzip",
    }
    assert done.objects == [names[0], names[3], names[4]]
    assert f"s3://{BUCKET}/{names[1]}: object_denied" in done.said


async def test_places_that_list_nothing_fail_and_the_other_places_are_read(
    endpoint: Endpoint, aws: AwsClients, tmp_path: Path
) -> None:
    await put(aws, {key("2026/11/20"): log("2026-11-20T12:00:00Z")})
    (tmp_path / "local").write_bytes(log("2026-11-20T12:00:00Z"))
    places = [f"s3://{BUCKET}/AWSLog/", "s3://no-such-bucket/", f"s3://{BUCKET}/AWSLogs/gone.json.gz"]
    done = await scan(endpoint.url, tmp_path, *places, f"s3://{BUCKET}/{key('2026/11/20')}", str(tmp_path / "local"))
    assert done.exit_code == 1, done.said
    assert "Traceback" not in done.said, done.said
    assert [each["object"] for each in done.summary["failed"]] == places
    assert {each["code"] for each in done.summary["failed"]} == {"object_missing"}
    assert done.objects == [key("2026/11/20"), str(tmp_path / "local")]


async def test_the_endpoint_comes_from_the_worker_s_settings_too(
    endpoint: Endpoint, aws: AwsClients, tmp_path: Path
) -> None:
    await put(aws, {key("2026/11/20"): log("2026-11-20T12:00:00Z")})
    place = f"s3://{BUCKET}/"
    by_variable = await scan("", tmp_path, place, variables={"TRAILSTREAM_AWS__ENDPOINT_URL": endpoint.url})
    assert len(by_variable.alerts) == 1
    (tmp_path / "settings.toml").write_text(f'[aws]\nendpoint_url = "{endpoint.url}"\n')
    by_file = await scan("", tmp_path, place, "--config", str(tmp_path / "settings.toml"))
    assert len(by_file.alerts) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["s3://"], "names no bucket"),
        (["s3://a/b"], "names no bucket"),
        (["x", "--since", "yesterday"], "no span"),
        (["x", "--since", "1h", "--until", "2h"], "--since: is not before --until"),
        (["x", "--concurrency", "0"], "must be 1 or more"),
        (["x", "--concurrency", "many"], "must be 1 or more"),
        (["x", "--report", "nowhere/report.html"], "--report"),
    ],
)
async def test_what_can_be_no_place_or_period_is_said_before_anything_is_read(
    arguments: list[str], said: str, tmp_path: Path
) -> None:
    done = await scan("http://127.0.0.1:9", tmp_path, *arguments)
    assert done.exit_code == 2
    assert said in done.said
