"""The candidate: the handler as a Lambda sandbox runs it, from the package alone: it imports nothing from here."""

import json
import statistics
import sys
import time
from itertools import pairwise

WARM_EVENTS = 50


class Context:
    """What Lambda says of an invocation."""

    aws_request_id = "8b1f9f2e-0000-4000-8000-000000000000"
    function_name = "trailstream"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def main(bucket: str, key: str) -> None:
    began = time.process_time()
    from trailstream.entrypoints.aws_lambda import handler  # noqa: PLC0415 -- this import is what is measured

    imported = time.process_time()
    event = {
        "Records": [
            {
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 1024}},
            }
        ]
    }
    times = [imported]
    for _ in range(1 + WARM_EVENTS):
        handler(event, Context())
        times.append(time.process_time())
    first, *warm = (after - before for before, after in pairwise(times))
    figures = {"import_ms": imported - began, "first_ms": first, "warm_ms": statistics.median(warm)}
    outcome = {name: seconds * 1000 for name, seconds in figures.items()}
    sys.stdout.write(f"\n{json.dumps(outcome)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
