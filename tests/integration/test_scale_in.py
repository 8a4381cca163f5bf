"""A real worker as a task of ECS: what it asks of the agent while it reads a huge object."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from endpoint import Endpoint, free_port
from samples import topic_record
from stage import configuration, running_worker, set_stage
from trailstream.adapters.aws import AwsClients

KEY = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/02/log.json.gz"


async def test_a_worker_is_protected_only_while_it_holds_something_for_long(
    tmp_path: Path, endpoint: Endpoint, aws: AwsClients
) -> None:
    asked: list[bool] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((await request.json())["ProtectionEnabled"])
        return web.json_response({"protection": {"ProtectionEnabled": asked[-1]}})

    agent = web.Application()
    agent.router.add_put("/api/task-protection/v1/state", answer)
    stage = await set_stage(aws)
    port = free_port()
    # A sink that does not answer holds the delivery; half of the grace time is a second.
    topic = stage.topic_arn.replace(":alerts", ":gone")
    config = configuration(
        (stage.queue_url, topic), endpoint, port, extra="[alerts]\npatience_seconds = 6", shutdown_grace_seconds=2
    )
    async with TestServer(agent) as server:
        variables = {"ECS_AGENT_URI": str(server.make_url("/api"))}
        async with running_worker(tmp_path, config, port=port, variables=variables) as worker:
            await worker.until_ready()
            await asyncio.sleep(2)
            assert asked == [], "nothing is held"
            await stage.upload(KEY, gzip.compress(json.dumps({"Records": [topic_record()]}).encode()))
            await worker.until(lambda: asked == [True, False], seconds=40)
