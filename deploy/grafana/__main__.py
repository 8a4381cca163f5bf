"""Write the dashboards: ``python -m deploy.grafana [DIRECTORY]``. The same program writes the same bytes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from .accounts import accounts
from .detections import detections
from .operators import operators

HERE = Path(__file__).parent / "dashboards"


def main() -> None:
    """Write each into a file of its name."""
    directory = Path(sys.argv[1]) if sys.argv[1:] else HERE
    for board in (operators(), accounts(), detections()):
        text = written(board)
        (directory / f"{json.loads(text)['uid'].removeprefix('trailstream-')}.json").write_text(text, "utf-8")


def written(board: Dashboard) -> str:
    """Return a dashboard as Grafana reads it, its panels numbered in their order."""
    model = board.build()
    for number, panel in enumerate(model.panels or [], 1):
        panel.id_val = number
    return json.dumps(model, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
