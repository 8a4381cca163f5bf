"""The listing of a bucket: every page, in order, a page ahead, and no page of what is leapt over."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from urllib.parse import quote_plus

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from trailstream.adapters.s3_listing import PassOver, S3Listing
from trailstream.model.delivery import ObjectRef
from trailstream.model.errors import (
    ObjectDeniedError,
    ObjectMissingError,
    ObjectUnavailableError,
    TrailstreamError,
)


@dataclass
class FakePages:
    """A bucket as ListObjectsV2 shows it: sorted by UTF-8, keys encoded as forms are."""

    keys: Sequence[str]
    page: int = 3
    asked: list[str] = field(default_factory=list)
    """What each page was to begin behind."""
    fails_at: int | None = None
    code: str = "SlowDown"

    async def list_objects(self, _bucket: str, *, prefix: str, start_after: str) -> str:
        self.asked.append(start_after)
        if self.fails_at == len(self.asked):
            raise ClientError({"Error": {"Code": self.code, "Message": "m"}}, "ListObjectsV2")
        behind = [key for key in self._sorted() if key.startswith(prefix) and key.encode() > start_after.encode()]
        contents = "".join(
            f"<Contents><Key>{quote_plus(key, safe='/')}</Key><Size>{len(key)}</Size></Contents>"
            for key in behind[: self.page]
        )
        more = str(len(behind) > self.page).lower()
        return f"<ListBucketResult><IsTruncated>{more}</IsTruncated>{contents}</ListBucketResult>"

    def _sorted(self) -> list[str]:
        return sorted(set(self.keys), key=str.encode)


def everything(_ref: ObjectRef) -> str | None:
    return None


async def listed(pages: FakePages, prefix: str = "", pass_over: PassOver = everything) -> list[str]:
    return [ref.key async for ref in S3Listing(client=pages).objects("b", prefix, pass_over=pass_over)]


async def test_every_page_is_listed_with_the_size_and_the_real_name_of_each_object() -> None:
    keys = [f"a/{number:02} é+&<" for number in range(10)]
    pages = FakePages([*keys, "b"])
    refs = [ref async for ref in S3Listing(client=pages).objects("b", "a/", pass_over=everything)]
    assert [(ref.key, ref.size) for ref in refs] == [(key, len(key)) for key in keys]
    assert pages.asked == ["", keys[2], keys[5], keys[8]]


async def test_a_leap_asks_for_no_page_of_what_is_between() -> None:
    pages = FakePages([*(f"a{number:03}" for number in range(500)), "b", "c"])
    assert await listed(pages, pass_over=lambda ref: "a~" if ref.key.startswith("a") else None) == ["b", "c"]
    assert pages.asked == ["", "a~"]


async def test_a_leap_within_a_page_passes_over_the_rest_of_it_up_to_there() -> None:
    pages = FakePages(["a", "b", "c", "d"], page=10)
    assert await listed(pages, pass_over=lambda ref: "b~" if ref.key == "a" else None) == ["c", "d"]


@given(st.sets(st.text("abc/~é\U0001f600", min_size=1, max_size=6), min_size=1), st.integers(1, 4), st.data())
async def test_what_is_listed_is_what_is_wanted_whatever_the_pages_and_the_leaps(
    keys: set[str], page: int, data: st.DataObject
) -> None:
    leaps = {
        start: max(start, end) for start, end in data.draw(st.lists(st.tuples(*[st.sampled_from(sorted(keys))] * 2)))
    }
    wanted, behind = [], ""
    for key in sorted(keys):
        if key > behind:
            behind = leaps.get(key, key)
            wanted += [key] if key not in leaps else []
    assert await listed(FakePages(list(keys), page=page), pass_over=lambda ref: leaps.get(ref.key)) == wanted


async def test_a_prefix_of_nothing_is_missing_and_a_prefix_of_nothing_that_is_wanted_is_not() -> None:
    with pytest.raises(ObjectMissingError, match=r"s3://b/x/: .*nothing that begins with it"):
        await listed(FakePages(["a"]), "x/")
    assert await listed(FakePages(["a", "b"]), pass_over=lambda ref: ref.key) == []


@pytest.mark.parametrize(
    ("code", "kind"),
    [("AccessDenied", ObjectDeniedError), ("NoSuchBucket", ObjectMissingError), ("SlowDown", ObjectUnavailableError)],
)
async def test_a_page_that_fails_is_one_of_our_errors_behind_what_was_listed_before(
    code: str, kind: type[TrailstreamError]
) -> None:
    pages = FakePages([f"a{number}" for number in range(7)], fails_at=2, code=code)
    got: list[str] = []

    async def take() -> None:
        async for ref in S3Listing(client=pages).objects("b", "a", pass_over=everything):
            got.append(ref.key)  # noqa: PERF401 -- what came before the error is to be kept

    with pytest.raises(kind, match="s3://b/a: listing"):
        await take()
    assert got == ["a0", "a1", "a2"]


async def test_whoever_leaves_early_leaves_nothing_running() -> None:
    pages = FakePages([f"a{number}" for number in range(7)], fails_at=2)
    async with aclosing(S3Listing(client=pages).objects("b", "a", pass_over=everything)) as refs:
        assert (await anext(refs)).key == "a0"
