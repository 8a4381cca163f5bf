from __future__ import annotations

from typing import Any, cast

from trailstream.adapters.batches import MAX_BATCH_BYTES
from trailstream.adapters.sqs_inlet import SqsInlet
from trailstream.pipeline.ports import Outgoing

URL = "https://sqs.eu-west-1.amazonaws.com/111122223333/logs"


class Client:
    """Keeps what was sent; confirms all but what it is told."""

    def __init__(self, *, failed: dict[str, str] | None = None, silent: frozenset[str] = frozenset()) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self._failed = failed or {}
        self._silent = silent

    async def send_message_batch(self, **parameters: Any) -> dict[str, Any]:
        entries = parameters["Entries"]
        self.calls.append(entries)
        refused = [entry for entry in entries if entry["MessageBody"] in self._failed]
        taken = [each for each in entries if each not in refused and each["MessageBody"] not in self._silent]
        return {
            "Successful": [{"Id": entry["Id"]} for entry in taken],
            "Failed": [{"Id": entry["Id"], "Code": self._failed[entry["MessageBody"]]} for entry in refused],
        }


def inlet(client: Client, url: str = URL) -> SqsInlet:
    return SqsInlet(client=cast("Any", client), queue_url=url)


async def test_every_entry_has_its_own_result_and_silence_is_no_success() -> None:
    client = Client(failed={"b": "InvalidMessageContents"}, silent=frozenset({"c"}))
    results = await inlet(client).put([Outgoing(body, body) for body in "abcd"])
    assert results == [None, "InvalidMessageContents", "NoAnswer", None]


async def test_what_is_too_much_for_one_call_takes_several_and_keeps_its_order() -> None:
    bodies = ["a" * 200_000, "é" * 100_000, "c" * 50_000, "d" * (MAX_BATCH_BYTES + 1), "e"]
    client = Client(failed={"e": "Failed"})
    assert await inlet(client).put([Outgoing(str(i), body) for i, body in enumerate(bodies)]) == [*[None] * 4, "Failed"]
    assert [[entry["MessageBody"][0] for entry in call] for call in client.calls] == [["a"], ["é", "c"], ["d"], ["e"]]


async def test_attributes_count_for_the_size_of_a_call() -> None:
    attributes = {"MessageAttributes": {"a": {"DataType": "String", "StringValue": "x" * 150_000}}}
    client = Client()
    await inlet(client).put([Outgoing("1", "a", attributes), Outgoing("2", "b", attributes)])
    assert len(client.calls) == 2


async def test_nothing_to_put_is_no_call() -> None:
    client = Client()
    assert await inlet(client).put([]) == []
    assert client.calls == []


async def test_a_fifo_queue_is_told_how_to_know_a_repeat_and_a_standard_one_is_not() -> None:
    client = Client()
    message = Outgoing("message-1", "body", {"MessageGroupId": "account-1"})
    await inlet(client).put([message])
    await inlet(client, f"{URL}.fifo").put([message, Outgoing("message-2", "body")])
    assert client.calls == [
        [{"Id": "0", "MessageBody": "body", "MessageGroupId": "account-1"}],
        [
            {
                "Id": "0",
                "MessageBody": "body",
                "MessageGroupId": "account-1",
                "MessageDeduplicationId": "message-1",
            },
            {
                "Id": "1",
                "MessageBody": "body",
                "MessageGroupId": "message-2",
                "MessageDeduplicationId": "message-2",
            },
        ],
    ]
