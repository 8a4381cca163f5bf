"""Rule files -> rules: everything that is wrong or worth knowing is said at once, and no file hides another."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from trailstream.model.alert import RuleInfo
from trailstream.model.problems import Problem
from trailstream.rules.correlation import Correlation
from trailstream.rules.documents import Document, DocumentError, documents
from trailstream.rules.embedded_tests import rule_path_of, with_tests
from trailstream.rules.languages import LANGUAGES
from trailstream.rules.languages.deployments import says_that_there_is_nothing
from trailstream.rules.languages.language import Compiled, Language, RuleFile
from trailstream.rules.rule import Note, Rule, RuleSyntaxError

JSON = ".json"
TEXT_SUFFIXES = frozenset(language.suffix for language in LANGUAGES if language.suffix)
"""What the names of files end in that are neither YAML nor JSON."""
SUFFIXES = TEXT_SUFFIXES | {".yaml", ".yml", JSON}
"""What the names of rule files end in; every other file of a rules directory is passed over."""


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """What a set of files holds."""

    rules: list[Rule] = field(default_factory=list)
    correlations: list[Correlation] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    """What is broken. The rules beside them are whole, and may be used without them."""
    notes: list[Note] = field(default_factory=list)
    """What is not evaluated, and why; and what was loaded otherwise than it may seem."""
    is_project: bool = False
    """Whether the rules are part of a project, in which files lie about that are no rules: those are notes then."""

    @property
    def infos(self) -> list[RuleInfo]:
        """What all rules say of themselves, correlations included."""
        return [*(rule.info for rule in self.rules), *(correlation.info for correlation in self.correlations)]

    @property
    def counts_over_time(self) -> bool:
        """Whether any rule looks at more than one record."""
        return bool(self.correlations) or any(rule.info.shaping.period_seconds is not None for rule in self.rules)

    def only(self, paths: Collection[str]) -> LoadedRules:
        """Return what these files hold, with what their correlations wait for, which does not alert for itself."""
        waited_for = self._waited_for([each for each in self.correlations if each.info.path in paths])
        return replace(
            self,
            rules=[
                rule if rule.info.path in paths else replace(rule, alerts=False)
                for rule in self.rules
                if rule.info.path in paths or rule.info.id in waited_for
            ],
            correlations=[
                each if each.info.path in paths else replace(each, alerts=False)
                for each in self.correlations
                if each.info.path in paths or each.info.id in waited_for
            ],
            problems=[each for each in self.problems if each.where.rpartition(":")[0] in paths or each.where in paths],
            notes=[note for note in self.notes if note.path in paths],
        )

    def _waited_for(self, correlations: Iterable[Correlation]) -> set[str]:
        """Return the ids of all that these correlations wait for, however many others are between."""
        found: set[str] = set()
        pending = list(correlations)
        while pending:
            wanted = {source.rule_id for source in pending.pop().sources} - found
            found |= wanted
            pending += [each for each in self.correlations if each.info.id in wanted]
        return found


def load(files: Iterable[tuple[str, str]]) -> LoadedRules:
    """Compile (relative path, text) pairs. Never raises for what stands in them."""
    loaded = LoadedRules()
    strangers: list[Problem] = []
    read: list[RuleFile] = []
    tests: dict[str, RuleFile] = {}
    for path, text in files:
        if (file := _read(path, text, loaded, strangers)) is not None and (of := rule_path_of(path)) is not None:
            tests[of] = file
        elif file is not None:
            read.append(file)
    compiled = _compiled(read, strangers)
    is_project = any(language.is_of_project(file) for language in LANGUAGES for file in read)
    if is_project:
        loaded.notes.extend(Note(each.where, f"passed over: {each.what}") for each in strangers)
    else:
        loaded.problems.extend(strangers)
    seen: dict[str, tuple[RuleInfo, str]] = {}
    for file in read:
        if file.path in compiled:
            stem = str(PurePosixPath(file.path).with_suffix(""))
            beside = tests.pop(stem, None) if compiled[file.path].rules or compiled[file.path].correlations else None
            _take(_tested(compiled[file.path], file, beside), file, seen, loaded)
    loaded.notes.extend(Note(file.path, "there is no rule file that these tests are of") for file in tests.values())
    return replace(loaded, is_project=is_project)


def _compiled(files: Sequence[RuleFile], strangers: list[Problem]) -> dict[str, Compiled]:
    """Compile each file in its languages, by its path."""
    claimed: dict[str, list[RuleFile]] = {}
    for file in files:
        for language in _languages_of(file, strangers):
            claimed.setdefault(language.name, []).append(file)
    compiled: dict[str, Compiled] = {}
    for language in LANGUAGES:
        its_files = claimed.get(language.name, [])
        results = language.compile(its_files)
        for file, result in zip(its_files, results, strict=True):
            compiled[file.path] = _joined(compiled[file.path], result) if file.path in compiled else result
    return compiled


def _tested(compiled: Compiled, file: RuleFile, beside: RuleFile | None) -> Compiled:
    """Return what a file was compiled to with the tests that stand in it and beside it."""
    notes: list[str] = []
    own, others = ([document.value for document in each.documents] if each else [] for each in (file, beside))
    rules = with_tests(compiled.rules, compiled.correlations, own, others, notes)
    return replace(compiled, rules=rules, notes=[*compiled.notes, *notes])


def _read(path: str, text: str, loaded: LoadedRules, strangers: list[Problem]) -> RuleFile | None:
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in TEXT_SUFFIXES or any(language.reads_text(text) for language in LANGUAGES):
        lines = text.count("\n") + 1
        return RuleFile(path, [Document(text, {(): 1} | {(number,): number for number in range(1, lines + 1)})])
    try:
        found = documents(text, is_json=suffix == JSON)
    except DocumentError as error:
        loaded.problems.append(Problem(f"{path}:{error.line}", error.what, error.remedy))
        return None
    if not found or all(document.value is None for document in found):
        strangers.append(Problem(f"{path}:1", "the file is empty", "write a rule in it, or remove it"))
        return None
    if all(says_that_there_is_nothing(document.value) for document in found):
        loaded.notes.append(Note(path, "holds no rule: there was none where it was written"))
        return None
    return RuleFile(path, found)


def _languages_of(file: RuleFile, strangers: list[Problem]) -> list[Language]:
    """Return the language that claims the file, and those that have a part in it."""
    first = next((language for language in LANGUAGES if language.claims(file)), None)
    if first is None:
        tried = ", ".join(language.name for language in LANGUAGES)
        strangers.append(
            Problem(f"{file.path}:1", f"no rule language knows these keys; tried {tried}", "see docs/rules.md")
        )
        return []
    return [first, *(language for language in LANGUAGES if language is not first and language.has_part_in(file))]


def _joined(one: Compiled, other: Compiled) -> Compiled:
    """Join what two languages made of one file; a rule of the second that is called like one of the first says so."""
    taken = {rule.info.id for rule in one.rules}
    rules = [
        replace(rule, info=replace(rule.info, id=f"{rule.info.id}#{rule.info.language}"))
        if rule.info.id in taken
        else rule
        for rule in other.rules
    ]
    return Compiled(
        [*one.rules, *rules],
        [*one.correlations, *other.correlations],
        [*one.problems, *other.problems],
        [*one.notes, *other.notes],
        one.is_part or other.is_part,
    )


def _take(compiled: Compiled, file: RuleFile, seen: dict[str, tuple[RuleInfo, str]], loaded: LoadedRules) -> None:
    loaded.problems.extend(_located(error, file) for error in compiled.problems)
    loaded.notes.extend(Note(file.path, note) for note in compiled.notes)
    if not (compiled.rules or compiled.correlations or compiled.problems or compiled.notes or compiled.is_part):
        loaded.problems.append(Problem(f"{file.path}:1", "the file holds no rule", "write one in it, or remove it"))
    loaded.rules.extend(rule for rule in compiled.rules if _is_new(rule.info, file, seen, loaded))
    loaded.correlations.extend(each for each in compiled.correlations if _is_new(each.info, file, seen, loaded))


def _located(error: RuleSyntaxError, file: RuleFile) -> Problem:
    if error.document is not None:
        where = file.documents[error.document]
    else:
        where = next((document for document in file.documents if error.at in document.lines), file.documents[0])
    return Problem(f"{file.path}:{where.line_of(error.at)}", error.what, error.remedy)


def _documents_of(info: RuleInfo, file: RuleFile) -> Sequence[Document]:
    """Return the document that says the rule's id, or all of the file where none does, or more than one."""
    own = [each for each in file.documents if isinstance(each.value, dict) and _says(each.value.get("id"), info.id)]
    return own if len(own) == 1 else file.documents


def _says(written: object, rule_id: str) -> bool:
    return str(written).lower() == rule_id.lower()


def _is_new(info: RuleInfo, file: RuleFile, seen: dict[str, tuple[RuleInfo, str]], loaded: LoadedRules) -> bool:
    documents = _documents_of(info, file)
    content = json.dumps([document.value for document in documents], sort_keys=True)  # values, not how they are written
    first, first_content = seen.setdefault(info.id, (info, content))
    if first is info:
        return True
    if first_content == content and first.path != info.path:
        which = "" if len(documents) == len(file.documents) else f" ({info.title})"
        note = Note(info.path, f"the same as {first.path}; loaded once{which}")
        if loaded.notes[-1:] != [note]:  # a file of several rules says it once
            loaded.notes.append(note)
        return False
    loaded.problems.append(
        Problem(
            f"{info.path}:{documents[0].line_of(('id',))}",
            f'the id "{info.id}" is also that of {first.path}, which says something else',
            "give each rule an id of its own",
        )
    )
    return False
