"""A terminal in which a page is followed: bash, the real AWS CLI, and the local endpoint instead of AWS."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from endpoint import ROOT, Endpoint, wiped_environment

SECONDS = 60
"""How long one step may take: each call of the AWS CLI is a second of imports."""

AWS = 'aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }'
"""Version 1 of the AWS CLI overlooks the variable for SQS."""


def steps(page: str) -> Sequence[str]:
    """Return the scripts of a page of docs/, in their order."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


class Shell:
    """What a step sets, the next one has."""

    def __init__(self, folder: Path, endpoint: Endpoint, **variables: str) -> None:
        self.folder = folder
        self.environment = wiped_environment() | {"AWS_ENDPOINT_URL": endpoint.url} | variables
        self._kept = folder / "kept.sh"
        self._kept.touch()

    def run(self, script: str) -> str:
        """Run a script in the folder and return what it prints. An error of any command ends it and the test."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"{AWS}\n. {self._kept}\nset -a\n{script}\nexport -p > {self._kept}"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
