"""What ships around the package says what it should, and agrees with what it is about."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from endpoint import ROOT
from trailstream.config import WorkerSettings, load_settings

EXAMPLE = ROOT / "deploy" / "trailstream.example.toml"
COMMENTED_SETTING = re.compile(r"^# (?=[a-z_-]+ = |\[[a-z0-9_.]+\]$)", re.MULTILINE)
SECOND_STORE = re.compile(
    r"^\[(?:ledger\.dynamodb|windows\.dynamodb|quarantine\.file|quarantine\.sqs)\]\n(?:.+\n)*", re.MULTILINE
)
"""Of the stores of the ledger, of the windows and of the quarantine only one may be configured."""
SHOWN = "trail-of-b"
"""The entry that shows every setting of a table whose names are people's own."""


AN_EXAMPLE = {("logs", "buckets"), ("logs", "accounts"), ("sinks", "stdout", "enabled"), ("rules", "directory")}
"""Settings that are shown with another value than their default, or with one that is relative to the file."""


def every_setting(kind: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    for name, field in kind.model_fields.items():
        kinds = [each for each in (field.annotation, *get_args(field.annotation)) if isinstance(each, type)]
        section = next((each for each in kinds if issubclass(each, BaseModel)), None)
        is_table = get_origin(field.annotation) is dict
        if section is None or is_table:
            yield (*path, name), field
        if section is not None:
            yield from every_setting(section, (*path, name, SHOWN) if is_table else (*path, name))


def value_at(document: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        document = document[name] if isinstance(document, dict) else getattr(document, name)
    return document


@pytest.fixture
def uncommented() -> str:
    """The example with every setting written out."""
    return COMMENTED_SETTING.sub("", EXAMPLE.read_text(encoding="utf-8"))


@pytest.fixture
def in_force(uncommented: str, tmp_path: Path) -> WorkerSettings:
    """The settings that it has then."""
    path = tmp_path / "trailstream.toml"
    path.write_text(SECOND_STORE.sub("", uncommented), encoding="utf-8")
    return load_settings(WorkerSettings, path)


def test_the_example_configuration_loads() -> None:
    settings = load_settings(WorkerSettings, EXAMPLE)

    assert settings.sinks.sns is not None
    assert settings.rules.directory == EXAMPLE.parent / "rules"
    assert settings.rules.directory.is_dir()


@pytest.mark.parametrize(
    ("setting", "field"), [pytest.param(*each, id=".".join(each[0])) for each in every_setting(WorkerSettings)]
)
def test_the_example_configuration_shows_every_setting_with_its_default(
    setting: tuple[str, ...], field: FieldInfo, uncommented: str, in_force: WorkerSettings
) -> None:
    assert value_at(tomllib.loads(uncommented), setting) is not None
    if (
        not field.is_required()
        and field.get_default(call_default_factory=True) is not None
        and setting not in AN_EXAMPLE
    ):
        assert value_at(in_force, setting) == field.get_default(call_default_factory=True)


def makefile_rule(target: str) -> str:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    found = re.search(rf"^{target}:(.*)$", makefile, re.MULTILINE)
    assert found, target
    return found[1].partition("##")[0]


def test_ci_runs_all_of_make_check_and_the_tests_first() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    made = re.findall(r"^make (.+)$", script, re.MULTILINE)

    assert made[0] == "test"
    assert set(" ".join(made).split()) == set(makefile_rule("check").split())


def test_ci_is_a_script_that_bash_can_read() -> None:
    script = ROOT / ".ci" / "run"

    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(script)], check=True)


def dockerfile() -> list[str]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def last_stage() -> list[str]:
    lines = dockerfile()
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    return lines[last:]


def test_the_image_installs_only_what_the_lock_names() -> None:
    installs = [line for line in dockerfile() if "service.lock" in line and " install " in line]

    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert not any(" install " in line for line in last_stage())


def test_the_image_runs_as_a_numeric_user_that_is_not_root() -> None:
    users = [line.split()[1] for line in last_stage() if line.startswith("USER ")]

    assert len(users) == 1
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[0])


def test_the_image_stops_by_the_signal_that_the_worker_obeys() -> None:
    assert "STOPSIGNAL SIGTERM" in last_stage()
    assert 'ENTRYPOINT ["trailstream"]' in last_stage()  # no shell in between that would keep the signal to itself


def test_a_port_in_the_file_does_not_make_a_sound_container_unhealthy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (variables,) = [line for line in last_stage() if line.startswith("ENV TRAILSTREAM_")]
    for variable in variables.split()[1:]:
        monkeypatch.setenv(*variable.split("=", 1))
    config = tmp_path / "trailstream.toml"
    config.write_text(
        'queue.url = "https://sqs.eu-west-1.amazonaws.com/111122223333/trailstream"\nsinks.stdout.enabled = true\n'
        'telemetry = { host = "127.0.0.1", port = 9000 }\n'
    )

    telemetry = load_settings(WorkerSettings, config).telemetry

    (check,) = [line for line in last_stage() if line.startswith("HEALTHCHECK ")]
    assert "os.environ['TRAILSTREAM_TELEMETRY__PORT']" in check
    assert f"EXPOSE {telemetry.port}" in last_stage()
    assert telemetry.host == "0.0.0.0"


def test_the_licence_is_the_one_that_the_package_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / project["license-files"][0]).read_text(encoding="utf-8")

    assert project["license"] == "Apache-2.0"
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)

    assert sections[0] == "[Unreleased]"


@pytest.mark.parametrize("lock", sorted(each.name for each in (ROOT / "requirements").glob("*.lock")))
def test_a_lock_file_pins_everything_with_hashes_and_names_no_index(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    requirements = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert requirements
    for requirement in requirements:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,]+\])?==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement, requirement
        assert "://" not in requirement
