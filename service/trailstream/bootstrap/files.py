"""Files that a store makes where they are missing."""

from __future__ import annotations

from pathlib import Path

from trailstream.model.problems import ConfigurationError, Problem


def file_to_make(setting: str, path: Path) -> Path:
    """Return the path. Raises :class:`ConfigurationError` with the setting's name where its directory is not there."""
    if not path.parent.is_dir():
        raise ConfigurationError([Problem(setting, f"there is no directory {path.parent}", "make it, or name another")])
    return path
