"""The rule languages. To add one, write a module beside these and add it to the table."""

from __future__ import annotations

from trailstream.rules.languages import sigma
from trailstream.rules.languages.event_pattern import rule_file as event_pattern
from trailstream.rules.languages.filter_pattern import rule_file as filter_pattern
from trailstream.rules.languages.language import Compiled, Language, RuleFile, one_by_one
from trailstream.rules.languages.python import rule_file as python

LANGUAGES: tuple[Language, ...] = (
    Language(sigma.NAME, sigma.claims, sigma.compile_files),
    Language(python.NAME, python.claims, python.compile_files, suffix=python.SUFFIX, is_of_project=python.is_described),
    Language(
        filter_pattern.NAME,
        filter_pattern.claims,
        one_by_one(filter_pattern.compile_file),
        reads_text=filter_pattern.reads_text,
    ),
    Language(
        event_pattern.NAME,
        event_pattern.claims,
        one_by_one(event_pattern.compile_file),
        has_part_in=event_pattern.holds_patterns,
    ),
)
"""Every language, in the order in which they are asked whether a file is theirs: the first that says so has it.

One that knows its files by keys of its own stands before one that takes what looks like its own. Event patterns are
last: any mapping that ends in lists may be one.
"""

__all__ = ["LANGUAGES", "Compiled", "Language", "RuleFile"]
