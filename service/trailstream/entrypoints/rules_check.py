"""``trailstream rules check DIR``: everything that is wrong with a directory of rules, at once."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from trailstream.bootstrap.rules import load_rules
from trailstream.model.errors import RulesError


def run_rules_check(options: argparse.Namespace) -> int:
    """Report notes and problems. Return 0 where every rule is usable; raise :class:`RulesError` where one is not."""
    loaded = load_rules(options.directory)
    for note in loaded.notes:
        print(f"note: {note}", file=sys.stderr)
    languages = Counter(rule.info.language for rule in loaded.rules)
    counts = ", ".join(f"{count} {language}" for language, count in sorted(languages.items())) or "none"
    print(f"{len(loaded.rules)} rules ({counts}), {len(loaded.notes)} notes, {len(loaded.problems)} problems")
    if loaded.problems:
        raise RulesError(loaded.problems)
    return 0
