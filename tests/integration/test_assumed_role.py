"""The worker's identity may be a role of another account, with an external id, by way of a profile."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import get_session
from aiohttp import web
from aiohttp.test_utils import TestServer

from endpoint import REGION, Endpoint, running_endpoint
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.s3 import S3ObjectStore
from trailstream.model.delivery import ObjectRef

ROLE = "arn:aws:iam::000000000000:role/reader"
EXTERNAL_ID = "trailstream-1f6c"


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Endpoint]:
    """An endpoint that enforces policies, with a role that asks for an external id, and an object for it to read."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
            }
        ],
    }
    reads = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"}],
    }
    with running_endpoint(tmp_path, variables={"AUTH": "true"}) as endpoint:
        iam: Any
        async with endpoint.clients() as aws:
            s3 = await aws.s3()
            await s3.create_bucket(Bucket="logs")
            await s3.put_object(Bucket="logs", Key="log", Body=b"body")
        async with get_session().create_client("iam", region_name=REGION, endpoint_url=endpoint.url) as iam:
            await iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(trust))
            await iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=json.dumps(reads))
        yield endpoint


@pytest.fixture
async def container(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """A task's own credentials, where ECS has them, and none anywhere else."""

    async def credentials(_: web.Request) -> web.Response:
        end = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds").replace("+00:00", "Z")
        return web.json_response({"AccessKeyId": "test", "SecretAccessKey": "test", "Token": "", "Expiration": end})

    app = web.Application()
    app.router.add_get("/credentials", credentials)
    async with TestServer(app) as server:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", str(server.make_url("/credentials")))
        yield


@pytest.mark.usefixtures("container")
async def test_a_profile_with_a_role_and_an_external_id_is_who_reads(
    strict: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "aws-config"
    profile.write_text(
        f"[profile logs]\nrole_arn = {ROLE}\nexternal_id = {EXTERNAL_ID}\ncredential_source = EcsContainer\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profile))
    monkeypatch.setenv("AWS_PROFILE", "logs")
    monkeypatch.setenv("AWS_ENDPOINT_URL", strict.url)
    async with AwsClients(region=REGION, endpoint_url=strict.url, connections=2) as aws:
        identity = await (await aws.sts()).get_caller_identity()
        store = S3ObjectStore(client=await aws.lean_s3(), chunk_bytes=1024)
        async with store.open(ObjectRef("logs", "log")) as chunks:
            body = b"".join([chunk async for chunk in chunks])
    assert ":assumed-role/reader/" in identity["Arn"]
    assert body == b"body"
