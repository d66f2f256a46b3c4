"""Writes random cases and their vectorbt results to standard output, for scripts/oracle/run.mjs.

    python scripts/oracle/stream.py --cases 20000 --seed 1 --bars 2000 --batch 50

The first frame is about the versions, each further one is a batch.
"""

import argparse
import sys
from importlib.metadata import version

import numpy as np

from cases import make_batch
from frame import Frame
from referee import answer

PACKAGES = ("vectorbt", "numba", "numpy", "pandas")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--bars", type=int, required=True, help="the most bars of a case")
    parser.add_argument("--batch", type=int, default=50, help="cases that vectorbt answers at once")
    asked = parser.parse_args()
    Frame().write({"versions": {name: version(name) for name in PACKAGES} | {"python": sys.version.split()[0]}})
    rng = np.random.default_rng(asked.seed)
    made = 0
    while made < asked.cases:
        batch = make_batch(rng, min(asked.batch, asked.cases - made), asked.bars)
        answers = answer(batch)
        cases = [case | {"case": made + at, "expected": answers[at]} for at, case in enumerate(batch["cases"])]
        Frame().write({"bars": batch["bars"], "step": batch["step"], "cases": cases})
        made += len(cases)


if __name__ == "__main__":
    main()
