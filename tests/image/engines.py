"""Docker or Podman, by the commands that both have."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SMALL_LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000")
"""The worker needs no more, and a limit that is lower than the engine's own is allowed to an engine without rights."""


class EngineError(Exception):
    """The engine could not do what it was asked; what it said is in the message."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A container engine."""

    command: tuple[str, ...]
    """The program and the options that belong before each of its commands."""
    build_options: tuple[str, ...] = ()
    run_options: tuple[str, ...] = SMALL_LIMITS

    @property
    def name(self) -> str:
        """Return the program's name."""
        return self.command[0]

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command, whatever comes of it."""
        return subprocess.run([*self.command, *arguments], capture_output=True, text=True, check=False)

    def tell(self, *arguments: str) -> str:
        """Run one command and return what it printed. Raises :class:`EngineError` where it fails."""
        done = self.ask(*arguments)
        if done.returncode:
            raise EngineError(f"{self.name} {arguments[0]} failed: {(done.stderr or done.stdout)[-2000:]}")
        return done.stdout.strip()

    def build(self, directory: Path, tag: str, arguments: dict[str, str], *, dockerfile: Path | None = None) -> None:
        """Build a directory by its Dockerfile or another; what happens is shown. Raises :class:`EngineError`."""
        pairs = [option for name, value in arguments.items() for option in ("--build-arg", f"{name}={value}")]
        file = ["--file", str(dockerfile or directory / "Dockerfile")]
        command = [*self.command, "build", *self.build_options, *pairs, *file, "--tag", tag, str(directory)]
        if subprocess.run(command, check=False).returncode:
            raise EngineError(f"{self.name} build failed; what it said stands above")

    @property
    def hardened(self) -> tuple[str, ...]:
        """Return the options by which a careful operator runs a container.

        It has no network of its own: what it talks to is on this machine's loopback. Its health check is run by hand.
        """
        rights = ("--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges")
        return (*self.run_options, *rights, "--network", "host", "--no-healthcheck")


PODMAN_RUN_OPTIONS = (*SMALL_LIMITS, "--read-only-tmpfs=false")
"""Unlike Docker, Podman makes /tmp and others writable where everything should be read-only."""


def installed_engines() -> Iterator[Engine]:
    """Yield the engines of this machine that answer."""
    docker, podman = Engine(("docker",)), Engine(("podman",), ("--format", "docker"), PODMAN_RUN_OPTIONS)
    for engine in (docker, podman):
        if shutil.which(engine.name) and engine.ask("info").returncode == 0:
            yield engine


def podman_of_its_own(store: Path) -> Engine:
    """Return a Podman whose images and containers are all in one directory, and which works where little is allowed.

    The storage driver needs nothing of the kernel and copies every layer, so a build makes one. A build in a chroot
    needs no rights over namespaces; it trusts the certificates that this machine trusts, whose proxy may sign its own.
    """
    where = ("--root", str(store / "storage"), "--runroot", str(store / "run"), "--storage-driver", "vfs")
    certificates = ("--volume", "/etc/ssl/certs:/etc/ssl/certs:ro")
    build: Sequence[str] = ("--format", "docker", "--isolation", "chroot", "--layers=false", "--pull=never")
    return Engine(("podman", *where), (*build, *certificates), PODMAN_RUN_OPTIONS)
