"""Modules that rules expect of Panther: the same names, our code."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from trailstream.adapters.python_rules.child import containers, store
from trailstream.adapters.python_rules.child.event import PantherError, PantherEvent


def wrap(*_: Any, **__: Any) -> Any:
    """Return a decorator that measures nothing."""
    return lambda function: function


def is_mock(function: Any) -> bool:
    """Say whether a test has put something in the place of a function."""
    mock = sys.modules.get("unittest.mock")
    return mock is not None and isinstance(function, mock.MagicMock)


_IMMUTABLE = {
    name: getattr(containers, name)
    for name in ("ImmutableCaseInsensitiveDict", "ImmutableContainerMixin", "ImmutableList")
} | {"json_encoder": containers.plain}

_STORE = {name: value for name, value in vars(store).items() if callable(value) and not name.startswith("_")}

_MODULES: dict[str, dict[str, Any]] = {
    "panther_core": {"PantherEvent": PantherEvent},
    "panther_core.enriched_event": {"PantherEvent": PantherEvent},
    "panther_core.immutable": _IMMUTABLE,
    "panther_core.exceptions": {"PantherError": PantherError},
    "panther_detection_helpers": {},
    "panther_detection_helpers.caching": _STORE,
    "panther_detection_helpers.mocking": {"is_mock": is_mock},
    "panther_detection_helpers.monitoring": {"wrap": wrap},
}


def install() -> None:
    """Put the modules where an import finds them, in the place of any that are installed."""
    for name, contents in _MODULES.items():
        module = ModuleType(name, "What rules expect of Panther, by trailstream.")
        module.__path__ = []
        vars(module).update(contents)
        sys.modules[name] = module
        parent, _, last = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], last, module)
