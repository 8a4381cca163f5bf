from __future__ import annotations

import io
import json
from typing import Any

import pytest

from endpoint import CREDENTIALS
from raw_http import Part, answering
from trailstream.adapters.assumed_role import Role
from trailstream.adapters.aws import AwsClients
from trailstream.bootstrap.core import own_principal
from trailstream.model.principal import Principal
from trailstream.telemetry.logs import configure_logs

ARN = "arn:aws:sts::111122223333:assumed-role/trailstream/0a1b2c3d"
ROLE = Role("arn:aws:iam::444455556666:role/logs/read-logs")
IDENTITY = f"""\
<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>{ARN}</Arn>
<UserId>AROA:0a1b2c3d</UserId><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"""


def answer(body: str, status: str = "200 OK") -> list[Part]:
    content = body.encode()
    return [f"HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


async def asked(what: list[Part]) -> tuple[Principal | None, list[dict[str, Any]]]:
    log = io.StringIO()
    async with (
        answering(what) as sts,
        AwsClients(region="eu-west-1", endpoint_url=sts.url, connections=1, attempts=1) as aws,
    ):
        principal = await own_principal(aws, configure_logs(log, level="info", form="json"), roles=[ROLE])
    return principal, [json.loads(line) for line in log.getvalue().splitlines()]


async def test_sts_says_who_we_are() -> None:
    assert await asked(answer(IDENTITY)) == (Principal(ARN, frozenset({ROLE.session_arn})), [])


@pytest.mark.parametrize(
    "what",
    [
        answer("<Error><Code>AccessDenied</Code></Error>", "403 Forbidden"),
        answer("<html>It works!</html>"),
        answer("{}"),
        answer("", "503 Slow Down"),
    ],
)
async def test_whatever_else_answers_keeps_no_worker_from_starting(what: list[Part]) -> None:
    principal, [line] = await asked(what)
    assert principal is None
    assert line["level"] == "warning"
    assert line["event"].startswith("who we are is not known")
    assert line["detail"]
