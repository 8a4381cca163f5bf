"""Baseline: inflate and nothing else, in steps of the sizes in which the service does it."""

from __future__ import annotations

import sys
from pathlib import Path

from isal import isal_zlib

from .datasets import logs_in
from .outcome import Stopwatch, tell

READ_BYTES = 256 * 1024
INPUT_BYTES = 64 * 1024
PIECE_BYTES = 128 * 1024
_GZIP = 16 + isal_zlib.MAX_WBITS


def main() -> None:
    watch = Stopwatch()
    with watch.running():
        inflated = sum(map(_inflated, logs_in(Path(sys.argv[1]))))
    tell(watch, inflated_bytes=inflated)


def _inflated(path: Path) -> int:
    inflated = 0
    inflater = isal_zlib.decompressobj(_GZIP)
    with path.open("rb") as file:
        while chunk := file.read(READ_BYTES):
            for start in range(0, len(chunk), INPUT_BYTES):
                piece = inflater.decompress(chunk[start : start + INPUT_BYTES], PIECE_BYTES)
                inflated += len(piece)
                while inflater.unconsumed_tail or len(piece) == PIECE_BYTES:
                    piece = inflater.decompress(inflater.unconsumed_tail, PIECE_BYTES)
                    inflated += len(piece)
    return inflated


if __name__ == "__main__":
    main()
