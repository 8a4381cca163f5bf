from __future__ import annotations

import aiohttp
import pytest
from botocore.exceptions import ClientError

from raw_http import Part, answering, head, s3_error
from trailstream.adapters.signed_http import Request, SignedHttp
from trailstream.adapters.sigv4 import Keys


async def keys() -> Keys:
    return Keys("AKIA", "secret", None)


@pytest.mark.parametrize(
    ("answer", "times"),
    [
        (s3_error("403 Forbidden", "AccessDenied"), 1),
        (s3_error("403 Forbidden", "InvalidAccessKeyId"), 1),
        (s3_error("400 Bad Request", "ExpiredToken"), 1),
        ([head("403 Forbidden", Content_Length=0)], 1),
        (s3_error("404 Not Found", "NoSuchKey"), 0),
        (s3_error("503 Slow Down", "SlowDown"), 0),
    ],
)
async def test_who_gives_the_keys_is_told_of_what_they_were_denied(answer: list[Part], times: int) -> None:
    told: list[None] = []
    async with answering(answer) as server, aiohttp.ClientSession(auto_decompress=False) as session:
        http = SignedHttp(
            session=session,
            keys=keys,
            attempts=1,
            connect_timeout_seconds=1,
            read_timeout_seconds=1,
            on_denied=lambda: told.append(None),
        )
        request = Request("s3", "GetObject", "eu-west-1", "GET", f"{server.url}/logs/key", {})
        with pytest.raises(ClientError):
            await http.send(request)
    assert len(told) == times
