"""Draw the reference pictures of both protagonists: `python infra/samples/draw_reference_photos.py OUT_DIR`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from infra.samples.figures import PROTAGONISTS
from infra.samples.portraits import draw

if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: draw_reference_photos.py OUT_DIR")
    for protagonist in PROTAGONISTS:
        for picture in draw(protagonist, Path(sys.argv[1])):
            print(picture)
