"""The agent's answers are those of "Amazon ECS task scale-in protection endpoint" in the ECS developer guide."""

from __future__ import annotations

import json

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from trailstream.adapters.ecs_task import EcsTask

PROTECTED = {
    "protection": {"ExpirationDate": "2026-01-02T03:04:05Z", "ProtectionEnabled": True, "TaskArn": "arn:aws:ecs:task"}
}
FAILURE = {"failure": {"Arn": "arn:aws:ecs:task", "Detail": None, "Reason": "DEPLOYMENT_BLOCKED"}}
ERROR = {"requestID": "12345", "error": {"Arn": "arn:aws:ecs:task", "Code": "AccessDeniedException", "Message": "no"}}


class Agent:
    def __init__(self, body: str, status: int = 200) -> None:
        self.asked: list[tuple[str, str, object]] = []
        self._body = body
        self._status = status

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.path, await request.json()))
        return web.Response(text=self._body, status=self._status, content_type="application/json")

    async def ask(self, seconds: float | None) -> str | None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self.answer)
        async with TestServer(application) as server, aiohttp.ClientSession() as session:
            task = EcsTask(session=session, agent_uri=str(server.make_url("/api/1234")))
            return await (task.unprotect() if seconds is None else task.protect(seconds))


@pytest.mark.parametrize(
    ("seconds", "state"),
    [
        (600, {"ProtectionEnabled": True, "ExpiresInMinutes": 10}),
        (1, {"ProtectionEnabled": True, "ExpiresInMinutes": 1}),
        (10**6, {"ProtectionEnabled": True, "ExpiresInMinutes": 2880}),
        (None, {"ProtectionEnabled": False}),
    ],
)
async def test_the_agent_is_asked_as_it_wants_to_be(seconds: float | None, state: object) -> None:
    agent = Agent(json.dumps(PROTECTED))
    assert await agent.ask(seconds) is None
    assert agent.asked == [("PUT", "/api/1234/task-protection/v1/state", state)]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (json.dumps(FAILURE), 200, "DEPLOYMENT_BLOCKED"),
        (json.dumps(ERROR), 400, "AccessDeniedException"),
        ("<html>", 502, "JSONDecodeError"),
        ("[]", 200, "[]"),
    ],
)
async def test_whatever_else_it_says_is_the_reason(body: str, status: int, reason: str) -> None:
    problem = await Agent(body, status).ask(600)
    assert problem is not None
    assert reason in problem


async def test_an_agent_that_is_not_there_is_a_reason_too() -> None:
    async with aiohttp.ClientSession() as session:
        problem = await EcsTask(session=session, agent_uri="http://127.0.0.1:1").protect(600)
    assert problem is not None
    assert "ClientConnectorError" in problem
