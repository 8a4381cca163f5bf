"""What S3 says to callers with more and with fewer permissions, on an endpoint that enforces them.

To a caller who may read and not list, AWS answers 403 for a missing object and this endpoint 404: AWS's answer is held
by the tests of the S3 adapter.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiobotocore.session import get_session

from endpoint import REGION, Endpoint, running_endpoint
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.s3 import S3ObjectStore
from trailstream.model.delivery import ObjectRef
from trailstream.model.errors import (
    MissingOrDeniedError,
    ObjectDeniedError,
    ObjectMissingError,
    TrailstreamError,
)

BUCKET = "logs"
THERE, MISSING = ObjectRef(BUCKET, "there é+"), ObjectRef(BUCKET, "missing é+")
READ = {"Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
LIST = {"Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"}


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running_endpoint(tmp_path_factory.mktemp("strict"), variables={"AUTH": "true"}) as endpoint:
        yield endpoint


@pytest.fixture
async def root(strict: Endpoint) -> AsyncIterator[AwsClients]:
    strict.reset()
    async with strict.clients() as aws:
        s3 = await aws.s3()
        await s3.create_bucket(Bucket=BUCKET)
        await s3.put_object(Bucket=BUCKET, Key=THERE.key, Body=b"body")
        yield aws


async def become(monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint, statements: list[dict[str, str]]) -> None:
    """Be a user who may do what the statements allow, and nothing else."""
    iam: Any
    async with get_session().create_client("iam", region_name=REGION, endpoint_url=endpoint.url) as iam:
        await iam.create_user(UserName="reader")
        if statements:
            policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
            await iam.put_user_policy(UserName="reader", PolicyName="p", PolicyDocument=json.dumps(policy))
        key = (await iam.create_access_key(UserName="reader"))["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("statements", "ref", "kind"),
    [
        ([READ, LIST], MISSING, ObjectMissingError),
        ([LIST], THERE, ObjectDeniedError),
        ([LIST], MISSING, ObjectMissingError),
        ([], THERE, MissingOrDeniedError),
        ([], MISSING, MissingOrDeniedError),
    ],
)
async def test_missing_and_denied_are_told_apart_as_far_as_the_permissions_allow(
    statements: list[dict[str, str]],
    ref: ObjectRef,
    kind: type[TrailstreamError],
    strict: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await become(monkeypatch, strict, statements)
    async with strict.clients() as aws:
        store = S3ObjectStore(client=await aws.lean_s3(), chunk_bytes=1024)
        with pytest.raises(kind):
            async with store.open(ref):
                pass


@pytest.mark.usefixtures("root")
async def test_who_may_read_reads_and_need_not_list(strict: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    await become(monkeypatch, strict, [READ])
    async with strict.clients() as aws:
        store = S3ObjectStore(client=await aws.lean_s3(), chunk_bytes=1024)
        async with store.open(THERE) as chunks:
            assert [chunk async for chunk in chunks] == [b"body"]
