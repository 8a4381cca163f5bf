"""``make demo`` as a newcomer meets it: what it prints, what it exits with, and what it leaves behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from endpoint import PROGRAM_VARIABLE, ROOT

ENDPOINT = Path(os.environ.get(PROGRAM_VARIABLE) or ROOT / ".venv-endpoint" / "bin" / "ministack")
SMALL = ("--objects", "5", "--large-mb", "0")
MARK = "DEMO_TEST_MARK"
TOPIC_ARN = "arn:aws:sns:us-east-2:123456789012:exampletopic"


class DemoRun:
    """One run of the demo, in a folder for its temporary files, under a mark that all its programs inherit."""

    def __init__(self, temporary: Path, *arguments: str, root: Path = ROOT) -> None:
        self.temporary = temporary
        self.mark = uuid.uuid4().hex
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy.demo", "--endpoint", str(ENDPOINT), *SMALL, *arguments],
            cwd=root,
            env=os.environ | {"TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1", MARK: self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def output_until(self, text: str) -> str:
        assert self.process.stdout
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if text in line:
                return "".join(lines)
        raise AssertionError(f"the demo ended without saying {text!r}:\n{''.join(lines)}")

    def finish(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=60)
        return self.process.returncode, output

    def running_programs(self) -> list[str]:
        """The command lines of what carries the mark."""
        return [(each / "cmdline").read_bytes().replace(b"\0", b" ").decode() for each in self._marked_processes()]

    def left_behind(self) -> list[str]:
        return [*self.running_programs(), *(str(each) for each in self.temporary.iterdir())]

    def _marked_processes(self) -> Iterator[Path]:
        for each in Path("/proc").iterdir():
            try:
                if each.name.isdigit() and f"{MARK}={self.mark}".encode() in (each / "environ").read_bytes():
                    yield each
            except OSError:  # it ended in between, or is somebody else's
                continue


@contextmanager
def demo(temporary: Path, *arguments: str, root: Path = ROOT) -> Iterator[DemoRun]:
    run = DemoRun(temporary, *arguments, root=root)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.communicate()


def test_the_demo_shows_every_expected_alert_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with demo(tmp_path) as run:
        code, output = run.finish()

        assert code == 0, output
        assert output.count("Subject: [low] An SNS topic was created (123456789012, us-east-2)") == 1
        assert f'"responseElements":{{"topicArn":"{TOPIC_ARN}"}}' in output
        assert "What arrived is what a plain loop over the same logs finds." in output
        assert "/metrics" in output
        assert run.left_behind() == []


def test_an_alert_that_never_arrives_is_named_and_fails_the_demo(tmp_path: Path) -> None:
    root, temporary = tmp_path / "checkout", tmp_path / "temporary"
    temporary.mkdir()
    shutil.copytree(ROOT / "deploy", root / "deploy")
    (root / "deploy" / "rules" / "guardduty_weakened.yaml").unlink()

    with demo(temporary, root=root) as run:
        code, output = run.finish()

        assert code == 1
        assert "missing: rule guardduty-weakened, event " in output
        assert run.left_behind() == []


def test_a_worker_that_refuses_to_start_is_quoted(tmp_path: Path) -> None:
    root, temporary = tmp_path / "checkout", tmp_path / "temporary"
    temporary.mkdir()
    shutil.copytree(ROOT / "deploy", root / "deploy")
    (root / "deploy" / "rules" / "broken.yaml").write_text("id: broken\npattern: {eventName: CreateTopic}\n")

    with demo(temporary, root=root) as run:
        code, output = run.finish()

        assert code == 1
        assert "Failed: the worker ended by itself with exit code 2" in output
        assert "broken.yaml" in output
        assert run.left_behind() == []


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("Writing CloudTrail logs", signal.SIGINT),
        ("Starting the local AWS endpoint", signal.SIGINT),
        ("The worker is running", signal.SIGTERM),
        ("The worker is running", signal.SIGHUP),
        ("The tutorial's alert", signal.SIGINT),
    ],
)
def test_a_demo_that_is_stopped_at_any_moment_leaves_nothing_behind(
    moment: str, number: signal.Signals, tmp_path: Path
) -> None:
    with demo(tmp_path) as run:
        run.output_until(moment)
        run.process.send_signal(number)
        code, output = run.finish()

        assert code == 130, output
        assert "Traceback" not in output
        assert run.left_behind() == []


def test_a_demo_whose_user_is_impatient_leaves_nothing_behind_either(tmp_path: Path) -> None:
    with demo(tmp_path) as run:
        run.output_until("The worker is running")
        for _ in range(5):
            run.process.send_signal(signal.SIGINT)
        code, output = run.finish()

        assert code == 130, output
        assert run.left_behind() == []


def test_a_demo_that_is_asked_to_stay_runs_until_ctrl_c_and_keeps_its_verdict(tmp_path: Path) -> None:
    with demo(tmp_path, "--stay") as run:
        run.output_until("Everything keeps running until Ctrl-C")
        programs = " ".join(run.running_programs())
        assert "trailstream worker --config" in programs
        assert "ministack" in programs

        run.process.send_signal(signal.SIGINT)
        code, output = run.finish()

        assert code == 0, output
        assert run.left_behind() == []


def test_the_death_of_the_worker_is_told_with_its_last_words(tmp_path: Path) -> None:
    with demo(tmp_path, "--stay") as run:
        run.output_until("Everything keeps running until Ctrl-C")
        worker = next(
            int(each.name)
            for each in run._marked_processes()
            if b"trailstream\0worker" in (each / "cmdline").read_bytes()
        )
        os.kill(worker, signal.SIGKILL)
        code, output = run.finish()

        assert code == 1
        assert "Failed: the worker ended by itself with exit code -9; its last lines:" in output
        assert "delivery settled" in output
        assert run.left_behind() == []
