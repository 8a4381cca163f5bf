"""``make image``: build the image, try it against a local stand-in for AWS, and say what it costs.

Where Docker or Podman reaches a registry, the image is what anybody would build, and stays as ``trailstream``. Where
none does, Podman builds it on a Debian made on this machine, and it is gone afterwards. Exit 1 where it does not stand
the trial.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys

from deploy.demo.stage import cut_off_from_aws

from endpoint import ROOT
from trailstream import __version__

from .bases import Base, NoBaseError, base_of
from .containers import Image
from .engines import EngineError
from .figures import figures_of
from .trial import trial_of

DIRECTORY = ROOT / "build" / "image"
TAG = "trailstream"


def main() -> int:
    """Return 0 where the image stood its trial, 1 where not or where it cannot be built."""
    options = _options()
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    try:
        with base_of(options.python_version, DIRECTORY) as base:
            _say(f"Building with {base.engine.name} on {base.story} ...")
            image = _built(base)
            if not trial_of(image, options.pytest):
                return 1
            cut_off_from_aws()
            figures = asyncio.run(figures_of(image, base.name, starts=options.starts))
    except (EngineError, NoBaseError) as error:
        _say(f"Failed: {error}")
        return 1
    _say("\n".join([f"Base: {base.story}", *figures.lines()]))
    return 0


def _built(base: Base) -> Image:
    revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    arguments = {"BASE": base.name, "VERSION": __version__, "REVISION": revision.stdout.strip() or "unknown"}
    base.engine.build(ROOT, TAG, arguments)
    return Image(base.engine, TAG)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make image", description=__doc__)
    parser.add_argument("--python-version", default="3.13", help="of the base (%(default)s)")
    parser.add_argument("--starts", type=int, default=5, help="how many the time to a ready worker is the median of")
    parser.add_argument("pytest", nargs="*", help="arguments of pytest")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
