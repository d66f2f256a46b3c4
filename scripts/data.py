#!/usr/bin/env python3
"""Creates the bars in data/ from the two packages that contain them. Standard library only.

    npm pack vega-datasets@3.2.1
    pip download --no-deps bokeh_sampledata==2026.1
    python scripts/data.py FOLDER_WITH_BOTH_ARCHIVES [--check]

The sources are checked against the hashes below before anything is written, and the bars against the invariants of
`Bars` (strictly increasing dates, finite positive prices, low <= open and close <= high, volume not negative). A row
that breaks one ends the script: nothing is repaired silently. With --check, nothing is written; the
script fails if data/ differs from what it would write.
"""

import csv
import gzip
import hashlib
import io
import math
import sys
import tarfile
import zipfile
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"

VEGA = ("vega-datasets-3.2.1.tgz", "package/data/sp500-2000.csv")
VEGA_SHA256 = "9409e9342d0657c747324e4cfabce8a8c7f663bc485b95a3378f36b0a160f8c8"
BOKEH = ("bokeh_sampledata-2026.1-py3-none-any.whl", "bokeh_sampledata/_data/stocks.csv.gz")
# The hash that the package itself states in licenses/datasets.json.
BOKEH_SHA256 = "5abadf99b2d394f920120a27de6f0df129859d71d4cfb0bf661bcc99446ab1fd"
BOKEH_LICENSE = "bokeh_sampledata-2026.1.dist-info/licenses/LICENSE.txt"
TICKERS = ("AAPL", "IBM", "MSFT")


def checked(name, content, sha256):
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        sys.exit(f"{name} has the SHA-256 {found}, expected {sha256}")
    return content


def sp500(folder):
    """Returns the unchanged file of vega-datasets, with a newline after the last row."""
    with tarfile.open(folder / VEGA[0]) as archive:
        text = checked(VEGA[1], archive.extractfile(VEGA[1]).read(), VEGA_SHA256).decode()
    return text.rstrip("\n") + "\n"


def stocks(wheel, ticker):
    """Returns the unchanged rows of one ticker, without the ticker column."""
    text = gzip.decompress(checked(BOKEH[1], wheel.read(BOKEH[1]), BOKEH_SHA256)).decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0][0] == "Ticker", rows[0]
    kept = [rows[0][1:]] + [row[1:] for row in rows[1:] if row[0] == ticker]
    return "".join(",".join(row) + "\n" for row in kept)


def check(name, text):
    """Checks the invariants of Bars and returns the number of rows. Ends the script if a row breaks one."""
    rows = list(csv.DictReader(io.StringIO(text)))
    faults = []
    before = ""
    for line, row in enumerate(rows, start=2):
        bar = {key.lower(): value for key, value in row.items()}
        opened, high, low, close, volume = (float(bar[key]) for key in ("open", "high", "low", "close", "volume"))
        sound = (
            before < bar["date"]
            and all(math.isfinite(price) and price > 0 for price in (opened, high, low, close))
            and low <= min(opened, close)
            and max(opened, close) <= high
            and math.isfinite(volume)
            and volume >= 0
        )
        if not sound:
            faults.append(f"{name}:{line}: {row}")
        before = bar["date"]
    if faults:
        sys.exit("\n".join(faults))
    return len(rows)


def main(arguments):
    only_check = "--check" in arguments
    folder = Path(next(argument for argument in arguments if not argument.startswith("--")))
    files = {"sp500-daily.csv": sp500(folder)}
    with zipfile.ZipFile(folder / BOKEH[0]) as wheel:
        for ticker in TICKERS:
            files[f"{ticker.lower()}-daily.csv"] = stocks(wheel, ticker)
        files["licenses/bokeh_sampledata.txt"] = wheel.read(BOKEH_LICENSE).decode()
    for name, text in files.items():
        if name.endswith(".csv"):
            print(f"{name}: {check(name, text)} bars, valid")
        path = DATA / name
        if not only_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        elif path.read_bytes() != text.encode():
            sys.exit(f"{path} differs from the output of this script")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
