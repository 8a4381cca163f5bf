"""``make lambda-zip``: the package of the Lambda function, the same bytes whenever it is made of the same things.

It holds the locked libraries for another processor than this one's perhaps, as far as the handler loads them, the
service, the rules and a configuration. Modules are compiled beforehand: a function cannot keep what it compiles, so it
would compile all of them again with each cold start.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from .contents import StaleListError, belongs, requirements

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "service.lock"
WHEELS = ROOT / "build" / "lambda"
"""Wheels that were downloaded once are kept here."""

RUNTIMES = ("3.12", "3.13")
"""Lambda's runtimes that all wheels run in: google-re2's need glibc 2.28, and python3.11 has 2.26; pysimdjson 7.0.2 has
none for Python 3.14."""
NEWEST_GLIBC_MINOR, OLDEST_GLIBC_MINOR = 34, 17
"""Wheels for glibc 2.x that run in them: Amazon Linux 2023 has 2.34, and manylinux2014 is 2.17."""
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's name of an architecture -> Linux's."""

TASK_ROOT = "/var/task"
"""Where Lambda unpacks it; the modules' own paths in tracebacks."""
CONFIG_NAME = "trailstream.toml"

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE = 0o100644 << 16
_ON_UNIX = 3


class BuildError(Exception):
    """The package cannot be made, and why."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the package is for."""

    arch: str
    """As Lambda calls it: arm64 or x86_64."""
    python_version: str
    interpreter: str
    """An executable of that version, of any architecture: it compiles the modules."""

    @property
    def pip_options(self) -> list[str]:
        """What makes pip take the wheels of the target and not of this machine."""
        machine = MACHINES[self.arch]
        glibcs = range(NEWEST_GLIBC_MINOR, OLDEST_GLIBC_MINOR - 1, -1)
        platforms = [*(f"manylinux_2_{minor}_{machine}" for minor in glibcs), f"manylinux2014_{machine}"]
        abi = f"cp{self.python_version.replace('.', '')}"
        return [
            *("--only-binary", ":all:", "--implementation", "cp", "--python-version", self.python_version),
            *(option for each in platforms for option in ("--platform", each)),
            *("--abi", abi, "--abi", "abi3", "--abi", "none"),
        ]


def build(target: Target, *, rules: Path, config: Path | None, output: Path) -> None:
    """Make the package; what stood at ``output`` is replaced once the new one is whole. Raises :class:`BuildError`."""
    with tempfile.TemporaryDirectory() as directory:
        installed, staged = Path(directory, "installed"), Path(directory, "staged")
        _install(target, installed)
        _copy(installed, staged)
        _copy(ROOT / "service" / "trailstream", staged / "trailstream")
        _compile(target, staged)
        shutil.copytree(rules, staged / "rules")
        if config:
            shutil.copy(config, staged / CONFIG_NAME)
        output.parent.mkdir(parents=True, exist_ok=True)
        half = output.with_name(f"{output.name}.part")
        _write(half, staged)
        half.replace(output)


def _install(target: Target, installed: Path) -> None:
    try:
        wanted = requirements(LOCK.read_text())
    except StaleListError as error:
        raise BuildError(str(error)) from error
    wheels = WHEELS / f"wheels-{target.arch}-{target.python_version}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
    wheels.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=wheels.parent) as directory:
        listed = Path(directory, "requirements.txt")
        listed.write_text(wanted)
        options = ["--no-deps", "--require-hashes", "-r", str(listed), *target.pip_options]
        if not wheels.exists():
            half = Path(directory, "wheels")
            _pip("download", "--dest", str(half), *options)
            half.rename(wheels)
        from_wheels = ["--no-index", "--find-links", str(wheels), "--no-compile", "--target", str(installed)]
        _pip("install", *from_wheels, *options)


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", arguments[0], "--quiet", "--disable-pip-version-check", *arguments[1:]]
    if subprocess.run(command, check=False).returncode:  # noqa: S603 -- pip, with options from here
        raise BuildError(f"pip {arguments[0]} failed; what it said stands above")


def _copy(source: Path, destination: Path) -> None:
    for path in source.rglob("*"):
        name = path.relative_to(source)
        if path.is_file() and belongs(PurePosixPath(name)):
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, destination / name)


def _compile(target: Target, staged: Path) -> None:
    # Lambda unpacks with timestamps of its own, by which Python would throw the modules away: it is to check nothing.
    command = [
        *(target.interpreter, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"),
        *("-s", str(staged), "-p", TASK_ROOT, str(staged)),
    ]
    # Sets among a module's constants are written in the order of their hashes.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PYTHONHASHSEED": "0"}
    if subprocess.run(command, check=False, env=environment).returncode:  # noqa: S603 -- the interpreter that was named
        raise BuildError("the modules do not compile; what was wrong stands above")


def _write(archive: Path, staged: Path) -> None:
    paths = sorted((path.relative_to(staged).as_posix(), path) for path in staged.rglob("*") if path.is_file())
    with zipfile.ZipFile(archive, "w") as file:
        for name, path in paths:
            entry = zipfile.ZipInfo(name, _LONG_AGO)
            entry.external_attr, entry.create_system = _REGULAR_FILE, _ON_UNIX
            file.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def _target(options: argparse.Namespace) -> Target:
    if options.here:
        machine = platform.machine()
        arch = next((name for name, each in MACHINES.items() if each == machine), None)
        if arch is None:
            raise BuildError(f"Lambda has no {machine}")
        return Target(arch, f"{sys.version_info.major}.{sys.version_info.minor}", sys.executable)
    interpreter = options.interpreter or f"python{options.python_version}"
    found = _version_of(interpreter)
    if found != options.python_version:
        what = "cannot be started" if found is None else f"is Python {found}"
        raise BuildError(
            f"{interpreter} {what}, and Python {options.python_version} is to compile the modules: name one with "
            f"LAMBDA_PYTHON=..., or choose another of Lambda's runtimes with PYTHON_VERSION=..."
        )
    return Target(options.arch, options.python_version, interpreter)


def _version_of(interpreter: str) -> str | None:
    command = [interpreter, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 -- the one that was named
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make lambda-zip", description=__doc__)
    parser.add_argument("--arch", choices=MACHINES, default="arm64", help="the function's architecture")
    parser.add_argument("--python-version", choices=RUNTIMES, default="3.13", help="the function's runtime")
    parser.add_argument("--interpreter", help="an executable of that version; default: python and the version")
    parser.add_argument("--here", action="store_true", help="for this machine and interpreter instead, for a try")
    parser.add_argument("--rules", type=Path, default=ROOT / "deploy" / "rules", help="the directory of rules")
    parser.add_argument("--config", type=Path, help=f"a configuration, which becomes {CONFIG_NAME}")
    parser.add_argument("--output", type=Path, required=True, help="where the package goes")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 where the package was made; say its size and digest."""
    options = _options(arguments)
    try:
        build(_target(options), rules=options.rules, config=options.config, output=options.output)
    except (BuildError, OSError) as error:
        sys.stderr.write(f"make lambda-zip: {error}\n")
        return 1
    content = options.output.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    sys.stdout.write(f"{options.output}: {len(content) / 1e6:.1f} MB, sha256 {digest}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
