"""A proxy that lets single entries of a batch fail, as SNS and SQS do: the others are obeyed, the answer says which.

No fault injector that we know does that truthfully: an entry that the answer calls failed must not have been obeyed.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from intercept import Forward, intercepted

SQS_BATCHES = ("AmazonSQS.DeleteMessageBatch", "AmazonSQS.ChangeMessageVisibilityBatch")
SNS_ENTRY = "PublishBatchRequestEntries.member."
CODE = "InternalError"
NOTHING_PUBLISHED = (
    "<PublishBatchResponse><PublishBatchResult><Successful/><Failed/></PublishBatchResult></PublishBatchResponse>"
)


class PartialFailures:
    """Forwards everything to an endpoint, but for a share of the entries of batches."""

    def __init__(self, rng: random.Random, share: float) -> None:
        self._rng = rng
        self._share = share
        self.url = ""
        self.failed = 0
        """Entries so far."""

    async def answer(self, request: web.Request, body: bytes, forward: Forward) -> web.Response:
        """Answer one request."""
        if request.headers.get("X-Amz-Target") in SQS_BATCHES:
            return await self._sqs(request, json.loads(body), forward)
        if b"Action=PublishBatch" in body:
            return await self._sns(request, dict(parse_qsl(body.decode(), keep_blank_values=True)), forward)
        return await forward(request, body)

    async def _sqs(self, request: web.Request, call: dict[str, Any], forward: Forward) -> web.Response:
        failed = self._chosen(entry["Id"] for entry in call["Entries"])
        kept = [entry for entry in call["Entries"] if entry["Id"] not in failed]
        answer: dict[str, Any] = {"Successful": []}
        if kept:
            forwarded = await forward(request, json.dumps(call | {"Entries": kept}).encode())
            if forwarded.status != web.HTTPOk.status_code:
                return forwarded
            answer = json.loads(forwarded.body or b"{}")  # type: ignore[arg-type]  # it is bytes here
        failures = [{"Id": identity, "Code": CODE, "SenderFault": False, "Message": "injected"} for identity in failed]
        answer["Failed"] = answer.get("Failed", []) + failures
        return web.json_response(answer, content_type="application/x-amz-json-1.0")

    async def _sns(self, request: web.Request, form: dict[str, str], forward: Forward) -> web.Response:
        entries = _entries(form)
        failed = self._chosen(entry["Id"] for entry in entries)
        kept = [entry for entry in entries if entry["Id"] not in failed]
        xml = NOTHING_PUBLISHED
        if kept:
            forwarded = await forward(request, _form(form, kept).encode())
            if forwarded.status != web.HTTPOk.status_code:
                return forwarded
            xml = forwarded.text or ""
        members = "".join(
            f"<member><Id>{identity}</Id><Code>{CODE}</Code><Message>injected</Message>"
            "<SenderFault>false</SenderFault></member>"
            for identity in failed
        )
        xml = xml.replace("<Failed/>", "<Failed></Failed>").replace("</Failed>", f"{members}</Failed>")
        if members not in xml:
            raise web.HTTPBadGateway(text=f"this answer is not understood: {xml}")
        return web.Response(text=xml, content_type="text/xml")

    def _chosen(self, identities: Iterable[str]) -> list[str]:
        chosen = [identity for identity in identities if self._rng.random() < self._share]
        self.failed += len(chosen)
        return chosen


@asynccontextmanager
async def partial_failures(upstream: str, rng: random.Random, share: float) -> AsyncIterator[PartialFailures]:
    """Serve it on a free loopback port while the block runs."""
    proxy = PartialFailures(rng, share)
    async with intercepted(upstream, proxy.answer) as proxy.url:
        yield proxy


def _entries(form: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the entries of a batch, each by the names below its own."""
    entries: dict[str, dict[str, str]] = {}
    for name, value in form.items():
        if name.startswith(SNS_ENTRY):
            number, _, rest = name.removeprefix(SNS_ENTRY).partition(".")
            entries.setdefault(number, {})[rest] = value
    return list(entries.values())


def _form(form: Mapping[str, str], entries: Iterable[Mapping[str, str]]) -> str:
    """Write the call with these entries instead of its own."""
    fields = {name: value for name, value in form.items() if not name.startswith(SNS_ENTRY)}
    for number, entry in enumerate(entries, 1):
        fields |= {f"{SNS_ENTRY}{number}.{name}": value for name, value in entry.items()}
    return urlencode(fields)
