"""A local AWS endpoint for the tests: a real process, talked to over a loopback socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from trailstream.adapters.aws import AwsClients

ROOT = Path(__file__).resolve().parent.parent

REGION = "us-east-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""An environment from which botocore finds these credentials and nobody's real ones."""

PROGRAM_VARIABLE = "ENDPOINT_PROGRAM"
START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    url: str

    def reset(self) -> None:
        """Forget every bucket, queue and topic."""
        _open(f"{self.url}/_ministack/reset", "POST")

    def clients(self) -> AwsClients:
        """Clients of it, made as the service makes them."""
        return AwsClients(region=REGION, endpoint_url=self.url, connections=10)


def wiped_environment() -> dict[str, str]:
    """The environment without settings, proxies and anything that leads to a real account; with fake credentials."""
    kept = {name: value for name, value in os.environ.items() if not _is_wiped(name)}
    return kept | CREDENTIALS


@contextmanager
def running_endpoint(
    directory: Path, *, port: int | None = None, variables: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Endpoint]:
    """Start the endpoint on a free loopback port, wait until it answers, and end it; its log is in the directory.

    ``variables`` are set in its environment.
    """
    program = _program()
    port = port or free_port()
    log = directory / "endpoint.log"
    environment = wiped_environment() | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "TMPDIR": str(directory),
        **variables,
    }
    endpoint = Endpoint(f"http://127.0.0.1:{port}")
    with (
        log.open("wb") as output,
        subprocess.Popen([program], env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            _wait_until_ready(endpoint, process, log)
            yield endpoint
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_wiped(name: str) -> bool:
    if name == PROGRAM_VARIABLE:
        return False
    return name.startswith(("AWS_", "TRAILSTREAM_")) or name.lower().endswith("_proxy")


def _program() -> Path:
    program = Path(os.environ.get(PROGRAM_VARIABLE) or ROOT / ".venv-endpoint" / "bin" / "ministack")
    if not program.is_file():
        raise FileNotFoundError(f"no local AWS endpoint at {program}: `make test` installs it and runs the tests")
    return program


def _wait_until_ready(endpoint: Endpoint, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            json.loads(_open(f"{endpoint.url}/_ministack/health", "GET"))
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the local AWS endpoint did not answer at {endpoint.url}:\n{log.read_text()[-2000:]}")


def _open(url: str, method: str) -> bytes:
    without_proxies = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with without_proxies.open(urllib.request.Request(url, method=method), timeout=10) as answer:
        body: bytes = answer.read()
        return body
