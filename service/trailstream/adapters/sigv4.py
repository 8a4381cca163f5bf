"""Signature Version 4 in headers, as "Create a signed AWS API request" in the IAM user guide has it.

botocore's signer does the same for any request that there is, and costs as much as sending a small one does. This one
takes the requests that are sent for every object, keeps a day's signing key, and is held against botocore's by a test.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

_ALGORITHM = "AWS4-HMAC-SHA256"
_NO_PAYLOAD = sha256(b"").hexdigest()


class Keys(NamedTuple):
    """What a request is signed with."""

    access_key: str
    secret_key: str
    token: str | None
    """With temporary keys."""


def signed_headers(
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    service: str,
    region: str,
    keys: Keys,
    moment: datetime,
) -> dict[str, str]:
    """Return the headers to send, the signature among them; ``host`` is left to the client.

    ``url`` is encoded as it will be sent, the parameters of its query sorted by name; ``moment`` is in UTC.
    """
    host, _, target = url.partition("://")[2].partition("/")
    path, _, query = target.partition("?")
    time = _written(moment.replace(microsecond=0))
    payload = sha256(body).hexdigest() if body else _NO_PAYLOAD
    signed = {name.lower(): value for name, value in headers.items()} | {"host": host, "x-amz-date": time}
    if service == "s3":
        signed["x-amz-content-sha256"] = payload
    if keys.token:
        signed["x-amz-security-token"] = keys.token
    names = sorted(signed)
    canonical = "\n".join(
        [
            method,
            f"/{path}",
            query,
            *(f"{name}:{signed[name]}" for name in names),
            "",
            ";".join(names),
            payload,
        ]
    )
    scope = f"{time[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, time, scope, sha256(canonical.encode()).hexdigest()])
    signer = _signer(keys.secret_key, time[:8], region, service).copy()
    signer.update(to_sign.encode())
    del signed["host"]
    return signed | {
        "Authorization": f"{_ALGORITHM} Credential={keys.access_key}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signer.hexdigest()}"
    }


@lru_cache(maxsize=1)
def _written(second: datetime) -> str:
    return second.strftime("%Y%m%dT%H%M%SZ")


@lru_cache(maxsize=32)
def _signer(secret: str, date: str, region: str, service: str) -> hmac.HMAC:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, digestmod="sha256")
