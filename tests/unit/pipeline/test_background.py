from __future__ import annotations

import asyncio

import pytest

from trailstream.pipeline.background import in_background


async def test_the_work_goes_on_while_the_block_runs_and_has_ended_after_it() -> None:
    steps: list[str] = []

    async def work() -> None:
        try:
            while True:
                steps.append("step")
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0)
            steps.append("tidied up")

    async with in_background(work(), name="steps"):
        for _ in range(3):
            await asyncio.sleep(0)
        assert "steps" in {task.get_name() for task in asyncio.all_tasks()}
    assert steps == ["step", "step", "step", "tidied up"]


async def test_what_the_work_raised_is_raised_at_the_blocks_end() -> None:
    reached: list[str] = []

    async def work() -> None:
        raise ZeroDivisionError

    async def block() -> None:
        async with in_background(work(), name="buggy"):
            await asyncio.sleep(0)
            reached.append("the end of the block")

    with pytest.raises(ZeroDivisionError):
        await block()
    assert reached == ["the end of the block"]


async def test_what_the_block_raises_passes_and_ends_the_work() -> None:
    async def work() -> None:
        await asyncio.sleep(3600)

    with pytest.raises(ZeroDivisionError):
        async with in_background(work(), name="waiting"):
            raise ZeroDivisionError
    assert asyncio.all_tasks() == {asyncio.current_task()}
