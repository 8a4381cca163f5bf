"""What the service is made of can be listed and audited, and a list or an audit that is not whole says so."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from endpoint import ROOT

AUDIT_VENV = ".venv-audit"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)

needs_the_tools = pytest.mark.skipif(
    not (ROOT / AUDIT_VENV / ".ready").exists(), reason=f"{AUDIT_VENV} is not there; make sbom makes it"
)


def pinned(lock: str) -> dict[str, str]:
    return dict(PINNED.findall((ROOT / "requirements" / lock).read_text(encoding="utf-8")))


def make(target: str, *variables: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a target with the tools as they are: a test installs nothing."""
    command = ["make", "--old-file", f"{AUDIT_VENV}/.ready", target, f"AUDIT_VENV={AUDIT_VENV}", *variables]
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and name not in {"MAKEFLAGS", "SOURCE_DATE_EPOCH"}
    }
    return subprocess.run(
        command, cwd=ROOT, env={**inherited, **environment}, capture_output=True, text=True, timeout=60, check=False
    )


NOBODY = "http://127.0.0.1:9"
"""An address that nobody answers at: the port is that of the discard service, which nothing serves."""


@pytest.fixture(scope="module")
def bill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bill") / "sbom.json"
    made = make("sbom", f"SBOM={path}")
    assert made.returncode == 0, made.stderr
    return path


def test_the_lock_of_the_audit_holds_all_that_its_group_names() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]

    assert set(groups["audit"]) <= set(pinned("audit.lock"))


@needs_the_tools
def test_the_bill_of_materials_lists_every_locked_package_with_its_version_and_hashes(bill: Path) -> None:
    lock = (ROOT / "requirements" / "service.lock").read_text(encoding="utf-8")

    components = json.loads(bill.read_text(encoding="utf-8"))["components"]

    hashes = [each["content"] for one in components for from_ in one["externalReferences"] for each in from_["hashes"]]
    assert {each["name"]: each["version"] for each in components} == pinned("service.lock")
    assert sorted(hashes) == sorted(re.findall(r"--hash=sha256:(\w+)", lock))


@needs_the_tools
def test_the_bill_of_materials_is_the_same_each_time_and_names_no_index(bill: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"

    made = make("sbom", f"SBOM={again}", PIP_INDEX_URL=NOBODY)

    assert made.returncode == 0, made.stderr
    assert again.read_bytes() == bill.read_bytes()
    assert "://" not in json.dumps(json.loads(bill.read_text(encoding="utf-8"))["components"])


@needs_the_tools
def test_an_audit_that_reaches_no_vulnerability_service_fails_and_says_so(tmp_path: Path) -> None:
    audited = make("audit", f"ARGS=--cache-dir {tmp_path}", https_proxy=NOBODY)

    assert audited.returncode != 0
    assert "NOT AUDITED" in audited.stderr
    assert "No known vulnerabilities" not in audited.stderr
