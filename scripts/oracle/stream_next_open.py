"""Writes random runs at the next open with stops, and their results in backtesting.py, to standard output for next-open.mjs.

    python scripts/oracle/stream_next_open.py --cases 5000 --seed 1 --bars 100

The first frame is about the versions, each further one has up to 50 cases. `expected` is null for a case that is left out.
"""

import argparse
import sys
from importlib.metadata import version
from pathlib import Path

from frame import Frame

sys.path.append(str(Path(__file__).resolve().parent.parent / "reference"))
from next_open import PACKAGES, cases  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--bars", type=int, required=True, help="the most bars of a case")
    asked = parser.parse_args()
    Frame().write({"versions": {name: version(name) for name in PACKAGES} | {"python": sys.version.split()[0]}})
    batch = []
    for case in cases(asked.seed, asked.cases, asked.bars):
        batch.append(case)
        if len(batch) == 50 or case["case"] == asked.cases - 1:
            Frame().write({"cases": batch})
            batch = []


if __name__ == "__main__":
    main()
