"""Writes random simulations and their vectorbt results to files, for the tests that run without Python.

    python scripts/oracle/generate.py

makes __test__/reference/simulation/vectorbt-SEED.json.gz (for __test__/oracle.test.ts) and cases.jsonl (for `cargo test`);
__test__/reference/README.md describes both. The packages are those of requirements.txt; the same ones give the same bytes.
`--jsonl FILE --seed S --cases N --bars B` writes another file for `SIMULATION_CASES=FILE cargo test`.
"""

import argparse
import gzip
import json
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cases import make_batch
from referee import answer

OUT = Path(__file__).resolve().parent.parent.parent / "__test__" / "reference" / "simulation"
PACKAGES = ("vectorbt", "numba", "numpy", "pandas")
# Twelve digits: five hundred times finer than the tolerance, and half the size of all seventeen.
DIGITS = 12
FILES = [{"seed": 1001, "cases": 1000, "bars": 90}, {"seed": 1002, "cases": 1000, "bars": 90}, {"seed": 1003, "cases": 1000, "bars": 90}]


def cases(seed, count, bars, batch):
    """Yields cases with vectorbt's results."""
    rng = np.random.default_rng(seed)
    for made in range(0, count, batch):
        one = make_batch(rng, min(batch, count - made), bars)
        for at, (case, expected) in enumerate(zip(one["cases"], answer(one))):
            yield {"case": made + at, **case, "expected": expected}


def plain(value, digits=None):
    """Converts arrays for JSON: signals to a string of one character per bar, numbers to a limited number of digits."""
    if isinstance(value, np.ndarray):
        if value.dtype == bool:
            return "".join("1" if bit else "0" for bit in value)
        return [plain(item, digits) for item in value.tolist()]
    if isinstance(value, float):
        if not np.isfinite(value):
            return None
        value = float(f"%.{digits}g" % value) if digits else value
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, dict):
        return {key: plain(item, digits) for key, item in value.items()}
    return [plain(item, digits) for item in value] if isinstance(value, list) else value


def head(**asked):
    packages = {name: version(name) for name in PACKAGES}
    return {"script": "scripts/oracle/generate.py", "engine": "numba", "python": platform.python_version(), "packages": packages, **asked}


def write_lines(path, seed, count, bars):
    """Writes JSON lines with all digits, for the Rust tests."""
    with open(path, "w", newline="\n") as file:
        print(json.dumps(head(seed=seed, cases=count, bars=bars)), file=file)
        for case in cases(seed, count, bars, batch=4):
            case["expected"].pop("metrics", None)
            print(json.dumps(plain(case), separators=(",", ":"), allow_nan=False), file=file)


def write_compressed(path, seed, count, bars):
    document = {"header": head(seed=seed, bars=bars, digits=DIGITS), "cases": []}
    for case in cases(seed, count, bars, batch=10):
        for name in ("freeCash", "unfilled"):
            case["expected"].pop(name, None)
        document["cases"].append(plain(case) | {"expected": plain(case["expected"], DIGITS)})
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
    path.write_bytes(gzip.compress(text, compresslevel=9, mtime=0))
    orders = sum(len(case["expected"].get("orders", {}).get("bar", [])) for case in document["cases"])
    print(f"{path.name}: {count} cases, {orders} orders, {path.stat().st_size:,} bytes")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jsonl")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=360)
    parser.add_argument("--bars", type=int, default=30, help="the most bars of a case")
    asked = parser.parse_args()
    if asked.jsonl:
        return write_lines(asked.jsonl, asked.seed, asked.cases, asked.bars)
    OUT.mkdir(parents=True, exist_ok=True)
    write_lines(OUT / "cases.jsonl", 1, 360, 30)
    for file in FILES:
        write_compressed(OUT / f"vectorbt-{file['seed']}.json.gz", file["seed"], file["cases"], file["bars"])


if __name__ == "__main__":
    main()
