"""Which objects a bucket has below a prefix, in the order of their keys, with leaps over what nobody wants."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote_plus

from trailstream.adapters.aws_errors import Cause, translated
from trailstream.model.delivery import ObjectRef
from trailstream.model.errors import ObjectDeniedError, ObjectMissingError, ObjectUnavailableError

_ERRORS = {
    Cause.UNAVAILABLE: ObjectUnavailableError,
    Cause.DENIED: ObjectDeniedError,
    Cause.MISSING: ObjectMissingError,
    Cause.INVALID: ObjectMissingError,
}

_CONTENTS = re.compile(r"<Contents>(.*?)</Contents>", re.DOTALL)
_KEY = re.compile(r"<Key>([^<]*)</Key>")
_SIZE = re.compile(r"<Size>(\d+)</Size>")
_TRUNCATED = "<IsTruncated>true</IsTruncated>"

PassOver = Callable[[ObjectRef], str | None]
"""An object -> None where it is wanted, else the key behind which the listing goes on: its own, or a later one."""


@dataclass(frozen=True, slots=True)
class _Page:
    objects: list[ObjectRef]
    is_last: bool


class Pages(Protocol):
    """See :class:`trailstream.adapters.lean_clients.LeanS3`."""

    async def list_objects(self, bucket: str, *, prefix: str, start_after: str) -> str: ...  # noqa: D102 -- said there


class S3Listing:
    """Lists objects with ListObjectsV2, which takes ``s3:ListBucket``: a page ahead of whoever takes them."""

    def __init__(self, *, client: Pages) -> None:
        self._client = client

    async def objects(self, bucket: str, prefix: str, *, pass_over: PassOver) -> AsyncGenerator[ObjectRef, None]:
        """Yield what begins with the prefix and is not passed over; a leap over many keys asks for none of their pages.

        Raises :class:`ObjectMissingError` where nothing begins with it, :class:`ObjectDeniedError`,
        :class:`ObjectUnavailableError`; what was yielded before is good.
        """
        what = f"s3://{bucket}/{prefix}"
        page = await self._page(what, bucket, prefix, "")
        if not page.objects:
            raise ObjectMissingError(f"{what}: the bucket lists nothing that begins with it")
        while True:
            wanted, behind = _wanted(page, pass_over)
            following = None
            if not page.is_last:
                following = asyncio.create_task(self._page(what, bucket, prefix, behind))
            try:
                for ref in wanted:
                    yield ref
                if following is None:
                    return
                page = await following
            finally:
                if following is not None and not following.cancel() and not following.cancelled():
                    following.exception()  # whoever left early does not want to know of it

    async def _page(self, what: str, bucket: str, prefix: str, behind: str) -> _Page:
        with translated(f"{what}: listing", _ERRORS):
            text = await self._client.list_objects(bucket, prefix=prefix, start_after=behind)
        entries = [_object(bucket, entry) for entry in _CONTENTS.findall(text)]
        objects = [ref for ref in entries if ref is not None]
        return _Page(objects, is_last=_TRUNCATED not in text or not objects)


def _wanted(page: _Page, pass_over: PassOver) -> tuple[list[ObjectRef], str]:
    """Return what of the page is wanted, and behind which key to go on."""
    wanted, behind = [], ""
    for ref in page.objects:
        if ref.key > behind:
            leap = pass_over(ref)
            behind = ref.key if leap is None else leap
            if leap is None:
                wanted.append(ref)
    return wanted, behind


def _object(bucket: str, entry: str) -> ObjectRef | None:
    key, size = _KEY.search(entry), _SIZE.search(entry)
    return ObjectRef(bucket, unquote_plus(key[1]), size=int(size[1]) if size else None) if key else None
