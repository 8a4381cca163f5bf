"""The rules of a door: where they are, how they come into force, and how others take their place."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from trailstream.adapters.aws import AwsClients
from trailstream.adapters.rule_directory import RuleDirectory
from trailstream.adapters.rule_prefix import RulePrefix
from trailstream.bootstrap.python_rules import open_judge, permitted
from trailstream.bootstrap.rules import compiled
from trailstream.bootstrap.windows import Windows
from trailstream.config.settings import RulesSettings
from trailstream.model.facts import Emit
from trailstream.pipeline.detections import Detections
from trailstream.pipeline.reloading import Compiled, Reloading
from trailstream.pipeline.rules_in_force import ReadyRules, RulesInForce
from trailstream.pipeline.rules_place import RulesPlace, RuleTexts
from trailstream.rules.loading import LoadedRules


@dataclass(frozen=True, slots=True)
class FirstRules:
    """The rules that a door begins with, as they were read."""

    place: RulesPlace
    fingerprint: str
    """Of the place, before it was read."""
    digest: str
    loaded: LoadedRules


async def read_rules(settings: RulesSettings, aws: AwsClients) -> FirstRules:
    """Read and compile the rules; what is wrong with them is in ``loaded.problems``.

    Raises :class:`RulesUnreadError` where a prefix of S3 cannot be read.
    """
    place = await _place(settings, aws)
    fingerprint = await place.fingerprint()
    texts = await place.read()
    return FirstRules(place, fingerprint, texts.digest, _compiled(texts, settings))


def _compiled(texts: RuleTexts, settings: RulesSettings) -> LoadedRules:
    return permitted(compiled(texts), settings.python, from_directory=isinstance(settings.directory, Path))


async def _place(settings: RulesSettings, aws: AwsClients) -> RulesPlace:
    if isinstance(settings.directory, Path):
        return RuleDirectory(settings.directory)
    return RulePrefix(client=await aws.s3(), uri=settings.directory)


@asynccontextmanager
async def open_rules(
    settings: RulesSettings, first: FirstRules, windows: Windows, *, emit: Emit
) -> AsyncIterator[tuple[RulesInForce, Reloading]]:
    """Bring the first rules into force, and make what keeps them those of their place; somebody has to run it.

    Raises :class:`RulesError` where they are not to be used.
    """

    def ready(digest: str, loaded: LoadedRules) -> ReadyRules:
        opened = partial(_opened, windows.detections(loaded), settings=settings, emit=emit)
        return ReadyRules(digest, loaded.infos, opened)

    async with RulesInForce(ready(first.digest, first.loaded)) as in_force:
        yield (
            in_force,
            Reloading(
                place=first.place,
                compile=lambda texts: Compiled(ready(texts.digest, loaded := _compiled(texts, settings)), loaded),
                in_force=in_force,
                emit=emit,
                clock=time.monotonic,
                poll_seconds=settings.reload_seconds,
                fingerprint=first.fingerprint,
            ),
        )


@asynccontextmanager
async def _opened(detections: Detections, *, settings: RulesSettings, emit: Emit) -> AsyncIterator[Detections]:
    """Start the process of the rules that are code, and end it."""
    root = settings.directory if isinstance(settings.directory, Path) else None
    async with open_judge(detections.ruleset.rules, root, settings=settings.python, emit=emit) as judge:
        yield detections.judged_by(judge)
