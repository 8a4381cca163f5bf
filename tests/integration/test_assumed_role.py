"""Whose identity reads: that of a profile for everything, or for each bucket a role of its owner's account."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import get_session
from aiohttp import web
from aiohttp.test_utils import TestServer

from endpoint import REGION, Endpoint, running_endpoint
from intercept import Forward, intercepted
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.s3 import S3ObjectStore
from trailstream.bootstrap.logs import make_logs_client
from trailstream.config.settings import BucketSettings, LogsSettings
from trailstream.model.delivery import ObjectRef
from trailstream.model.errors import MissingOrDeniedError, ObjectUnavailableError, RoleDeniedError

OURS, THEIRS, OTHERS = "000000000000", "444455556666", "777788889999"
"""The endpoint's own account, and two that it knows by their id as the access key."""

EXTERNAL_ID = "trailstream-1f6c"
READ = {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::*"}


def bucket_of(account: str) -> str:
    return f"trail-of-{account}"


def role_of(account: str) -> str:
    return f"arn:aws:iam::{account}:role/logs/reader"


def document(**statement: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


@asynccontextmanager
async def client(endpoint: Endpoint, service: str, account: str) -> AsyncIterator[Any]:
    made: Any = get_session().create_client(
        service,  # type: ignore[call-overload]  # the service's name is the caller's
        region_name=REGION,
        endpoint_url=endpoint.url,
        aws_access_key_id=account,
        aws_secret_access_key="test",
    )
    async with made as opened:
        yield opened


async def furnish(endpoint: Endpoint, account: str) -> None:
    """Give an account a bucket with an object, and a role that reads it and asks for an external id."""
    trust = document(
        Principal={"AWS": "*"},
        Action="sts:AssumeRole",
        Condition={"StringEquals": {"sts:ExternalId": EXTERNAL_ID, "sts:RoleSessionName": "trailstream"}},
    )
    async with client(endpoint, "s3", account) as s3, client(endpoint, "iam", account) as iam:
        await s3.create_bucket(Bucket=bucket_of(account))
        await s3.put_object(Bucket=bucket_of(account), Key="log", Body=account.encode())
        await iam.create_role(RoleName="reader", Path="/logs/", AssumeRolePolicyDocument=trust)
        await iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=document(**READ))


@pytest.fixture(scope="module")
def _strict_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running_endpoint(tmp_path_factory.mktemp("strict"), variables={"AUTH": "true"}) as endpoint:
        yield endpoint


@pytest.fixture
async def strict(_strict_process: Endpoint) -> Endpoint:
    """An endpoint that enforces policies, with three furnished accounts."""
    _strict_process.reset()
    for account in (OURS, THEIRS, OTHERS):
        await furnish(_strict_process, account)
    return _strict_process


@pytest.fixture
async def ourselves(strict: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be somebody who may read the bucket of our account and assume the role of theirs."""
    async with client(strict, "iam", OURS) as iam:
        await iam.create_user(UserName="worker")
        await iam.put_user_policy(UserName="worker", PolicyName="read", PolicyDocument=document(**READ))
        assume = document(Action="sts:AssumeRole", Resource=[role_of(THEIRS), f"{role_of(THEIRS)}-gone"])
        await iam.put_user_policy(UserName="worker", PolicyName="assume", PolicyDocument=assume)
        key = (await iam.create_access_key(UserName="worker"))["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])


async def read(url: str, buckets: dict[str, BucketSettings], *accounts: str) -> list[bytes]:
    """Read the object of each account's bucket."""
    bodies = []
    async with AwsClients(region=REGION, endpoint_url=url, connections=2, attempts=1) as aws:
        store = S3ObjectStore(client=await make_logs_client(LogsSettings(buckets=buckets), aws), chunk_bytes=1024)
        for account in accounts:
            async with store.open(ObjectRef(bucket_of(account), "log")) as chunks:
                bodies.append(b"".join([chunk async for chunk in chunks]))
    return bodies


def with_role(account: str, *, name: str = "", external_id: str | None = EXTERNAL_ID) -> dict[str, BucketSettings]:
    role = f"{role_of(account)}{name}"
    return {bucket_of(account): BucketSettings(account=account, role_arn=role, external_id=external_id)}


@pytest.mark.usefixtures("ourselves")
async def test_a_bucket_with_a_role_is_read_with_it_and_another_as_ourselves(strict: Endpoint) -> None:
    buckets = {bucket_of(OURS): BucketSettings(account=OURS), **with_role(THEIRS)}
    assert await read(strict.url, buckets, OURS, THEIRS, OURS) == [OURS.encode(), THEIRS.encode(), OURS.encode()]
    with pytest.raises(MissingOrDeniedError):  # as ourselves: no bucket policy lets us in
        await read(strict.url, {bucket_of(THEIRS): BucketSettings(account=THEIRS)}, THEIRS)


@pytest.mark.usefixtures("ourselves")
@pytest.mark.parametrize(
    ("account", "changes"),
    [
        (THEIRS, {"external_id": "somebody-else"}),
        (THEIRS, {"external_id": None}),
        (THEIRS, {"name": "-gone"}),
        (OTHERS, {}),  # which trusts us, and our own policy does not allow it
    ],
)
async def test_a_role_that_may_not_be_assumed_is_an_error_of_its_own(
    strict: Endpoint, account: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(RoleDeniedError, match=f"role {role_of(account)}.*AccessDenied"):
        await read(strict.url, with_role(account, **changes), account)


@pytest.mark.usefixtures("ourselves")
async def test_sts_that_is_down_denies_nobody(strict: Endpoint) -> None:
    async def answer(request: web.Request, body: bytes, forward: Forward) -> web.Response:
        return web.Response(status=503) if b"AssumeRole" in body else await forward(request, body)

    async with intercepted(strict.url, answer) as url:
        with pytest.raises(ObjectUnavailableError, match=role_of(THEIRS)):
            await read(url, with_role(THEIRS), THEIRS)


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
        f"[profile logs]\nrole_arn = {role_of(THEIRS)}\nexternal_id = {EXTERNAL_ID}\n"
        "role_session_name = trailstream\ncredential_source = EcsContainer\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profile))
    monkeypatch.setenv("AWS_PROFILE", "logs")
    monkeypatch.setenv("AWS_ENDPOINT_URL", strict.url)
    async with strict.clients() as aws:
        identity = await (await aws.sts()).get_caller_identity()
    assert ":assumed-role/reader/" in identity["Arn"]
    assert await read(strict.url, {}, THEIRS) == [THEIRS.encode()]
