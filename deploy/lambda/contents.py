"""What of the locked libraries belongs into the package: what the handler loads, and what says whose work it is."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

NEVER_LOADED = frozenset(
    {
        *("uvloop", "prometheus-client"),  # the worker's: Lambda brings its own loop, and nobody can scrape it
        *("rich", "pygments", "markdown-it-py", "mdurl"),  # the command line's
        # pySigma's plug-ins, catalogues of tactics and transformations by jq
        *("charset-normalizer", "diskcache", "diskcache-stubs", "jq", "packaging", "requests"),
        "types-pyyaml",
    }
)
"""Locked distributions that stay out. Whatever is not named here goes in: one too many costs less than one missing."""

SERVICES = frozenset({"dynamodb", "s3", "sns", "sqs", "sts"})
"""The services that botocore's data is kept of: those of our clients, and STS for credentials by an assumed role."""

_SOURCES = frozenset({".c", ".cpp", ".h", ".hash", ".pxd", ".pxi", ".pyi", ".pyx"})
"""What extension modules were compiled from, and what only type checkers read."""
_FOLDERS = frozenset({"__pycache__", "bin", "tests"})
_OF_DISTRIBUTION = re.compile(r"METADATA|(LICEN[CS]E|COPYING|NOTICE|AUTHORS)[^/]*|licenses", re.IGNORECASE)


class StaleListError(Exception):
    """A distribution that is to be left out is not in the lock."""


def requirements(lock: str) -> str:
    """Return the lock without what the handler never loads. Raises :class:`StaleListError`."""
    by_name = {each.partition("==")[0]: each for each in re.split(r"^(?=[^\s#])", lock, flags=re.MULTILINE) if each}
    if stale := NEVER_LOADED - by_name.keys():
        raise StaleListError(f"not in the lock, so not to be left out of the package: {', '.join(sorted(stale))}")
    return "".join(text for name, text in by_name.items() if name not in NEVER_LOADED)


def belongs(path: PurePosixPath) -> bool:
    """Say whether an installed file goes into the package, by its path below the site packages."""
    match path.parts:
        case (top, name, *_) if top.endswith(".dist-info"):
            # Scanners know a library by its METADATA; licences go wherever the library goes.
            return bool(_OF_DISTRIBUTION.fullmatch(name))
        case ("botocore", "data", service, _, name):
            return service in SERVICES and not name.startswith("examples-")
        case _:
            return path.suffix not in _SOURCES and path.name != "py.typed" and _FOLDERS.isdisjoint(path.parts)
