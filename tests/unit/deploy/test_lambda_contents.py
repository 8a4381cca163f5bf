"""What goes into the Lambda package, and what its build refuses."""

from __future__ import annotations

import sys
from pathlib import Path, PurePosixPath

import pytest

from endpoint import ROOT
from lambda_package import build_zip, contents

LOCK = (ROOT / "requirements" / "service.lock").read_text()


def test_what_the_handler_never_loads_is_taken_out_of_the_lock_with_its_hashes() -> None:
    kept = contents.requirements(LOCK)
    assert "orjson==" in kept
    assert "uvloop==" not in kept
    left_out = [line for line in LOCK.splitlines() if line.partition("==")[0] in contents.NEVER_LOADED]
    assert len(left_out) == len(contents.NEVER_LOADED)
    names = [line for line in kept.splitlines() if not line.startswith(" ")]
    assert len(names) == LOCK.count("==") - len(left_out)
    uvloop = LOCK[LOCK.index("uvloop==") :].split("==", 2)[1]
    first_hash = uvloop.split("--hash=")[1].split()[0]
    assert first_hash not in kept


def test_a_name_that_the_lock_no_longer_has_is_refused() -> None:
    without = LOCK.replace("uvloop==", "uvloop2==")
    with pytest.raises(contents.StaleListError, match="uvloop"):
        contents.requirements(without)


@pytest.mark.parametrize(
    "path",
    [
        "aiohttp/client.py",
        "csimdjson.abi3.so",
        "ijson.libs/libyajl-9393e5bd.so.2.1.1",
        "botocore/cacert.pem",
        "botocore/data/endpoints.json",
        "botocore/data/s3/2006-03-01/service-2.json.gz",
        "botocore/data/sts/2011-06-15/endpoint-rule-set-1.json.gz",
        "orjson-3.13.0.dist-info/METADATA",
        "orjson-3.13.0.dist-info/licenses/LICENSE-MIT",
        "botocore-1.43.117.dist-info/LICENSE.txt",
    ],
)
def test_what_is_loaded_and_what_says_whose_work_it_is_goes_in(path: str) -> None:
    assert contents.belongs(PurePosixPath(path))


@pytest.mark.parametrize(
    "path",
    [
        "bin/dotenv",
        "aiohttp/_http_parser.pyx",
        "aiohttp/__pycache__/client.cpython-313.pyc",
        "simdjson/simdjson.cpp",
        "attr/py.typed",
        "attr/__init__.pyi",
        "dateutil/tests/test_tz.py",
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "botocore/data/s3/2006-03-01/examples-1.json",
        "orjson-3.13.0.dist-info/RECORD",
        "orjson-3.13.0.dist-info/INSTALLER",
    ],
)
def test_what_is_never_loaded_stays_out(path: str) -> None:
    assert not contents.belongs(PurePosixPath(path))


def test_a_runtime_that_cannot_load_the_libraries_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        build_zip.main(["--python-version", "3.11", "--output", str(tmp_path / "package.zip")])
    assert "3.11" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("interpreter", "problem"), [("no-such-python", "cannot be started"), (sys.executable, "is Python 3.")]
)
def test_an_interpreter_that_cannot_compile_for_the_runtime_is_refused(
    interpreter: str, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = "3.12" if sys.version_info[:2] != (3, 12) else "3.13"
    output = tmp_path / "package.zip"
    options = ["--python-version", other, "--interpreter", interpreter, "--output", str(output)]
    assert build_zip.main(options) == 1
    assert problem in capsys.readouterr().err
    assert not output.exists()
