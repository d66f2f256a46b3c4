#!/usr/bin/env python3
"""Makes __test__/reference/long/cases.json.gz: what vectorbt says about runs of up to 262,145 bars.

    .venv/bin/python scripts/reference/long.py

The engine computes long runs in sections and in parallel, so that the lengths lie around each of its thresholds. Prices and
signals come from a generator of integers that __test__/long.test.ts repeats, so that the file holds only what vectorbt
answers: all metrics, and samples and sums of orders, trades and equity. The packages are those of backtests.py.
"""

import gzip
import json
import warnings

import numpy as np
import pandas as pd
import vectorbt as vbt
from backtests import ROOT, header, number
from vectorbt_metrics import other_metrics, vectorbt_metrics

LENGTHS = [8_191, 8_192, 8_193, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537, 98_304, 100_003, 131_073, 262_145]
INITIAL_CAPITAL = 100_000.0
# Samples of a column.
SAMPLES = 40
# By our names and vectorbt's.
VARIANTS = {
    "allIn": ({"fees": 0.0005, "slippage": 0.0005}, {"fees": 0.0005, "slippage": 0.0005}),
    "stops": (
        {"fees": 0.0002, "slippage": 0.0003, "slStop": 0.02, "tpStop": 0.05, "stopEntryPrice": "close", "stopExitPrice": "stopLimit"},
        {"fees": 0.0002, "slippage": 0.0003, "sl_stop": 0.02, "tp_stop": 0.05},
    ),
    "both": (
        {"fees": 0.0001, "slippage": 0.0, "direction": "both", "size": 50, "uponLongConflict": "ignore"},
        {"fees": 0.0001, "slippage": 0.0, "direction": "both", "size": 50.0},
    ),
}


def integers(seed):
    """Yields integers from 0 to 65,535: the upper half of a linear congruential generator (Numerical Recipes)."""
    state = seed
    while True:
        state = (state * 1_664_525 + 1_013_904_223) & 0xFFFF_FFFF
        yield state >> 16


def bars(length):
    """Returns opens, highs, lows, closes in cents as a random walk, and entries and exits."""
    random = integers(length)
    cents, rows, entries, exits = 10_000, [], [], []
    for _ in range(length):
        first = cents
        cents = min(max(cents + next(random) % 101 - 50, 2_000), 50_000)
        high, low = max(first, cents) + next(random) % 20, min(first, cents) - next(random) % 20
        rows.append((first, high, low, cents))
        signal = next(random) % 64
        entries.append(signal in (0, 1))
        exits.append(signal in (1, 2, 3))
    prices = np.array(rows, dtype=float) / 100.0
    return [prices[:, column] for column in range(4)], np.array(entries), np.array(exits)


def sample(column):
    """Returns the length, the sum and some values of a column."""
    values = np.asarray(column, dtype=float)
    places = sorted({int(place) for place in np.linspace(0, len(values) - 1, SAMPLES)}) if len(values) else []
    return {"length": len(values), "sum": number(values.sum()), "at": places, "values": [number(values[place]) for place in places]}


def case(length, name):
    (open_, high, low, close), entries, exits = bars(length)
    ours, theirs = VARIANTS[name]
    series = pd.Series(close)
    portfolio = vbt.Portfolio.from_signals(
        series, entries, exits, open=open_, high=high, low=low, init_cash=INITIAL_CAPITAL, freq="1min", engine="numba", log=True, **theirs
    )
    orders, trades = portfolio.orders.records, portfolio.trades.records
    metrics = vectorbt_metrics(portfolio, "1min", 365, 0.0) | other_metrics(portfolio, portfolio.value().to_numpy())
    if name == "stops":
        # A stop fills at its own price: the close is not what it is measured against.
        del metrics["totalSlippagePaid"]
    return {
        "bars": length,
        "variant": name,
        "orders": {ours: sample(orders[column]) for ours, column in {"bar": "idx", "side": "side", "size": "size", "price": "price", "fees": "fees"}.items()},
        "trades": {ours: sample(trades[column]) for ours, column in {"entryBar": "entry_idx", "exitBar": "exit_idx", "pnl": "pnl"}.items()},
        "equity": sample(portfolio.value()),
        "metrics": {name: number(value) for name, value in metrics.items()},
    }


def main():
    warnings.simplefilter("ignore")
    made = [case(length, name) for length in LENGTHS for name in VARIANTS]
    head = header([]) | {"script": "scripts/reference/long.py"}
    del head["referees"]["vectorbt, confirmed by empyrical-reloaded to 1e-9"]
    document = {
        "header": head,
        "initialCapital": INITIAL_CAPITAL,
        "variants": {name: ours for name, (ours, _) in VARIANTS.items()},
        "cases": made,
    }
    out = ROOT / "__test__" / "reference" / "long" / "cases.json.gz"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(gzip.compress(json.dumps(document, separators=(",", ":"), allow_nan=False).encode(), compresslevel=9, mtime=0))
    orders = [one["orders"]["bar"]["length"] for one in made]
    print(f"{out.name}: {len(made)} cases, {min(orders)} to {max(orders)} orders, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
