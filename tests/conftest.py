"""Fixtures that several kinds of tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from endpoint import Endpoint, running_endpoint, wiped_environment
from trailstream.adapters.aws import AwsClients


@pytest.fixture(scope="session", autouse=True)
def _no_real_account() -> Iterator[None]:
    """No test meets the credentials, settings or proxies of whoever runs it."""
    clean = wiped_environment()
    with pytest.MonkeyPatch.context() as environment:
        for name in set(os.environ) - set(clean):
            environment.delenv(name)
        for name, value in clean.items():
            environment.setenv(name, value)
        yield


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """A shell that starts the tests in the background has SIGINT ignored, and so would every process they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def _endpoint_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running_endpoint(tmp_path_factory.mktemp("endpoint")) as endpoint:
        yield endpoint


@pytest.fixture
def endpoint(_endpoint_process: Endpoint) -> Endpoint:
    """The local AWS endpoint, empty."""
    _endpoint_process.reset()
    return _endpoint_process


@pytest.fixture
async def aws(endpoint: Endpoint) -> AsyncIterator[AwsClients]:
    """Clients of the local AWS endpoint, made as the service makes them."""
    async with endpoint.clients() as clients:
        yield clients
