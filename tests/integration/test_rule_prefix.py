"""Rules below a prefix in S3: what is read, what shows a change, and what is not fetched twice."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from endpoint import REGION, Endpoint, wiped_environment
from logs import document
from samples import CREATE_TOPIC_RULE, topic_record
from trailstream.adapters.aws import AwsClients
from trailstream.adapters.rule_prefix import RulePrefix
from trailstream.model.problems import RulesUnreadError
from trailstream.pipeline.rules_place import MAX_RULE_FILE_BYTES

BUCKET = "detections"


async def put(aws: AwsClients, **files: bytes) -> None:
    s3 = await aws.s3()
    for name, content in files.items():
        await s3.put_object(Bucket=BUCKET, Key=f"team/{name.replace('__', '/')}.yaml", Body=content)


@pytest.fixture
async def place(aws: AwsClients) -> RulePrefix:
    client = await aws.s3()
    await client.create_bucket(Bucket=BUCKET)
    return RulePrefix(client=client, uri=f"s3://{BUCKET}/team")


async def test_every_rule_file_below_the_prefix_is_read_in_order_and_nothing_else(
    aws: AwsClients, place: RulePrefix
) -> None:
    await put(aws, b=b"two", a__deep=b"\xef\xbb\xbfone", b_bad=b"\xff", huge=b"#" * (MAX_RULE_FILE_BYTES + 1))
    s3 = await aws.s3()
    for key in ("team/README.md", "team/.git/a.yaml", "team/.hidden.yaml", "team-b/a.yaml", "team/folder/"):
        await s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    texts = await place.read()
    assert texts.files == [("a/deep.yaml", "one"), ("b.yaml", "two")]
    assert [str(problem.where) for problem in texts.problems] == ["b_bad.yaml:1", "huge.yaml"]


async def test_a_change_shows_and_what_has_not_changed_is_not_fetched_again(aws: AwsClients, place: RulePrefix) -> None:
    await put(aws, a=b"one", b=b"two")
    before = await place.fingerprint()
    await place.read()
    assert await place.fingerprint() == before
    await put(aws, b=b"three")
    assert await place.fingerprint() != before
    known = dict(place._known)
    assert (await place.read()).files == [("a.yaml", "one"), ("b.yaml", "three")]
    kept = [each for each in place._known if each in known and place._known[each] is known[each]]
    assert [each.path for each in kept] == ["a.yaml"]


async def test_more_files_than_a_page_lists_are_read(aws: AwsClients, place: RulePrefix) -> None:
    await put(aws, **{f"rule{number:04}": b"x" for number in range(1010)})
    assert len((await place.read()).files) == 1010


def run(endpoint: Endpoint, *arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    program = Path(sys.executable).parent / "trailstream"
    environment = wiped_environment() | {"AWS_ENDPOINT_URL": endpoint.url, "AWS_REGION": REGION} | variables
    return subprocess.run([program, *arguments], capture_output=True, env=environment, timeout=60, check=False)


@pytest.mark.usefixtures("place")
async def test_the_rules_of_a_prefix_are_checked_and_listed_from_the_command_line(
    aws: AwsClients, endpoint: Endpoint
) -> None:
    await put(aws, a=b"eventName: [CreateTopic]", b=b"colour: red")
    for tool, code in (("check", 2), ("list", 1)):
        done = await asyncio.to_thread(run, endpoint, "rules", tool, f"s3://{BUCKET}/team/")
        assert done.returncode == code
        assert b"b.yaml:1" in done.stderr
        assert b"Traceback" not in done.stderr


async def test_a_prefix_without_rule_files_is_a_problem(place: RulePrefix) -> None:
    (problem,) = (await place.read()).problems
    assert (problem.where, problem.what) == (f"s3://{BUCKET}/team", "holds no rule file")


async def test_a_bucket_that_is_not_there_cannot_be_read(aws: AwsClients) -> None:
    place = RulePrefix(client=await aws.s3(), uri="s3://nowhere/rules/")
    for ask in (place.fingerprint, place.read):
        with pytest.raises(RulesUnreadError, match=r"s3://nowhere/rules/: cannot be read"):
            await ask()


@pytest.mark.usefixtures("place")
async def test_a_scan_takes_the_rules_of_a_prefix_and_says_which_code_it_does_not_run(
    aws: AwsClients, endpoint: Endpoint, tmp_path: Path
) -> None:
    await put(aws, topic=CREATE_TOPIC_RULE.encode())
    code = b"def rule(event):\n    return event.get('eventName') == 'CreateTopic'\n"
    await (await aws.s3()).put_object(Bucket=BUCKET, Key="team/code.py", Body=code)
    (tmp_path / "log.json").write_bytes(document([topic_record(1)]))
    elsewhere = Endpoint("http://127.0.0.1:9")
    scan = ("scan", str(tmp_path / "log.json"), "--rules", f"s3://{BUCKET}/team", "--endpoint-url", endpoint.url)
    done = await asyncio.to_thread(run, elsewhere, *scan)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1), done.stderr
    assert b"code.py: not evaluated: it is Python code, and rules.python.run is from-directory" in done.stderr
    done = await asyncio.to_thread(run, elsewhere, *scan, TRAILSTREAM_RULES__PYTHON__RUN="always")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 2), done.stderr
    assert b"not evaluated" not in done.stderr


async def test_a_scan_whose_rules_cannot_be_read_reads_nothing_else(endpoint: Endpoint) -> None:
    done = await asyncio.to_thread(run, endpoint, "scan", "-", "--rules", "s3://nobody-s/rules")
    assert done.returncode == 2
    assert b"s3://nobody-s/rules: cannot be read" in done.stderr
