#!/usr/bin/env python3
"""Creates __test__/reference/strategies/*.json: entries and exits of the built-in strategies on the bars of data/.

    python -m venv .venv
    .venv/bin/pip install TA-Lib==0.8.2 pandas==3.1.1 numpy==2.4.6
    .venv/bin/python scripts/reference/strategies.py

The rules are written here once more, on pandas and TA-Lib. Deviations, channels and changes are pandas' rolling windows;
what has a memory (EMA, MACD, RSI, ADX, the average true range) is TA-Lib's, and so is what can touch exactly (simple
averages, the stochastic oscillator): prices in cents make that happen, and then the last bit decides who is above. The
Supertrend is its published recursion in plain Python on TA-Lib's average true range, long at first. Signals are runs of
bars, first and last. The same input gives the same bytes.
"""

import csv
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import talib

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "__test__" / "reference" / "strategies"
ASSETS = ("sp500", "aapl", "ibm", "msft")


def read_bars(asset):
    with open(ROOT / "data" / f"{asset}-daily.csv", newline="") as file:
        rows = [{key.lower(): value for key, value in row.items()} for row in csv.DictReader(file)]
    return {name: pd.Series([float(row[name]) for row in rows]) for name in ("open", "high", "low", "close", "volume")}


def above(a, b):
    """Returns where a is above b, was at or below b on the previous bar, and has been below b since the last missing value."""
    a, b = np.broadcast_arrays(np.asarray(a, float), np.asarray(b, float))
    found, was_below = np.zeros(len(a), bool), False
    for bar in range(len(a)):
        if np.isnan(a[bar]) or np.isnan(b[bar]):
            was_below = False
        elif a[bar] > b[bar]:
            found[bar], was_below = was_below, False
        elif a[bar] < b[bar]:
            was_below = True
    return found


def crossings(fast, slow):
    return above(fast, slow), above(slow, fast)


def sma_crossover(b, fast_period, slow_period):
    return crossings(talib.SMA(b["close"], fast_period), talib.SMA(b["close"], slow_period))


def ema_crossover(b, fast_period, slow_period):
    return crossings(talib.EMA(b["close"], fast_period), talib.EMA(b["close"], slow_period))


def rsi(b, period, oversold, overbought):
    index = talib.RSI(b["close"], period)
    return index < oversold, index > overbought


def macd(b, fast_period, slow_period, signal_period):
    line, signal, _ = talib.MACD(b["close"], fast_period, slow_period, signal_period)
    return crossings(line, signal)


def bands(b, period, deviations):
    middle, deviation = pd.Series(talib.SMA(b["close"], period)), b["close"].rolling(period).std(ddof=0)
    return middle - deviations * deviation, middle, middle + deviations * deviation


def bollinger_reversion(b, period, deviations):
    lower, middle, _ = bands(b, period, deviations)
    return b["close"] < lower, b["close"] > middle


def bollinger_breakout(b, period, deviations):
    _, middle, upper = bands(b, period, deviations)
    return b["close"] > upper, b["close"] < middle


def donchian_breakout(b, entry_period, exit_period):
    top = b["high"].rolling(entry_period).max().shift(1)
    bottom = b["low"].rolling(exit_period).min().shift(1)
    return b["close"] > top, b["close"] < bottom


def supertrend(b, period, multiplier):
    ranges = talib.ATR(b["high"], b["low"], b["close"], period)
    middle, close = (b["high"] + b["low"]) / 2, b["close"]
    direction = np.full(len(close), np.nan)
    for bar in range(period, len(close)):
        upper, lower = middle[bar] + multiplier * ranges[bar], middle[bar] - multiplier * ranges[bar]
        if bar == period:
            top, bottom, direction[bar] = upper, lower, 1
            continue
        top = upper if upper < top or close[bar - 1] > top else top
        bottom = lower if lower > bottom or close[bar - 1] < bottom else bottom
        if direction[bar - 1] > 0:
            direction[bar] = -1 if close[bar] < bottom else 1
        else:
            direction[bar] = 1 if close[bar] > top else -1
    return crossings(direction, 0)


def stochastic(b, k_period, k_smoothing, d_period, oversold, overbought):
    k, d = talib.STOCH(b["high"], b["low"], b["close"], k_period, k_smoothing, 0, d_period, 0)
    up, down = crossings(k, d)
    return up & (d < oversold), down & (d > overbought)


def momentum(b, period, threshold):
    change = 100 * b["close"].pct_change(period)
    return change > threshold, change < threshold


def adx_trend(b, period, threshold):
    bars = b["high"], b["low"], b["close"]
    plus, minus, strength = talib.PLUS_DI(*bars, period), talib.MINUS_DI(*bars, period), talib.ADX(*bars, period)
    return (plus > minus) & (strength > threshold), plus < minus


def buy_and_hold(b):
    return np.ones(len(b["close"]), bool), np.zeros(len(b["close"]), bool)


CASES = [
    (sma_crossover, [dict(fast_period=10, slow_period=30), dict(fast_period=50, slow_period=200)]),
    (ema_crossover, [dict(fast_period=12, slow_period=26), dict(fast_period=5, slow_period=50)]),
    (rsi, [dict(period=14, oversold=30, overbought=70), dict(period=2, oversold=10, overbought=90)]),
    (macd, [dict(fast_period=12, slow_period=26, signal_period=9), dict(fast_period=5, slow_period=35, signal_period=5)]),
    (bollinger_reversion, [dict(period=20, deviations=2), dict(period=10, deviations=1.5)]),
    (bollinger_breakout, [dict(period=20, deviations=2), dict(period=50, deviations=1)]),
    (donchian_breakout, [dict(entry_period=20, exit_period=10), dict(entry_period=55, exit_period=20)]),
    (supertrend, [dict(period=10, multiplier=3), dict(period=7, multiplier=1.5)]),
    (
        stochastic,
        [
            dict(k_period=14, k_smoothing=3, d_period=3, oversold=20, overbought=80),
            dict(k_period=5, k_smoothing=1, d_period=3, oversold=40, overbought=60),
        ],
    ),
    (momentum, [dict(period=252, threshold=0), dict(period=20, threshold=2.5)]),
    (adx_trend, [dict(period=14, threshold=25), dict(period=7, threshold=40)]),
    (buy_and_hold, [{}]),
]


def runs(signal):
    """Returns the ranges of bars with the signal, each as its first and last bar."""
    signal = np.asarray(signal, bool)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], signal, [False]))))
    return [[int(first), int(end) - 1] for first, end in zip(edges[::2], edges[1::2])]


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    header = {
        "script": "scripts/reference/strategies.py",
        "versions": {name: version(name) for name in ("TA-Lib", "pandas", "numpy")},
    }
    for asset in ASSETS:
        bars = read_bars(asset)
        cases = []
        for rule, sets in CASES:
            for parameters in sets:
                entries, exits = rule(bars, **parameters)
                case = {"strategy": rule.__name__, "parameters": parameters, "entries": runs(entries), "exits": runs(exits)}
                cases.append(json.dumps(case, separators=(",", ":")))
        text = json.dumps({**header, "bars": f"data/{asset}-daily.csv"})[:-1]
        (OUT / f"{asset}.json").write_text(text + ',\n"cases": [\n' + ",\n".join(cases) + "\n]}\n")


if __name__ == "__main__":
    main()
