"""A stand-in for S3, SQS and SNS that is much faster than any worker: nginx, and a small server behind it.

nginx answers GET from files, with the headers of an object that CloudTrail wrote. Whatever is posted goes to the small
server, which holds the messages of one run and answers with prepared bodies; it checks no signature.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.demo.processes import free_port

from .corpus import ROOT
from .datasets import BUILD
from .proc import cpu_seconds

QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/111122223333/notifications"
TOPIC_ARN = "arn:aws:sns:us-east-1:111122223333:alerts"

WORKER_CPU, STAND_IN_CPU = 0, 1
"""The first and the second of the processors that the benchmark may use."""
START_SECONDS, RUN_SECONDS = 30, 600

_NGINX = """
daemon off; master_process off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000; keepalive_timeout 300;
  open_file_cache max=10000 inactive=600s;
  client_max_body_size 2m; client_body_buffer_size 512k;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  upstream small_server {{ server 127.0.0.1:{behind}; keepalive 32; }}
  server {{
    listen 127.0.0.1:{port};
    location = / {{
      proxy_pass http://small_server; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 60;
    }}
    location / {{
      root {bucket}; etag on; types {{ }} default_type application/json;
      add_header Content-Encoding gzip; add_header x-amz-request-id 0123456789ABCDEF; add_header x-amz-id-2 AAAA;
    }}
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class StandIn:
    """The running stand-in."""

    url: str
    _control_url: str
    directory: Path
    """For what is written meanwhile; it goes with the stand-in."""
    _pids: tuple[int, ...]

    @property
    def cpu_seconds(self) -> float:
        """CPU time that all of it has used."""
        return sum(map(cpu_seconds, self._pids))

    def until_polled(self) -> None:
        """Wait until somebody waits for messages."""
        self._control("polled", {}, seconds=START_SECONDS)

    def load(self, keys: Sequence[str], *, per_second: float | None = None) -> None:
        """Begin a run: put a notification on the queue for each key, all at once or so many a second."""
        self._control("load", {"keys": list(keys), "per_second": per_second})

    def until_settled(self) -> Mapping[str, Any]:
        """Wait until every message is deleted; return what was seen meanwhile."""
        return self._control("settled", {})

    def _control(
        self, action: str, options: Mapping[str, object], *, seconds: float = RUN_SECONDS
    ) -> Mapping[str, Any]:
        request = urllib.request.Request(f"{self._control_url}/control/{action}", json.dumps(options).encode())
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            facts: Mapping[str, Any] = json.load(answer)
            return facts


def nginx() -> str | None:
    """Return the program, where it is installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def pin(pid: int, cpu: int) -> None:
    """Keep a process on one processor, where there are two: worker and stand-in take no time from each other."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) > 1:
        os.sched_setaffinity(pid, {usable[cpu]})


@contextmanager
def standing_in(bucket: Path) -> Iterator[StandIn]:
    """Serve the objects below a directory, and a queue, until the block ends."""
    program = nginx()
    assert program is not None
    port, behind = free_port(), free_port()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=BUILD)))
        configuration = directory / "nginx.conf"
        configuration.write_text(_NGINX.format(directory=directory, bucket=bucket, port=port, behind=behind))
        pids = [
            stack.enter_context(_running(command)).pid
            for command in (
                [sys.executable, "-m", "tests.bench.queue_server", str(behind)],
                [program, "-c", str(configuration), "-e", str(directory / "error.log")],
            )
        ]
        _until_answering(f"http://127.0.0.1:{behind}/control/ready")
        _until_answering(f"http://127.0.0.1:{port}/control/ready")
        yield StandIn(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{behind}", directory, tuple(pids))


@contextmanager
def _running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, cwd=ROOT) as process:
        pin(process.pid, STAND_IN_CPU)
        try:
            yield process
        finally:
            process.terminate()


def _until_answering(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
