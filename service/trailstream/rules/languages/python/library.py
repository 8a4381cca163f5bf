"""All Python files of a rules directory as one library: under which names each is imported, and what is not there.

What is installed beside us is the one thing that ``rules`` learns from elsewhere than the files: the child runs with
the same modules, and it is the author of a rule whom a note must tell that one is not there.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import PathFinder
from pathlib import PurePosixPath

from trailstream.rules.code import OFFERED, RULE_PACKAGE, module_name
from trailstream.rules.languages.python.sources import Source, imported_names


def modules_of(sources: Mapping[str, Source], helpers: Mapping[str, str], rule_paths: frozenset[str]) -> dict[str, str]:
    """Return the path of each file by every name that it is imported under.

    That is its path below the rules directory, with dots; its own name; and what ``helpers`` calls it (a GlobalID).
    Where several have one name, a helper comes before a rule. The names of the standard library and of what the child
    offers are their own.
    """
    modules = {name: path for path in sources if (name := module_name(path))}
    for name, path in helpers.items():
        modules.setdefault(name, path)
        modules.setdefault(sources[path].stem, path)
    for path in sorted(sources, key=lambda path: (path in rule_paths, path)):
        modules.setdefault(sources[path].stem, path)
    return {name: path for name, path in modules.items() if _root(name) not in sys.stdlib_module_names | OFFERED}


def needed_by(path: str, sources: Mapping[str, Source], modules: Mapping[str, str]) -> frozenset[str]:
    """Return the files that a file leans on, itself among them."""
    found: set[str] = set()
    pending = [path]
    while pending:
        path = pending.pop()
        if path not in found and path in sources:
            found.add(path)
            pending += [modules[name] for name in imported_names(sources[path]) if name in modules]
    return frozenset(found)


def reached_from(paths: Iterable[str], sources: Mapping[str, Source], modules: Mapping[str, str]) -> frozenset[str]:
    """Return the files that may run if some do: all that they import in whatever way, whether or not it is needed."""
    places = {name: path for path in sources if (name := module_name(path))} | dict(modules)
    found: set[str] = set()
    pending = list(paths)
    while pending:
        path = pending.pop()
        if path not in found and path in sources:
            found.add(path)
            pending += [places[name] for name in _mentioned_names(sources[path]) if name in places]
    return frozenset(found)


def _mentioned_names(source: Source) -> Iterator[str]:
    """Yield the names of the modules that a file may import anywhere, and of the packages that they are in."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case ast.ImportFrom(module=module, level=level, names=names):
                folders = PurePosixPath(source.path).parts[:-level] if level else ()
                base = ".".join((*folders, *([module] if module else [])))
                found = [base, *(f"{base}.{alias.name}" if base else alias.name for alias in names)]
            case _:
                continue
        for name in found:
            parts = name.removeprefix(f"{RULE_PACKAGE}.").split(".")
            yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def missing_from(source: Source, modules: Mapping[str, str]) -> frozenset[str]:
    """Return the names, without what is below them, of modules that a file imports and that are not installed."""
    own = {_root(name) for name in modules} | OFFERED | sys.stdlib_module_names
    roots = set(map(_root, imported_names(source)))
    return frozenset(root for root in roots - own if not _is_installed(root))


def passed_over_by(source: Source, sources: Mapping[str, Source], modules: Mapping[str, str]) -> Iterator[str]:
    """Yield what is to be told of the files beside a file that it does not get although it imports their names."""
    folder = PurePosixPath(source.path).parent
    for name in sorted(frozenset(imported_names(source)) & modules.keys()):
        below = folder.joinpath(*name.split("."))
        for beside in (f"{below}.py", f"{below}/__init__.py"):
            if beside in sources and beside != modules[name]:
                yield f"{name} is {modules[name]}, not {beside} beside it; give one of them another name"


def _is_installed(root: str) -> bool:
    # Looks for a file of that name where Python would; nothing is imported.
    return root in sys.modules or PathFinder.find_spec(root) is not None


def _root(name: str) -> str:
    return name.partition(".")[0]
