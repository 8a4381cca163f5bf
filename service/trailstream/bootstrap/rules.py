"""A directory of rules -> a ruleset. Apart from the service, so that the tools for rules load nothing of AWS's."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from trailstream.adapters.rule_directory import read_rule_directory
from trailstream.adapters.windows.memory import MemoryWindows
from trailstream.model.counting import SightingsDropped
from trailstream.model.facts import Emit
from trailstream.model.problems import Problem, RulesError
from trailstream.pipeline.counting import Counting, CountingSettings
from trailstream.pipeline.detections import Detections
from trailstream.pipeline.ports import WindowStore
from trailstream.pipeline.rules_place import RuleTexts
from trailstream.rules.loading import LoadedRules, load
from trailstream.rules.rule import Note
from trailstream.rules.ruleset import Ruleset

DEFAULT_COUNTING = CountingSettings()


def load_rules(directory: Path) -> LoadedRules:
    """Read and compile every rule below the directory; what is wrong is in ``problems``."""
    return compiled(read_rule_directory(directory))


def compiled(texts: RuleTexts) -> LoadedRules:
    """Compile rule files as they were read."""
    loaded = load(texts.files)
    # A project keeps catalogues and indexes beside its rules; what of them cannot be read is nobody's loss.
    passed_over = [each for each in texts.problems if loaded.is_project and each.where.endswith(".json")]
    unread = [each for each in texts.problems if each not in passed_over]
    notes = [Note(each.where, f"passed over: {each.what}") for each in passed_over]
    return replace(loaded, problems=[*unread, *loaded.problems], notes=[*notes, *loaded.notes])


def usable_ruleset(loaded: LoadedRules, *, skip_broken: bool) -> Ruleset:
    """Return the sound rules behind their index. Raises :class:`RulesError` where they are not to be used alone."""
    if loaded.problems and not skip_broken:
        raise RulesError(list(loaded.problems))
    if not loaded.rules:
        what = "none can be evaluated, so nothing would ever be alerted"
        raise RulesError([*loaded.problems, Problem("rules", what, "see `trailstream rules check`")])
    return Ruleset(loaded.rules)


def detections_of(
    loaded: LoadedRules,
    windows: WindowStore | None = None,
    *,
    skip_broken: bool,
    settings: CountingSettings = DEFAULT_COUNTING,
    emit: Emit = lambda _fact: None,
) -> Detections:
    """Return the sound rules, ready to make alerts of what they find.

    What they count over time is kept in ``windows``; without one, in memory, for input that is read once. Raises
    :class:`RulesError` where the rules are not to be used alone.
    """
    ruleset = usable_ruleset(loaded, skip_broken=skip_broken)
    if not loaded.counts_over_time:
        return Detections(ruleset)
    counting = Counting(
        loaded.rules,
        loaded.correlations,
        store=MemoryWindows(on_forgotten=lambda rule_id: emit(SightingsDropped(rule_id, "forgotten", 1)))
        if windows is None
        else windows,
        settings=settings,
        emit=emit,
        clock=time.time,
    )
    return Detections(ruleset, counting)
