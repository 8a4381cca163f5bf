"""How rules import: each other by name, what they expect to be installed, and what is not installed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib.abc import InspectLoader, Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from trailstream.rules.code import RULE_PACKAGE, module_name


class RuleFinder(MetaPathFinder):
    """Finds the files of a rules directory: below our package by their paths, and by the names that rules use."""

    def __init__(self, root: str, sources: Mapping[str, str], modules: Mapping[str, str]) -> None:
        """``modules`` says which file is meant by each name; ``root`` is where the directory is, if it is on disk."""
        self._root = root
        self._sources = sources
        self._named = modules
        self._own = {f"{RULE_PACKAGE}.{module_name(path)}": path for path in sources}
        self._packages = {
            name[:end] for name in (*self._own, *self._named) for end, character in enumerate(name) if character == "."
        }

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        """Find one of our files, or a folder of them."""
        found = self._own.get(fullname) or self._named.get(fullname)
        is_package = fullname in self._packages or (found is not None and Path(found).name == "__init__.py")
        if found is None and not is_package:
            return None
        loader = None if found is None else _SourceLoader(found, self._root, self._sources[found])
        spec = spec_from_loader(
            fullname, loader, origin=None if loader is None else loader.get_filename(), is_package=is_package
        )
        if spec is not None and is_package:
            spec.submodule_search_locations = []
        return spec


class _SourceLoader(InspectLoader):
    """Runs a file from its text, as it was when the rules were read."""

    def __init__(self, path: str, root: str, text: str) -> None:
        self._path = path
        self._root = root
        self._text = text

    def get_filename(self, _fullname: str = "") -> str:
        return str(Path(self._root, self._path)) if self._root else self._path

    def get_source(self, fullname: str) -> str:  # noqa: ARG002 -- tracebacks ask by name
        return self._text

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = self.get_filename()
        code = compile(self._text, module.__file__, "exec", dont_inherit=True)  # with its own __future__, not ours
        exec(code, module.__dict__)  # noqa: S102 -- what this process is for


class MissingFinder(MetaPathFinder):
    """Finds, after all others, what is known not to be installed: what calls it fails, what only names it does not.

    So a library of helpers can be imported for the one of them that needs nothing more.
    """

    def __init__(self, missing: Iterable[str]) -> None:
        """``missing`` are top-level names."""
        self._missing = frozenset(missing)

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        """Find a name at or below a missing module."""
        if fullname.partition(".")[0] not in self._missing:
            return None
        return spec_from_loader(fullname, _MissingLoader(), is_package=True)


class _MissingLoader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _MissingModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


class _MissingModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Missing(f"{self.__name__}.{name}")


class _Missing:
    """Something of a module that is not installed."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Missing(f"{self._name}.{name}")

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        module = self._name.partition(".")[0]
        raise ModuleNotFoundError(f"{self._name} is called, but {module} is not installed", name=module)

    def __mro_entries__(self, _: Any) -> NoReturn:
        self()

    def __or__(self, other: Any) -> Any:  # an annotation: ``Table | None``
        return self

    __ror__ = __or__


def install(root: str, sources: Mapping[str, str], modules: Mapping[str, str], missing: Iterable[str]) -> None:
    """Let what is imported from now on find the rules first, and what is missing last."""
    sys.meta_path.insert(0, RuleFinder(root, sources, modules))
    sys.meta_path.append(MissingFinder(missing))
