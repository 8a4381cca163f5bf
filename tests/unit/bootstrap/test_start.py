"""What is said at the start; the Lambda door, since it serves nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from samples import CREATE_TOPIC_RULE
from trailstream.bootstrap.aws_lambda import open_lambda
from trailstream.config import Settings
from trailstream.config.settings import AwsSettings, RulesSettings
from trailstream.config.sinks import SinksSettings, StdoutSettings


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("trailstream")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield
    logging.captureWarnings(False)
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


async def log_of_start(rules: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    settings = Settings(
        aws=AwsSettings(region="eu-west-1"),
        rules=RulesSettings(directory=rules, skip_broken=True),
        sinks=SinksSettings(stdout=StdoutSettings()),
    )
    async with open_lambda(settings, function_name="trailstream"):
        pass
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


async def test_a_rule_that_is_in_force_is_not_said_to_be_left_out_because_of_a_note_on_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rule.yaml").write_text(CREATE_TOPIC_RULE)
    (tmp_path / "same.yaml").write_text(CREATE_TOPIC_RULE)
    note, started = await log_of_start(tmp_path, capsys)
    assert (note["level"], note["event"]) == ("info", "note on a rule file")
    assert note["note"] == "same.yaml: the same as rule.yaml; loaded once"
    assert (started["event"], started["rules"], started["notes"]) == ("started", 1, 1)


async def test_a_broken_rule_that_was_skipped_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rule.yaml").write_text(CREATE_TOPIC_RULE)
    (tmp_path / "broken.yaml").write_text("- no rule")
    skipped, _ = await log_of_start(tmp_path, capsys)
    assert (skipped["level"], skipped["event"]) == ("error", "rule is broken and was skipped")
    assert "broken.yaml" in skipped["problem"]
