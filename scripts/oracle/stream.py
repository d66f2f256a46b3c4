"""Writes random cases and their vectorbt results to standard output, for scripts/oracle/run.mjs.

    python scripts/oracle/stream.py --cases 20000 --seed 1 --bars 2000 --batch 50

The first frame is about the versions, each further one is a batch. A frame is the length of its head (four bytes, little
endian), the length of its columns, the head (JSON) and the columns one after another; in the head a column is
`{"f8": [offset, count]}` or `{"u1": [offset, count]}`.
"""

import argparse
import json
import struct
import sys
from importlib.metadata import version

import numpy as np

from cases import make_batch
from referee import answer

PACKAGES = ("vectorbt", "numba", "numpy", "pandas")


class Frame:
    def __init__(self):
        self.parts, self.size = [], 0

    def pack(self, value):
        """Converts a value for the head; arrays go to the columns."""
        if isinstance(value, np.ndarray):
            kind = "u1" if value.dtype == bool else "f8"
            content = np.ascontiguousarray(value, dtype=kind).tobytes()
            content += bytes(-len(content) % 8)
            offset, self.size = self.size, self.size + len(content)
            self.parts.append(content)
            return {kind: [offset, len(value)]}
        if isinstance(value, dict):
            return {key: self.pack(item) for key, item in value.items()}
        return [self.pack(item) for item in value] if isinstance(value, list) else value

    def write(self, head):
        head = json.dumps(self.pack(head), allow_nan=False).encode()
        out = sys.stdout.buffer
        out.write(struct.pack("<II", len(head), self.size) + head)
        for part in self.parts:
            out.write(part)
        out.flush()


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
