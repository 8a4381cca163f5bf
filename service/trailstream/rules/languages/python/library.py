"""All Python files of a rules directory as one library: under which names each is imported, and what is not there.

What is installed beside us is the one thing that ``rules`` learns from elsewhere than the files: the child runs with
the same modules, and it is the author of a rule whom a note must tell that one is not there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.machinery import PathFinder

from trailstream.rules.code import OFFERED, module_name
from trailstream.rules.languages.python.sources import Source, imported_names


def modules_of(sources: Mapping[str, Source], helpers: Mapping[str, str], rule_paths: frozenset[str]) -> dict[str, str]:
    """Return the path of each file by every name that it is imported under.

    That is its path below the rules directory, with dots; its own name; and what ``helpers`` calls it (a GlobalID).
    Where several have one name, a helper comes before a rule. The standard library's names are its own.
    """
    modules = {name: path for path in sources if (name := module_name(path))}
    for name, path in helpers.items():
        modules.setdefault(name, path)
        modules.setdefault(sources[path].stem, path)
    for path in sorted(sources, key=lambda path: (path in rule_paths, path)):
        modules.setdefault(sources[path].stem, path)
    return {name: path for name, path in modules.items() if _root(name) not in sys.stdlib_module_names}


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


def missing_from(source: Source, modules: Mapping[str, str]) -> frozenset[str]:
    """Return the names, without what is below them, of modules that a file imports and that are not installed."""
    own = {_root(name) for name in modules} | OFFERED | sys.stdlib_module_names
    roots = set(map(_root, imported_names(source)))
    return frozenset(root for root in roots - own if not _is_installed(root))


def _is_installed(root: str) -> bool:
    # Looks for a file of that name where Python would; nothing is imported.
    return root in sys.modules or PathFinder.find_spec(root) is not None


def _root(name: str) -> str:
    return name.partition(".")[0]
