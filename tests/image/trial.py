"""How the image reaches the tests that try it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .containers import Image

IMAGE = pytest.StashKey[Image]()


class _Given:
    """A plugin that leaves the image where the tests look for it."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[IMAGE] = self._image


def trial_of(image: Image, arguments: list[str]) -> bool:
    """Run the tests of the image, with these arguments of pytest; say whether it stood them."""
    return pytest.main([str(Path(__file__).parent), "--no-header", *arguments], plugins=[_Given(image)]) == 0
