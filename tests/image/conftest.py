"""The image under trial."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from image.containers import Image, volume
from image.trial import IMAGE


@pytest.fixture(scope="session")
def image(pytestconfig: pytest.Config) -> Image:
    given = pytestconfig.stash.get(IMAGE, None)
    if given is None:
        pytest.skip("`make image` builds the image and tries it")
    return given


@pytest.fixture
def state(image: Image) -> Iterator[str]:
    """A volume for what the worker has to remember."""
    with volume(image.engine) as name:
        yield name
