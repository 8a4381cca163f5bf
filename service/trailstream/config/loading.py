"""The environment and one TOML file -> settings, with every problem reported at once."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_settings import SettingsError

from trailstream.config.section import is_table, parts_of, section_of
from trailstream.config.settings import ENV_PREFIX, Settings, WorkerSettings
from trailstream.model.problems import ConfigurationError, Problem

CONFIG_PATH_VARIABLE = "TRAILSTREAM_CONFIG"
"""Names the file for an entrance without a command line (Lambda)."""

FAILPOINT_VARIABLE = "TRAILSTREAM_FAILPOINT"
"""Ends or stalls the worker at a named step, in tests; see :mod:`trailstream.bootstrap.failpoints`."""

S = TypeVar("S", bound=Settings)
V = TypeVar("V")


def load_settings(kind: type[S], path: Path | None) -> S:
    """Read the file, if there is one, and the environment.

    Raises :class:`ConfigurationError` with every problem, each with its setting's name and what to do about it.
    """
    problems = list(_unknown_variables(kind))
    document: dict[str, Any] | None = {}
    if path is not None:
        document = _read_file(path, problems)
    if document is not None:
        try:
            settings = kind(**document)
        except ValidationError as error:
            problems += [_problem(kind, detail) for detail in error.errors(include_url=False)]
        except SettingsError as error:
            problems.append(
                Problem("environment", str(error), 'lists and tables are written as JSON: ["111122223333"]')
            )
        else:
            if not problems:
                return _resolved(settings, path.parent if path else Path())
    raise ConfigurationError(problems)


def _read_file(path: Path, problems: list[Problem]) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(Problem(str(path), f"cannot be read: {error.strerror}", "name the file with --config"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(Problem(str(path), f"is not TOML: {error}"))
    return None


def config_path_from_environment() -> Path | None:
    """Return the file that ``TRAILSTREAM_CONFIG`` names."""
    name = os.environ.get(CONFIG_PATH_VARIABLE)
    return Path(name) if name else None


def ecs_agent_from_environment() -> str | None:
    """Return where the agent of the ECS task is that we run in, which ECS itself says."""
    return os.environ.get("ECS_AGENT_URI") or None


def failpoint_from_environment() -> str | None:
    """Return what ``TRAILSTREAM_FAILPOINT`` asks for."""
    return os.environ.get(FAILPOINT_VARIABLE) or None


def environment_for_rules() -> dict[str, str]:
    """Return what rules that are Python code may see of our environment: nothing that opens any door."""
    return {name: os.environ[name] for name in ("LANG", "LC_ALL", "PATH", "TMPDIR", "TZ") if name in os.environ}


def _resolved(value: V, folder: Path) -> V:
    """Make every relative path below a setting mean the same, wherever the process was started."""
    match value:
        case Path():
            return folder / value
        case BaseModel():
            return value.model_copy(update={name: _resolved(each, folder) for name, each in value})
        case _:
            return value


def _unknown_variables(kind: type[Settings]) -> Iterator[Problem]:
    # pydantic-settings passes over what it does not know, and a misspelt variable would be a setting that never was.
    known = {CONFIG_PATH_VARIABLE} | ({FAILPOINT_VARIABLE} if issubclass(kind, WorkerSettings) else set())
    for name in sorted(os.environ):
        section = name.removeprefix(ENV_PREFIX).partition("__")[0].lower()
        if name.startswith(ENV_PREFIX) and name not in known and section not in kind.model_fields:
            yield Problem(name, "no such setting", _did_you_mean(section, kind.model_fields) or "unset it")


def _problem(kind: type[Settings], detail: Mapping[str, Any]) -> Problem:
    location = [str(part) for part in detail["loc"]]
    where = ".".join(location)
    section = _section_at(kind, location)
    match detail["type"]:
        case "missing":
            return Problem(where, "is required", _how_to_set(kind, location))
        case "extra_forbidden":
            outer = _section_at(kind, location[:-1])
            known = sorted(outer.model_fields) if outer else []
            return Problem(where, "no such setting", _did_you_mean(location[-1], known) or f"known: {', '.join(known)}")
        case _:
            given = "" if isinstance(detail["input"], dict) else f", not {detail['input']!r}"
            is_there = section is None or (isinstance(detail["input"], dict) and not parts_of(section))
            remedy = f"in the file, or {_variable(kind, location)}" if is_there else _how_to_set(kind, location)
            return Problem(where, detail["msg"].removeprefix("Value error, ") + given, remedy)


def _how_to_set(kind: type[BaseModel], location: list[str]) -> str:
    """Say what to write for a setting, or for a section to be there: of a section of sections, one is enough."""
    section = _section_at(kind, location)
    if section is not None:
        if parts := parts_of(section):
            return "; or ".join(_how_to_set(kind, [*location, part]) for part in parts)
        required = (name for name, field in section.model_fields.items() if field.is_required())
        location = [*location, next(required, next(iter(section.model_fields)))]
    *outer, name = location
    return f"set `{name}` under [{'.'.join(outer)}] in the file, or {_variable(kind, location)}"


def _variable(kind: type[BaseModel], location: list[str]) -> str:
    """Name the variable of a setting. A table whose names are people's own, as that of buckets, is one variable."""
    tables = [is_table(annotation) for annotation in _annotations(kind, location)]
    depth = tables.index(True) + 1 if True in tables else None
    return ENV_PREFIX + "__".join(location[:depth]).upper() + (" as JSON" if depth else "")


def _section_at(kind: type[BaseModel], location: list[str]) -> type[BaseModel] | None:
    return section_of([kind, *_annotations(kind, location)][-1])


def _annotations(kind: type[BaseModel], location: list[str]) -> Iterator[Any]:
    """Yield the type at each step of a location: of a setting, a section or a table; None beyond what is known."""
    found: Any = kind
    for name in location:
        section = section_of(found)
        if section is not None:
            field = section.model_fields.get(name)
            found = field.annotation if field else None
        else:
            found = get_args(found)[1] if is_table(found) else None
        yield found


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]}?" if close else ""
