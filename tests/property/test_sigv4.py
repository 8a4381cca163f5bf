"""Our signatures against botocore's, which AWS's own services are tested with."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from trailstream.adapters.sigv4 import Keys, signed_headers

TOKENS = st.text(string.ascii_letters + string.digits + "+/=", min_size=1, max_size=40)
HOSTS = st.sampled_from(["bucket.s3.eu-west-1.amazonaws.com", "127.0.0.1:4566", "sqs.us-gov-west-1.amazonaws.com"])
HEADERS = st.dictionaries(
    st.sampled_from(["X-Amz-Target", "Content-Type", "x-amz-checksum-mode", "X-Amz-Expected-Bucket-Owner"]), TOKENS
)


@pytest.mark.parametrize(("service", "signer"), [("s3", S3SigV4Auth), ("sqs", SigV4Auth)])
@given(
    host=HOSTS,
    key=st.text(min_size=1, max_size=30),
    version=st.none() | TOKENS,
    headers=HEADERS,
    body=st.binary(max_size=50),
    access_key=TOKENS,
    secret=TOKENS,
    token=st.none() | TOKENS,
    region=st.sampled_from(["us-east-1", "cn-north-1"]),
)
def test_a_request_is_signed_as_botocore_signs_it(  # noqa: PLR0917 - what a request is made of
    service: str,
    signer: type[SigV4Auth],
    host: str,
    key: str,
    version: str | None,
    headers: dict[str, str],
    body: bytes,
    access_key: str,
    secret: str,
    token: str | None,
    region: str,
) -> None:
    path = quote(key.encode("utf-8", "replace"), safe="/~") if service == "s3" else ""
    query = f"?versionId={quote(version, safe='')}" if version else ""
    method, url = ("GET", f"http://{host}/{path}{query}") if service == "s3" else ("POST", f"http://{host}/")
    credentials = ReadOnlyCredentials(access_key, secret, token)
    theirs = AWSRequest(method, url, headers=dict(headers), data=body if service == "sqs" else b"")
    signer(credentials, service, region).add_auth(theirs)
    expected = {name.lower(): value for name, value in theirs.headers.items()}
    ours = signed_headers(
        method=method,
        url=url,
        headers=headers,
        body=body if service == "sqs" else b"",
        service=service,
        region=region,
        keys=Keys(access_key, secret, token),
        moment=datetime.strptime(expected["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
    )
    assert {name.lower(): value for name, value in ours.items()} == expected
