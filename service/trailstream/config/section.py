"""What every table of the settings is, and how the type of a setting is read."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the file: nothing unknown, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def section_of(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a setting is, or may be; None where it is a value, or a table."""
    candidates = [annotation] if is_table(annotation) else [annotation, *get_args(annotation)]
    return next((each for each in candidates if isinstance(each, type) and issubclass(each, BaseModel)), None)


def is_table(annotation: Any) -> bool:
    """Say whether a setting is a table whose names are people's own, as that of buckets is."""
    return get_origin(annotation) is dict


def parts_of(section: type[BaseModel]) -> list[str]:
    """Return the names of the settings of a section that are sections themselves."""
    return [name for name, field in section.model_fields.items() if section_of(field.annotation)]
