"""What the image is built on: the Python of a registry, or, where there is none, a Debian made on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .engines import Engine, installed_engines, podman_of_its_own

SUITES = {"3.11": "bookworm", "3.13": "trixie"}
"""The Debian whose own Python has that version."""

PACKAGES = ("ca-certificates", "python3", "python3-pip", "python3-venv")
STRIPPED = (
    "usr/lib/python3*/EXTERNALLY-MANAGED",  # nobody but pip manages what is installed here
    "usr/lib/python3*/**/*.pyc",  # the official images have none
    "var/cache/apt/archives/*.deb",
    "var/lib/apt/lists/*_*",
    "var/log/*.log",
)


class NoBaseError(Exception):
    """There is nothing to build on; what is missing is in the message."""


@dataclass(frozen=True, slots=True)
class Base:
    """An image to build on, and the engine that has it."""

    engine: Engine
    name: str
    story: str
    """Where it comes from, for a reader of the results."""


@contextmanager
def base_of(python_version: str, directory: Path) -> Iterator[Base]:
    """Give a base from a registry if any engine reaches one, and one of Debian's packages if not.

    The latter and all that is built on it is gone when the block ends, but for a tarball in the directory that
    makes the next one quicker. Raises :class:`NoBaseError`.
    """
    official = f"docker.io/library/python:{python_version}-slim"
    for engine in installed_engines():
        if engine.ask("pull", official).returncode == 0:
            yield Base(engine, official, f"{official}, pulled by {engine.name}")
            return
    _check_that_debian_can_be_made(python_version)
    suite = SUITES[python_version]
    tarball = directory / f"debian-{suite}.tar"
    if not tarball.exists():
        _make_debian(suite, tarball)
    with tempfile.TemporaryDirectory(dir=directory, prefix="store-") as store:
        engine = podman_of_its_own(Path(store))
        name = f"localhost/debian-python:{suite}"
        engine.tell("import", str(tarball), name)
        yield Base(engine, name, f"no registry: Debian {suite} with its Python {python_version}, made by debootstrap")


def _check_that_debian_can_be_made(python_version: str) -> None:
    missing = [program for program in ("podman", "debootstrap") if not shutil.which(program)]
    if missing or os.geteuid() != 0:
        need = ", ".join([*missing, *([] if os.geteuid() == 0 else ["root"])])
        raise NoBaseError(f"no engine reaches a registry, and to make a base here this is missing: {need}")
    if python_version not in SUITES:
        raise NoBaseError(f"no engine reaches a registry, and no Debian has Python {python_version}: {sorted(SUITES)}")


def _make_debian(suite: str, tarball: Path) -> None:
    with tempfile.TemporaryDirectory(dir=tarball.parent, prefix="debian-") as name:
        root = Path(name)
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite, name]
        if subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode:
            raise NoBaseError(f"debootstrap failed; what it said stands above, and in {root}/debootstrap")
        for path in (path for pattern in STRIPPED for path in root.glob(pattern)):
            path.unlink()
        root.chmod(0o755)  # a temporary directory is its maker's only; the root of an image is everybody's
        half = tarball.with_suffix(".part")
        with tarfile.open(half, "w") as archive:
            archive.add(root, arcname=".", filter=_without_devices)
        half.rename(tarball)


def _without_devices(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.isdev() else member
