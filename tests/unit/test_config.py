from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from trailstream.config import CONFIG_PATH_VARIABLE, ENV_PREFIX, Settings, ToolSettings, WorkerSettings, load_settings
from trailstream.config.settings import BucketSettings
from trailstream.model.problems import ConfigurationError, Problem
from trailstream.pipeline.consumer import LONGEST_HIDDEN_SECONDS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "configuration.md"
URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/trailstream"
MINIMAL = f"""
[queue]
url = "{URL}"
[sinks.stdout]
"""


@pytest.fixture(autouse=True)
def _no_settings_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)


def write(folder: Path, text: str) -> Path:
    path = folder / "trailstream.toml"
    path.write_text(text)
    return path


def problems(path: Path | None) -> list[Problem]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(WorkerSettings, path)
    return caught.value.problems


def test_a_minimal_file_is_enough(tmp_path: Path) -> None:
    settings = load_settings(WorkerSettings, write(tmp_path, MINIMAL))
    assert settings.queue.url == URL
    assert settings.reader.limits.max_depth == 200


def test_the_longest_visibility_leaves_time_to_work_before_sqs_shows_a_message_anyway(tmp_path: Path) -> None:
    [problem] = problems(write(tmp_path, MINIMAL.replace("[sinks", "visibility_seconds = 14401\n[sinks")))
    assert problem.where == "queue.visibility_seconds"
    assert LONGEST_HIDDEN_SECONDS - 2 * 14400 >= 14400


def test_the_environment_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAILSTREAM_QUEUE__URL", URL)
    monkeypatch.setenv("TRAILSTREAM_SINKS__STDOUT__ENABLED", "true")
    monkeypatch.setenv("TRAILSTREAM_TELEMETRY__ACCOUNTS", '["111122223333"]')
    settings = load_settings(WorkerSettings, None)
    assert settings.telemetry.accounts == ("111122223333",)


def test_the_environment_wins_over_the_file_setting_by_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAILSTREAM_QUEUE__SLOTS", "7")
    settings = load_settings(WorkerSettings, write(tmp_path, MINIMAL))
    assert (settings.queue.slots, settings.queue.url) == (7, URL)


def test_a_tool_asks_for_no_sink_and_no_whole_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAILSTREAM_QUEUE__SLOTS", "7")
    settings = load_settings(ToolSettings, write(tmp_path, "[sinks.stdout]\nenabled = false\n"))
    assert (settings.queue, dict(settings.sinks.enabled)) == (None, {})
    monkeypatch.setenv("TRAILSTREAM_QUEUE__URL", URL)
    queue = load_settings(ToolSettings, None).queue
    assert queue is not None
    assert (queue.slots, queue.url) == (7, URL)


def settings_of(kind: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield each setting with its dotted name; ``NAME`` is what people name themselves."""
    for name, field in kind.model_fields.items():
        section = next(
            (each for each in (field.annotation, *get_args(field.annotation))
             if isinstance(each, type) and issubclass(each, BaseModel)), None
        )  # fmt: skip
        is_table = get_origin(field.annotation) is dict
        if section is None or is_table:
            yield f"{prefix}{name}", field
        if section is not None:
            yield from settings_of(section, f"{prefix}{name}.NAME." if is_table else f"{prefix}{name}.")


PATHS = [name for name, field in settings_of(WorkerSettings) if Path in (field.annotation, *get_args(field.annotation))]


@pytest.mark.parametrize("setting", PATHS)
def test_a_relative_path_is_relative_to_the_file(setting: str, tmp_path: Path) -> None:
    settings = load_settings(WorkerSettings, write(tmp_path, f'{setting} = "there/x"\n{MINIMAL}'))
    assert attrgetter(setting)(settings) == tmp_path / "there" / "x"


@pytest.mark.parametrize("place", ["/etc/rules", "s3://rules/of/ours"])
def test_what_is_no_relative_path_stays_what_it_is(place: str, tmp_path: Path) -> None:
    settings = load_settings(WorkerSettings, write(tmp_path, MINIMAL + f'[rules]\ndirectory = "{place}"\n'))
    assert str(settings.rules.directory) == place


@pytest.mark.parametrize(
    ("section", "two"),
    [
        ("ledger", '[ledger.sqlite]\npath = "sent.sqlite"\n[ledger.dynamodb]\ntable = "sent"\n'),
        ("windows", '[windows.sqlite]\npath = "seen.sqlite"\n[windows.dynamodb]\ntable = "seen"\n'),
        ("quarantine", '[quarantine.file]\ndirectory = "q"\n[quarantine.s3]\nbucket = "set-aside"\n'),
    ],
)
def test_what_is_kept_is_kept_in_one_place(section: str, two: str, tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, MINIMAL + two))
    assert problem.where == section
    assert "one place" in problem.what


ROLE = "arn:aws:iam::444455556666:role/logs/read-logs"


def test_a_bucket_is_an_account_or_a_table_with_a_role(tmp_path: Path) -> None:
    text = f"""
        [logs.buckets]
        trail-of-a = "111122223333"
        trail-of-b = {{account = "444455556666", role_arn = "{ROLE}", external_id = "trailstream-1f6c"}}
        [logs.buckets."trail.of.c"]
        account = "777788889999"
    """
    assert load_settings(WorkerSettings, write(tmp_path, MINIMAL + text)).logs.buckets == {
        "trail-of-a": BucketSettings(account="111122223333"),
        "trail-of-b": BucketSettings(account="444455556666", role_arn=ROLE, external_id="trailstream-1f6c"),
        "trail.of.c": BucketSettings(account="777788889999"),
    }


def test_buckets_are_json_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buckets = {"trail-of-a": "111122223333", "trail-of-b": {"account": "444455556666", "role_arn": ROLE}}
    monkeypatch.setenv("TRAILSTREAM_LOGS__BUCKETS", json.dumps(buckets))
    assert load_settings(WorkerSettings, write(tmp_path, MINIMAL)).logs.buckets == {
        "trail-of-a": BucketSettings(account="111122223333"),
        "trail-of-b": BucketSettings(account="444455556666", role_arn=ROLE),
    }


def test_the_buckets_of_the_environment_take_the_place_of_those_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, MINIMAL + '[logs]\naccounts = ["111122223333"]\nbuckets = {a-bucket = "111122223333"}\n')
    only_this = {"only-this": BucketSettings(account="444455556666")}
    for variable, value in (
        ("TRAILSTREAM_LOGS__BUCKETS", '{"only-this": "444455556666"}'),
        ("TRAILSTREAM_LOGS", '{"buckets": {"only-this": "444455556666"}}'),
    ):
        with monkeypatch.context() as environment:
            environment.setenv(variable, value)
            logs = load_settings(WorkerSettings, path).logs
        assert (logs.buckets, logs.accounts) == (only_this, ("111122223333",)), variable


def test_a_bucket_of_the_environment_takes_nothing_of_its_namesake_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAILSTREAM_LOGS__BUCKETS", '{"trail-of-a": {"account": "111122223333"}}')
    text = f'[logs.buckets]\ntrail-of-a = {{account = "444455556666", role_arn = "{ROLE}"}}\n'
    settings = load_settings(WorkerSettings, write(tmp_path, MINIMAL + text))
    assert settings.logs.buckets == {"trail-of-a": BucketSettings(account="111122223333")}


def test_an_empty_table_in_the_environment_opens_no_bucket_that_the_file_keeps_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As a stack has it that passes on an empty parameter.
    monkeypatch.setenv("TRAILSTREAM_LOGS__BUCKETS", "{}")
    settings = load_settings(WorkerSettings, write(tmp_path, MINIMAL + '[logs.buckets]\na-bucket = "111122223333"\n'))
    assert list(settings.logs.buckets) == ["a-bucket"]


def test_a_list_of_the_environment_takes_the_place_of_that_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAILSTREAM_LOGS__ACCOUNTS", '["444455556666"]')
    settings = load_settings(WorkerSettings, write(tmp_path, MINIMAL + '[logs]\naccounts = ["111122223333"]\n'))
    assert settings.logs.accounts == ("444455556666",)


@pytest.mark.parametrize(
    ("bucket", "where", "what"),
    [
        ("111122223333", ".account", "valid string, not 111122223333"),
        ('"11112222333"', ".account", "not '11112222333'"),
        ('{role_arn = "ROLE"}', ".account", "is required"),
        ('{account = "111122223333", role = "ROLE"}', ".role", "no such setting"),
        ('{account = "111122223333", role_arn = "read-logs"}', ".role_arn", "not 'read-logs'"),
        ('{account = "111122223333", role_arn = "arn:aws:iam::1:role/x"}', ".role_arn", "not 'arn:aws:iam::1:role/x'"),
        ('{account = "111122223333", role_arn = "ROLE", external_id = "a b"}', ".external_id", "not 'a b'"),
        ('{account = "111122223333", external_id = "x1"}', "", "external_id is for assuming a role"),
    ],
)
def test_a_bucket_that_cannot_be_read_so_is_named_with_what_is_wrong(
    bucket: str, where: str, what: str, tmp_path: Path
) -> None:
    text = f"[logs.buckets]\ntrail-of-a = {bucket.replace('ROLE', ROLE)}\n"
    (problem,) = problems(write(tmp_path, MINIMAL + text))
    assert problem.where == f"logs.buckets.trail-of-a{where}"
    assert what in problem.what
    assert "TRAILSTREAM_LOGS__BUCKETS as JSON" in problem.remedy or problem.remedy == "did you mean role_arn?"


def test_every_problem_is_reported_at_once_with_its_name_and_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAILSTREAM_QUEU__SLOTS", "7")
    monkeypatch.setenv("TRAILSTREAM_AWS__REGIN", "x")
    text = """
        [queue]
        slotz = 1
        slots = 0
        [sinks.sns]
        topic_arn = "my-topic"
        [telemetry]
        accounts = ["12"]
        port = "many"
    """
    found = {problem.where: problem for problem in problems(write(tmp_path, text))}
    assert set(found) == {
        "TRAILSTREAM_QUEU__SLOTS",
        "aws.regin",
        "queue.slots",
        "queue.slotz",
        "queue.url",
        "sinks.sns.topic_arn",
        "telemetry.accounts.0",
        "telemetry.port",
    }
    assert all(problem.remedy for problem in found.values())
    assert found["queue.slotz"].remedy == "did you mean slots?"
    assert "TRAILSTREAM_QUEUE__URL" in found["queue.url"].remedy


def test_what_is_missing_in_an_empty_file_is_named_as_it_is_to_be_written(tmp_path: Path) -> None:
    queue, sinks = problems(write(tmp_path, ""))
    assert str(queue) == "queue: is required (set `url` under [queue] in the file, or TRAILSTREAM_QUEUE__URL)"
    assert str(sinks) == (
        "sinks: is required (set `topic_arn` under [sinks.sns] in the file, or TRAILSTREAM_SINKS__SNS__TOPIC_ARN; "
        "or set `url` under [sinks.sqs] in the file, or TRAILSTREAM_SINKS__SQS__URL; "
        "or set `enabled` under [sinks.stdout] in the file, or TRAILSTREAM_SINKS__STDOUT__ENABLED)"
    )


@pytest.mark.parametrize("value", ['"arn:aws:sns:eu-west-1:111122223333:alerts"', "{}"])
def test_what_is_no_sink_is_told_how_to_write_one(tmp_path: Path, value: str) -> None:
    (problem,) = problems(write(tmp_path, f'sinks = {value}\nqueue.url = "{URL}"'))
    assert "set `topic_arn` under [sinks.sns]" in problem.remedy


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "nowhere.toml")
    assert "No such file" in problem.what


def test_a_file_that_is_not_toml_is_said_to_be_so_with_the_line(tmp_path: Path) -> None:
    (problem,) = problems(write(tmp_path, "[queue\nurl = 3"))
    assert re.search(r"not TOML.*line 1", problem.what)


def test_without_a_sink_nothing_starts(tmp_path: Path) -> None:
    for text in ("[sinks]", "[sinks.stdout]\nenabled = false"):
        (problem,) = problems(write(tmp_path, f'[queue]\nurl = "{URL}"\n{text}\n'))
        assert "no sink" in problem.what


def test_a_list_in_the_environment_that_is_not_json_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAILSTREAM_TELEMETRY__ACCOUNTS", "111122223333,444455556666")
    found = problems(None)
    assert any("JSON" in problem.remedy for problem in found)


def test_settings_cannot_be_changed_once_they_are_read(tmp_path: Path) -> None:
    settings = load_settings(WorkerSettings, write(tmp_path, MINIMAL))
    with pytest.raises(ValueError, match="frozen"):
        settings.queue.slots = 3


@pytest.mark.parametrize(("name", "field"), list(settings_of(Settings)))
def test_the_reference_lists_every_setting_as_the_code_describes_it(name: str, field: FieldInfo) -> None:
    assert field.description, f"{name} has no description"
    row = next((line for line in REFERENCE.read_text().splitlines() if line.startswith(f"| `{name}` |")), None)
    assert row is not None, f"docs/configuration.md has no row for {name}"
    assert " ".join(field.description.split()) in row


def test_the_reference_names_no_setting_that_does_not_exist() -> None:
    listed = set(re.findall(r"^\| `([\w.]+)` \|", REFERENCE.read_text(), re.MULTILINE))
    assert listed == {name for name, _ in settings_of(Settings)}


def test_the_reference_names_the_variable_of_the_file() -> None:
    assert CONFIG_PATH_VARIABLE in REFERENCE.read_text()
