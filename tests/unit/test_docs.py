"""The pages: reachable, linked to what is there, and naming only commands, options and calls of AWS that exist."""

from __future__ import annotations

import argparse
import importlib.util
import re
import shlex
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.session import get_session
from deploy.pages.parts import PARTS, Part

from endpoint import ROOT
from trailstream.config.stores import LedgerSettings
from trailstream.decode.notices import MAX_REFERENCES
from trailstream.entrypoints.cli import make_parser
from trailstream.pipeline import courier, custody

DOCS = ROOT / "docs"
MAP = DOCS / "README.md"
PAGES = [*ROOT.glob("*.md"), *DOCS.glob("*.md"), *(ROOT / "deploy").rglob("*.md")]

LINK = re.compile(r"\]\((?!\w+:)([^)\s]+)\)")
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"(?:^ {4,}.*\n)+", re.MULTILINE)
SHELLS = {"", "sh"}
BEFORE_A_COMMAND = re.compile(r"do|then|\w+=.*")
OPERATORS = "();<>|&"

AWS_OPTIONS = {"query", "output", "region", "profile", "endpoint-url"}
AWS_OWN_COMMANDS = {
    ("s3", "cp"),
    ("s3", "rm"),
    ("s3", "sync"),
    ("cloudformation", "deploy"),
    ("ecr", "get-login-password"),
    ("logs", "tail"),
}
"""What the AWS CLI has beyond the calls of the services."""


AWS_OTHER_NAMES = {("sns", "subscribe"): {"notification-endpoint"}}
"""Options that the AWS CLI calls otherwise than the service does."""

NUMBERS = {10: "ten"}


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    return FENCE.sub("", text_of(page))


def anchors_of(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def target_of(page: Path, link: str) -> tuple[Path, str]:
    path, _, anchor = link.partition("#")
    return (page.parent / path).resolve() if path else page, anchor


LINKS = [(page, link) for page in PAGES for link in LINK.findall(prose_of(page))]


def shell_lines(page: Path) -> Iterator[str]:
    """Every line that a shell would be given, continued lines as one."""
    blocks = [block for _, language, block in FENCE.findall(text_of(page)) if language in SHELLS]
    for block in [*blocks, *INDENTED.findall(prose_of(page))]:
        yield from block.replace("\\\n", " ").splitlines()


def commands(program: str) -> list[tuple[str, tuple[str, ...]]]:
    """What every page gives this program: (page, arguments)."""
    return [
        (name_of(page), tuple(words[1:]))
        for page in PAGES
        for line in shell_lines(page)
        if program in line
        for words in simple_commands(line)
        if words[:1] == [program]
    ]


def simple_commands(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=OPERATORS)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # a line of a text that is longer, and no command
        return
    for is_operator, piece in groupby(words, lambda word: set(word) <= set(OPERATORS)):
        command = list(piece)
        while command and BEFORE_A_COMMAND.fullmatch(command[0]):
            command.pop(0)
        if not is_operator:
            yield command


OURS, MAKES, CALLS, MODULES = (commands(program) for program in ("trailstream", "make", "aws", "python"))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_what_programs_write_is_current(part: Part) -> None:
    assert part.put_into(text_of(part.page)) == text_of(part.page), f"{part.page.name} is not current: make docs"


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match=PARTS[0].page.name):
        PARTS[0].put_into("# A page\n")


@pytest.mark.parametrize(("page", "link"), LINKS, ids=[f"{name_of(page)} {link}" for page, link in LINKS])
def test_every_link_leads_somewhere(page: Path, link: str) -> None:
    target, anchor = target_of(page, link)
    assert target.exists()
    assert not anchor or anchor in anchors_of(target)


def test_every_page_can_be_reached_from_the_map() -> None:
    reached, waiting = set[Path](), [MAP]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.exists():
            reached.add(page)
            waiting += [target_of(page, link)[0] for link in LINK.findall(prose_of(page)) if ".md" in link]
    assert sorted(set(DOCS.glob("*.md")) - reached) == []


def test_the_readme_leads_to_the_map() -> None:
    assert MAP in {target_of(page, link)[0] for page, link in LINKS if page == ROOT / "README.md"}


def test_there_are_commands_to_look_at() -> None:
    assert min(len(OURS), len(MAKES), len(CALLS)) > 10


@pytest.mark.parametrize(("page", "arguments"), OURS)
def test_every_command_of_ours_is_one(page: str, arguments: tuple[str, ...]) -> None:
    if arguments[0].startswith("--"):
        assert arguments in {("--version",), ("--help",)}, page
    else:
        make_parser().parse_args(arguments)


@pytest.mark.parametrize(
    "name", sorted({code for page in PAGES for code in re.findall(r"`trailstream ([a-z -]+)", prose_of(page))})
)
def test_every_command_that_is_mentioned_is_one(name: str) -> None:
    parser = make_parser()
    for word in name.split():
        if word.startswith("--"):
            assert word in {option for action in parser._actions for option in action.option_strings}
            return
        inner = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        if not inner:
            return
        parser = inner[0][word]


@pytest.mark.parametrize(("page", "arguments"), MAKES)
def test_every_target_of_make_is_one(page: str, arguments: tuple[str, ...]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert arguments[0] in targets, page


@pytest.mark.parametrize(("page", "arguments"), MODULES)
def test_every_module_that_is_run_is_one(page: str, arguments: tuple[str, ...]) -> None:
    if arguments[:1] == ("-m",):
        assert importlib.util.find_spec(f"{arguments[1]}.__main__") is not None, page


@pytest.mark.parametrize(("page", "arguments"), CALLS)
def test_every_call_of_aws_is_one_with_these_options(page: str, arguments: tuple[str, ...]) -> None:
    words = [word for word in arguments if not word.startswith("--endpoint-url")]
    service, call = words[:2]
    if (service, call) in AWS_OWN_COMMANDS:
        return
    try:
        model = get_session().get_service_model("s3" if service == "s3api" else service)
    except UnknownServiceError:
        pytest.fail(f"{page}: AWS has no service {service}")
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    assert call in operations, page
    shape = model.operation_model(operations[call]).input_shape
    members = {xform_name(name, "-") for name in shape.members} if shape else set()
    options = {word[2:].partition("=")[0] for word in words if word.startswith("--")}
    assert options <= members | AWS_OPTIONS | AWS_OTHER_NAMES.get((service, call), set()), page


def test_the_architecture_page_has_every_room_in_the_order_of_the_imports() -> None:
    page = text_of(DOCS / "architecture.md")
    rooms = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    service = ROOT / "service" / "trailstream"
    assert set(rooms) == {each.name for each in service.iterdir() if (each / "__init__.py").exists()}
    (contract,) = re.findall(r"^layers = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.DOTALL | re.MULTILINE)
    layers = [re.findall(r"trailstream\.(\w+)", line) for line in contract.splitlines()]
    depth = {room: number for number, layer in enumerate(reversed(layers)) for room in layer}
    assert [depth[room] for room in rooms] == sorted(depth[room] for room in rooms)


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("security.md", f"A message can name {MAX_REFERENCES:,} objects at the most"),
        ("architecture.md", f"goes out with {NUMBERS[courier.BATCH]} at a time"),
        ("architecture.md", f"gather for some milliseconds, {NUMBERS[custody.BATCH]} to a call"),
        ("backfill.md", f"`ledger.window_days` ({LedgerSettings.model_fields['window_days'].default})"),
    ],
)
def test_a_number_in_a_page_is_that_of_the_code(page: str, sentence: str) -> None:
    assert sentence in " ".join(text_of(DOCS / page).split())


def listed(page: str) -> set[str]:
    """What the first column of a reference lists; other tests hold each reference to the code."""
    return set(re.findall(r"^\| `([\w.]+)` \|", text_of(DOCS / page), re.MULTILINE))


def mentioned(pattern: str) -> set[str]:
    return {name for page in PAGES for name in re.findall(pattern, text_of(page))}


def test_every_metric_that_a_page_mentions_is_exported() -> None:
    names = {re.sub(r"_(bucket|count|sum)$", "", name) for name in mentioned(r"\b(trailstream_[a-z_]+[a-z])\b")}
    assert len(names) > 10
    assert names - listed("metrics.md") == set()


def test_every_setting_that_a_page_mentions_is_one() -> None:
    settings = listed("configuration.md")
    # A name under "aws." is a source of EventBridge's, too.
    sections = sorted({name.partition(".")[0] for name in settings} - {"aws"})
    names = mentioned(rf"`((?:{'|'.join(sections)})\.[a-z_.]+[a-z])`")
    groups = {name.rpartition(".")[0] for name in settings}
    assert len(names) > 10
    assert names - settings - groups == set()


def test_every_error_code_of_an_object_that_a_page_mentions_is_one() -> None:
    codes = mentioned(r"`(object_(?!store`)[a-z]+)`")  # that one is a breaker's
    assert len(codes) > 2
    assert codes - listed("dead-letters.md") == set()
