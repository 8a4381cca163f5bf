"""Rule files in S3, below a prefix -> their texts, and whether they have changed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from trailstream.adapters.aws_errors import VENDOR_ERRORS, detail_of
from trailstream.model.problems import RulesUnreadError
from trailstream.pipeline.rules_place import MAX_RULE_FILE_BYTES, RuleTexts, holds_none, is_rule_file

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

AT_ONCE = 16
"""Files that are fetched at a time."""


class _Listed(NamedTuple):
    path: str
    """Relative to the prefix."""
    etag: str
    size: int


class RulePrefix:
    """Every rule file below a prefix, as a place that may change. Only what has changed is fetched again.

    It takes ``s3:ListBucket`` and ``s3:GetObject``.
    """

    def __init__(self, *, client: S3Client, uri: str) -> None:
        """``uri`` is ``s3://bucket/prefix``; a prefix without a slash at its end is read as with one."""
        self._client = client
        self._uri = uri
        self._bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self._prefix = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
        self._known: dict[_Listed, bytes | None] = {}
        """None stands for what is too large."""

    async def fingerprint(self) -> str:
        """Return a digest of keys and ETags. Raises :class:`RulesUnreadError`."""
        digest = hashlib.sha256()
        for each in await self._listed():
            digest.update(f"{each.path}\0{each.etag}\n".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    async def read(self) -> RuleTexts:
        """Read every rule file. Raises :class:`RulesUnreadError`, also where one changes while it is read."""
        listed = await self._listed()
        limit = asyncio.Semaphore(AT_ONCE)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {each: group.create_task(self._content(each, limit)) for each in listed}
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        self._known = {each: task.result() for each, task in tasks.items()}
        texts = RuleTexts([], [])
        for each, content in self._known.items():
            texts.add(each.path, content)
        if not listed:
            texts.problems.append(holds_none(self._uri))
        return texts

    async def _listed(self) -> Sequence[_Listed]:
        """List the rule files, in the order of their paths."""
        found = []
        with self._unread(self._uri):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            async for page in pages:
                for entry in page.get("Contents", ()):
                    path = entry["Key"].removeprefix(self._prefix)
                    if all(map(_is_shown, path.split("/")[:-1])) and is_rule_file(path.rpartition("/")[2]):
                        found.append(_Listed(path, entry["ETag"], entry["Size"]))
        return sorted(found)

    async def _content(self, listed: _Listed, limit: asyncio.Semaphore) -> bytes | None:
        if listed.size > MAX_RULE_FILE_BYTES:
            return None
        if listed in self._known:
            return self._known[listed]
        key = f"{self._prefix}{listed.path}"
        async with limit:
            with self._unread(f"s3://{self._bucket}/{key}"):
                answer = await self._client.get_object(Bucket=self._bucket, Key=key, IfMatch=listed.etag)
                async with answer["Body"] as body:
                    return await body.read()

    @contextmanager
    def _unread(self, what: str) -> Iterator[None]:
        try:
            yield
        except VENDOR_ERRORS as error:
            raise RulesUnreadError(what, f"cannot be read: {detail_of(error)}") from error


def _is_shown(folder: str) -> bool:
    return not folder.startswith(".")
