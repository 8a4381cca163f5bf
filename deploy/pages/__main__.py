"""``make docs``: write the parts of the pages that are written by program."""

from __future__ import annotations

from .parts import PARTS

if __name__ == "__main__":
    for part in PARTS:
        part.page.write_text(part.put_into(part.page.read_text(encoding="utf-8")), encoding="utf-8")
