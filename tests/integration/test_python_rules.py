"""Rules of Python code in their child process, which they hang, end, flood and outlive."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import panther_rules
from trailstream.adapters.python_rules.judge import JudgeSettings, PythonJudge
from trailstream.adapters.python_rules.process import Surroundings
from trailstream.bootstrap.python_rules import open_code_runner
from trailstream.model.alert import Match, Severity
from trailstream.model.errors import RulesUnavailableError
from trailstream.model.facts import Fact
from trailstream.model.finding import Remarks
from trailstream.model.judging import EvaluationsSkipped, RuleDisabled, RuleProcessLost, RuleRaised
from trailstream.rules.loading import LoadedRules, load

MIB = 1024 * 1024

ALWAYS = "def rule(event):\n    return True\n"
HANGS = "def rule(event):\n    while event.get('eventName') == 'Hang':\n        pass\n    return True\n"
LEAVES = (
    "import os\n\ndef rule(event):\n    if event.get('eventName') == 'Leave':\n        os._exit(3)\n    return True\n"
)
CRASHES = (
    "import os, signal\n\ndef rule(event):\n    if event.get('eventName') == 'Crash':\n"
    "        os.kill(os.getpid(), signal.SIGSEGV)\n    return True\n"
)
TELLS_PID = "import os\n\ndef rule(event):\n    print(os.getpid())\n    return True\n"
RAISES = "def rule(event):\n    return event['nothing'] == 1\n"


@dataclass
class Bench:
    """A judge with its rules, and what it said."""

    judge: PythonJudge
    loaded: LoadedRules
    facts: list[Fact] = field(default_factory=list)

    async def ask(self, *names: str, of: str = "") -> dict[str, list[bool]]:
        """Ask every rule, or one, of records with these names; return what each says of them, in order."""
        rules = [rule.info for rule in self.loaded.rules if rule.info.id.startswith(of)]
        records = [{"eventName": name, "eventID": f"{name}-{number}"} for number, name in enumerate(names)]
        matches = [Match(rule, record, None, index) for index, record in enumerate(records) for rule in rules]
        verdicts = await self.judge.verdicts(matches, origin="s3://logs/a.json.gz")
        found: dict[str, list[bool]] = {rule.id: [] for rule in rules}
        for match, remarks in zip(matches, verdicts, strict=True):
            found[match.rule.id].append(remarks is not None)
        return found

    async def remarks(self, rule_id: str, record: dict[str, Any]) -> Remarks | None:
        (info,) = (rule.info for rule in self.loaded.rules if rule.info.id == rule_id)
        (remarks,) = await self.judge.verdicts([Match(info, record, None, 0)], origin=None)
        return remarks

    def of(self, kind: type[Fact]) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def disabled(self) -> dict[str, str]:
        return {fact.rule_id: fact.why for fact in self.facts if isinstance(fact, RuleDisabled)}


@asynccontextmanager
async def bench(
    files: Iterable[tuple[str, str]],
    *,
    root: Path | None = None,
    environment: dict[str, str] | None = None,
    memory_bytes: int | None = None,
    batch_seconds: float = 1,
    failures: int = 3,
) -> AsyncIterator[Bench]:
    loaded = load(files)
    assert not loaded.problems
    facts: list[Fact] = []
    judge = PythonJudge(
        loaded.rules,
        root=str(root or ""),
        settings=JudgeSettings(batch_seconds, 30, failures, 3600),
        surroundings=Surroundings(environment or {}, memory_bytes),
        emit=facts.append,
        clock=lambda: 0.0,
    )
    async with judge:
        yield Bench(judge, loaded, facts)


async def test_every_test_that_the_rules_bring_along_passes(tmp_path: Path) -> None:
    root = panther_rules.write(tmp_path)
    async with bench(panther_rules.FILES.items(), root=root) as at:
        assert at.disabled() == {}
        runs = [
            (rule.info.id, test, await at.judge.run(rule.info.id, test.record, test.mocks))
            for rule in at.loaded.rules
            for test in rule.tests
        ]
    assert [f"{rule_id}: {test.name}: {run.error}" for rule_id, test, run in runs if run.error] == []
    assert [run.matched for _, _, run in runs] == [test.expected for _, test, _ in runs]
    assert runs


async def test_a_match_is_described_by_the_rules_own_functions() -> None:
    record = {
        "eventName": "ConsoleLogin",
        "eventID": "e-1",
        "eventTime": "2026-01-02T03:04:05Z",
        "userIdentity": {"type": "Root"},
        "responseElements": {"ConsoleLogin": "Success"},
        "recipientAccountId": "111122223333",
        "sourceIPAddress": "198.51.100.7",
    }
    async with bench(panther_rules.FILES.items()) as at:
        assert await at.remarks("Test.Root.SignIn", record) == Remarks(
            title="Root of [111122223333] signed in from [198.51.100.7]",
            severity=Severity.CRITICAL,
            dedup="111122223333-2026-01-02T03:04:05Z",
            context={"name": "ConsoleLogin", "who": {"type": "Root"}, "mfa": None},
        )
        assert await at.remarks("Test.Root.SignIn", {**record, "userIdentity": {"type": "IAMUser"}}) is None


async def test_what_a_rule_remembers_is_kept_from_record_to_record_and_begins_anew_in_a_run_by_itself() -> None:
    secret = {"eventName": "GetSecretValue", "userIdentity": {"arn": "me"}}
    records = [{**secret, "eventID": name, "requestParameters": {"secretId": name}} for name in "abc"]
    async with bench(panther_rules.FILES.items()) as at:
        said = [await at.remarks("Test.Secrets.Read", record) is not None for record in records]
        run = await at.judge.run("Test.Secrets.Read", records[0])
    assert said == [False, False, True]
    assert not run.matched


async def test_a_rule_that_hangs_is_given_up_and_the_batch_asked_again_without_it() -> None:
    async with bench([("always.py", ALWAYS), ("hangs.py", HANGS)], batch_seconds=0.3) as at:
        assert await at.ask("Ok") == {"always": [True], "hangs": [True]}
        assert await at.ask("Ok", "Hang", "Ok") == {"always": [True] * 3, "hangs": [False] * 3}
        assert at.disabled() == {"hangs": "was at it when 0.3 s had passed"}
        assert at.of(EvaluationsSkipped) == [
            EvaluationsSkipped("hangs", "disabled", "s3://logs/a.json.gz", ("Ok-0", "Hang-1", "Ok-2"))
        ]
        assert await at.ask("Ok") == {"always": [True], "hangs": [False]}
        assert len(at.of(RuleDisabled)) == 1


async def test_of_a_batch_that_takes_too_long_the_rule_that_took_most_is_given_up() -> None:
    slow = "import time\n\ndef rule(event):\n    time.sleep({})\n    return True\n"
    async with bench([("fast.py", slow.format(0.001)), ("slow.py", slow.format(0.05))], batch_seconds=0.5) as at:
        answers = await at.ask(*["Ok"] * 40)
    assert list(at.disabled()) == ["slow"]
    assert answers == {"fast": [True] * 40, "slow": [False] * 40}


@pytest.mark.parametrize(
    ("code", "name", "how"),
    [(LEAVES, "Leave", "ended the process (exit 3)"), (CRASHES, "Crash", "ended the process (SIGSEGV)")],
)
async def test_a_rule_that_ends_the_process_is_given_up_and_costs_no_other_its_verdicts(
    code: str, name: str, how: str
) -> None:
    async with bench([("always.py", ALWAYS), ("ends.py", code), ("raises.py", RAISES)]) as at:
        assert await at.ask("Ok", name) == {"always": [True, True], "ends": [False, False], "raises": [False, False]}
    assert at.disabled() == {"ends": how}


async def test_a_process_that_is_held_up_by_something_else_is_replaced_and_no_rule_blamed() -> None:
    async with bench([("always.py", TELLS_PID)], batch_seconds=0.3) as at:
        os.kill(await pid_of(at), signal.SIGSTOP)
        assert await at.ask("Ok") == {"always": [True]}
        assert at.facts == [RuleProcessLost("was at it when 0.3 s had passed", None)]


async def test_a_process_that_somebody_kills_is_replaced_and_no_rule_blamed() -> None:
    async with bench([("always.py", TELLS_PID)]) as at:
        os.kill(await pid_of(at), signal.SIGKILL)
        assert await at.ask("Ok") == {"always": [True]}
        assert [fact.rule_id for fact in at.of(RuleProcessLost)] == [None]
        assert at.disabled() == {}


async def test_a_rule_that_raises_is_told_of_once_and_given_up_at_its_limit() -> None:
    async with bench([("always.py", ALWAYS), ("raises.py", RAISES)], failures=3) as at:
        await at.ask("a", "b")
        assert at.disabled() == {}
        await at.ask("c", "d")
        assert await at.ask("e") == {"always": [True], "raises": [False]}
    (raised,) = at.of(RuleRaised)
    assert "KeyError: 'nothing'" in raised.traceback
    assert at.disabled() == {"raises": "raised 3 times"}
    assert [(fact.reason, fact.record_ids) for fact in at.of(EvaluationsSkipped)] == [
        ("raised", ("a-0", "b-1")),
        ("raised", ("c-0", "d-1")),
        ("disabled", ("e-0",)),
    ]


async def test_a_rule_that_returns_no_boolean_is_taken_at_its_word_and_told_of_only_where_it_matches() -> None:
    files = [("text.py", "def rule(event):\n    return 'yes'\n"), ("nothing.py", "def rule(event):\n    return None\n")]
    async with bench(files) as at:
        assert await at.ask("a", "b") == {"text": [True, True], "nothing": [False, False]}
        assert (await at.judge.run("nothing", {})).complaints == ["rule() returned NoneType, expected bool"]
    assert at.of(RuleRaised) == [RuleRaised("text", "rule() returned str, expected bool")]
    assert at.disabled() == {}


async def test_a_module_that_cannot_be_imported_is_known_before_the_first_record() -> None:
    files = [
        ("always.py", ALWAYS),
        ("broken.py", f"import no_such_module\nno_such_module.call()\n{ALWAYS}"),
        ("leaving.py", f"import os\nos._exit(4)\n{ALWAYS}"),
        ("exiting.py", f"import sys\nsys.exit('no')\n{ALWAYS}"),
    ]
    async with bench(files) as at:
        disabled = at.disabled()
        assert sorted(disabled) == ["broken", "exiting", "leaving"]
        assert "no_such_module.call is called, but no_such_module is not installed" in disabled["broken"]
        assert "exit 4" in disabled["leaving"]
        assert (await at.ask("Ok"))["always"] == [True]


async def test_what_is_not_installed_fails_where_it_is_called_and_not_before() -> None:
    code = (
        "import no_such_module\n\ndef rule(event):\n"
        "    return event.get('eventName') == 'a' or no_such_module.f(event)\n"
    )
    async with bench([("a.py", code)]) as at:
        assert await at.ask("a", "b") == {"a": [True, False]}
    (raised,) = at.of(RuleRaised)
    assert "ModuleNotFoundError: no_such_module.f is called, but no_such_module is not installed" in raised.traceback


async def test_modules_import_each_other_by_name_by_path_and_by_neighbourhood(tmp_path: Path) -> None:
    files = {
        "deep/down/rules/a.py": "import shared\nfrom deep.down.lib import two\nfrom .b import three\n\n"
        "def rule(event):\n    return (shared.one(), two, three) == (1, 2, 3) and shared.folder.endswith('deep')\n",
        "deep/down/rules/b.py": "three = 3\n",
        "deep/down/lib/__init__.py": "two = 2\n",
        "deep/shared.py": "import pathlib\nfolder = str(pathlib.Path(__file__).parent)\n\ndef one():\n    return 1\n",
        "test/json.py": "raise ValueError('this is not the json that others import')\n",
        "test/c.py": "import json\n\ndef rule(event):\n    return json.loads('1') == 1\n",
    }
    async with bench(files.items(), root=tmp_path) as at:
        assert await at.ask("Ok") == {"deep/down/rules/a": [True], "test/c": [True]}
    assert at.facts == []


async def test_a_module_is_run_as_it_is_written_and_its_annotations_are_not_put_off() -> None:
    code = "def other(x: int): pass\n\ndef rule(event):\n    return other.__annotations__ == {'x': int}\n"
    async with bench([("a.py", code)]) as at:
        assert await at.ask("Ok") == {"a": [True]}


async def test_what_rules_print_read_and_close_does_not_disturb_the_conversation() -> None:
    code = (
        "import os, sys\n\nprint('loading' * 1000)\n\ndef rule(event):\n    print('x' * 100_000, flush=True)\n"
        "    os.write(1, b'raw')\n    os.write(2, b'raw')\n    return sys.stdin.read() == ''\n"
    )
    async with bench([("a.py", code)]) as at:
        assert await at.ask("Ok", "Ok") == {"a": [True, True]}
        assert (await at.judge.run("a", {})).output.startswith("xxx")


async def test_a_rule_has_none_of_the_workers_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    code = (
        "import os\n\ndef rule(event):\n"
        "    return not [name for name in os.environ if 'AWS' in name] and os.environ['TZ'] == 'UTC'\n"
    )
    async with bench([("a.py", code)], environment={"TZ": "UTC"}) as at:
        assert await at.ask("Ok") == {"a": [True]}


async def test_a_rule_that_wants_too_much_memory_raises_and_the_others_go_on() -> None:
    greedy = "def rule(event):\n    return len(bytearray(4 << 30)) > 0\n"
    async with bench([("always.py", ALWAYS), ("greedy.py", greedy)], memory_bytes=512 * MIB) as at:
        assert await at.ask("Ok") == {"always": [True], "greedy": [False]}
    assert "MemoryError" in at.of(RuleRaised)[0].traceback


async def test_a_rule_that_recurses_without_end_raises() -> None:
    code = "def rule(event):\n    return rule(event)\n"
    async with bench([("a.py", code)]) as at:
        assert await at.ask("Ok") == {"a": [False]}
    assert "RecursionError" in at.of(RuleRaised)[0].traceback


async def test_many_ask_at_a_time_and_each_gets_its_own_answer() -> None:
    code = "def rule(event):\n    return event.get('eventName') == 'yes'\n"
    async with bench([("a.py", code)]) as at:
        names = [["yes", "no"] if number % 2 else ["no", "no", "yes"] for number in range(40)]
        answers = await asyncio.gather(*(at.ask(*some) for some in names))
    assert answers == [{"a": [name == "yes" for name in some]} for some in names]


async def test_an_asker_that_is_cancelled_spoils_no_answer_of_the_next() -> None:
    code = "import time\n\ndef rule(event):\n    time.sleep(0.2)\n    return event.get('eventName') == 'yes'\n"
    async with bench([("a.py", code)], batch_seconds=5) as at:
        asking = asyncio.create_task(at.ask("yes"))
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await at.ask("no") == {"a": [False]}
        assert at.facts == []


async def test_where_no_process_can_be_had_nobody_knows() -> None:
    with pytest.raises(RulesUnavailableError, match="again and again"):
        async with bench([("a.py", ALWAYS)], environment={"PYTHONIOENCODING": "none-that-is-known"}):
            pass


async def test_no_process_is_left_when_the_judge_has_gone() -> None:
    async with bench([("always.py", TELLS_PID)]) as at:
        pid = await pid_of(at)
    assert not is_running(pid)


async def test_no_process_is_left_when_the_worker_is_killed_amid_a_rule_that_hangs(tmp_path: Path) -> None:
    (tmp_path / "hangs.py").write_text(HANGS)
    (tmp_path / "pid.py").write_text(TELLS_PID)
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from trailstream.bootstrap.python_rules import open_judge\n"
        "from trailstream.bootstrap.rules import load_rules\n"
        "from trailstream.model.alert import Match\n"
        "async def main():\n"
        "    root = Path(sys.argv[1])\n"
        "    rules = load_rules(root).rules\n"
        "    async with open_judge(rules, root, emit=print) as judge:\n"
        "        print((await judge.run('pid', {})).output, flush=True)\n"
        "        await judge.verdicts([Match(rules[0].info, {'eventName': 'Hang'}, None, 0)], origin=None)\n"
        "asyncio.run(main())\n"
    )
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    child = int(await worker.stdout.readline())
    await asyncio.sleep(0.2)
    worker.kill()
    await worker.wait()
    for _ in range(100):
        if not is_running(child):
            return
        await asyncio.sleep(0.05)
    pytest.fail("the child outlived the worker")


def test_a_tool_tries_rules_without_an_event_loop(tmp_path: Path) -> None:
    root = panther_rules.write(tmp_path)
    rules = load(panther_rules.FILES.items()).rules
    with open_code_runner(rules, root) as runner:
        assert runner is not None
        assert runner.run("Test.Failed.SignIn", {"eventName": "x"}).matched is False
        assert runner.run("Test.Secrets.Read", {"eventName": "GetSecretValue"}, {"add_to_string_set": "abc"}).matched
        with pytest.raises(KeyError):
            runner.run("nobody", {})


def test_a_mock_of_what_a_module_does_not_have_is_an_error_of_the_test(tmp_path: Path) -> None:
    root = panther_rules.write(tmp_path)
    with open_code_runner(load(panther_rules.FILES.items()).rules, root) as runner:
        assert runner is not None
        run = runner.run("Test.Failed.SignIn", {}, {"no_such_function": 1})
    assert "AttributeError" in run.error


def test_there_is_no_process_where_no_rule_is_code(tmp_path: Path) -> None:
    with open_code_runner([], tmp_path) as runner:
        assert runner is None


def is_running(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False


async def pid_of(at: Bench) -> int:
    """Ask the rule :data:`TELLS_PID`, in ``always.py``, which process it runs in."""
    return int((await at.judge.run("always", {})).output)
