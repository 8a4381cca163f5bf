"""What the file says, where the environment does not say otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_settings import InitSettingsSource

from trailstream.config.section import is_table, section_of


class FileSource(InitSettingsSource):
    """The file's settings, behind those of the environment.

    pydantic-settings merges what two sources say name by name. For a section that is right. A table whose names are
    people's own is one setting: merged, a list of what is allowed could be made longer by the environment, and never
    shorter. So where the environment has entries for such a table, the file has none; an empty one says nothing.
    """

    def __call__(self) -> dict[str, Any]:
        """Return the file's settings; the environment was asked before."""
        return _behind(self.current_state, super().__call__(), self.settings_cls)


def _behind(environment: Mapping[str, Any], file: Mapping[str, Any], section: type[BaseModel]) -> dict[str, Any]:
    kept = dict(file)
    for name in file.keys() & environment.keys() & section.model_fields.keys():
        annotation, given = section.model_fields[name].annotation, environment[name]
        inner = section_of(annotation)
        if is_table(annotation) and given:
            del kept[name]
        elif inner is not None and isinstance(given, Mapping) and isinstance(file[name], Mapping):
            kept[name] = _behind(given, file[name], inner)
    return kept
