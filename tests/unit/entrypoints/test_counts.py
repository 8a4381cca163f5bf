from __future__ import annotations

import pytest

from trailstream.entrypoints.cli import main


@pytest.mark.parametrize("count", ["0", "-1", "many", "1.5"])
@pytest.mark.parametrize(
    "command",
    [
        "scan PATH --rules DIR --concurrency",
        "dlq list --limit",
        "dlq redrive --all --limit",
        "rules bench DIR --top",
    ],
)
def test_what_is_no_count_is_refused_in_the_words_of_the_command(
    command: str, count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command.split()
    with pytest.raises(SystemExit) as exited:
        main([*words, count])
    assert exited.value.code == 2
    assert f"argument {words[-1]}: must be 1 or more" in capsys.readouterr().err
