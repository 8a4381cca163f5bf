"""Packages of the Lambda function, made for the tests as ``make lambda-zip`` makes them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from endpoint import ROOT

# "lambda" is a word of the language: no import statement can say it.
build_zip: Any = importlib.import_module("deploy.lambda.build_zip")
contents: Any = importlib.import_module("deploy.lambda.contents")

EXAMPLE_RULES = ROOT / "deploy" / "rules"


def build(target: Any, output: Path, *, rules: Path = EXAMPLE_RULES, config: Path | None = None) -> Path:
    """Make a package, with the example rules where no others are given."""
    build_zip.build(target, rules=rules, config=config, output=output)
    return output
