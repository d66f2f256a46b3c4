#!/usr/bin/env python3
"""Creates __test__/reference/indicators/others/*.json: results of libraries other than TA-Lib for the same bars.

    python3.12 -m venv .venv-others
    .venv-others/bin/pip install pandas-ta==0.4.71b0 ta==0.11.0 talipp==2.7.0 pandas==3.1.1 numpy==2.2.6
    .venv-others/bin/python scripts/reference/others.py

TA-Lib 0.8 has only recently added channels, bands and volume averages, and its Rust port computes ours: these
libraries are independent.
Each expression of the strategy language has its library, the first compared bar, and every fifth value from
there; null means no value. "from" is 0 if both have the same warm-up. Otherwise, it is where the different start has
no effect any more: TA-Lib's Wilder averages start with true ranges and changes from the second bar, those of pandas with
the first value; the Supertrend of TA-Lib starts upward, that of talipp is unknown until it turns. On constant prices,
which lead to a division by a range of zero, two are left out: StochRSI (TA-Lib returns 0, talipp 100, ta no value) and
Supertrend (its first direction has a lasting effect).
"""

import csv
import json
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pandas_ta
import ta
from talipp.indicators import StochRSI, SuperTrend, VWAP
from talipp.indicators.SuperTrend import Trend
from talipp.ohlcv import OHLCV

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "__test__" / "reference" / "indicators" / "others"
COLUMNS = ("open", "high", "low", "close", "volume")
EVERY = 5
FADED = 400


def real(first, count):
    with open(ROOT / "data" / "sp500-daily.csv", newline="") as file:
        rows = list(csv.DictReader(file))[first : first + count]
    return {name: [float(row[name]) for row in rows] for name in COLUMNS}


def walk(seed, count, scale=100.0, gap=0.0):
    """Returns a random walk; with gaps, every twentieth bar opens far from the previous close."""
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.01, count)
    steps[::20] += random.choice([-gap, gap], len(steps[::20]))
    close = scale * np.exp(np.cumsum(steps))
    open_ = close * np.exp(random.normal(0, 0.004, count))
    high = np.maximum(open_, close) * (1 + np.abs(random.normal(0, 0.004, count)))
    low = np.minimum(open_, close) * (1 - np.abs(random.normal(0, 0.004, count)))
    return dict(zip(COLUMNS, (open_, high, low, close, np.floor(random.uniform(1e3, 1e6, count)))))


def flat(count):
    return {name: np.full(count, 100.0 if name == "volume" else 12.34) for name in COLUMNS}


def supertrend(bars, period, multiplier):
    found = SuperTrend(period, multiplier, input_values=bars)
    values = [value.value if value else np.nan for value in found]
    up = [np.nan if not value else 1.0 if value.trend == Trend.UP else -1.0 for value in found]
    return values, up


def others(b, is_flat):
    h, l, c, v = b["high"], b["low"], b["close"], b["volume"]
    bars = [OHLCV(*row) for row in b[list(COLUMNS)].itertuples(index=False)]
    channel, bands = pandas_ta.donchian(h, l, 20, 20), ta.volatility.DonchianChannel(h, l, c, 20)
    middle = pandas_ta.ema(pandas_ta.hlc3(h, l, c), 20, talib=False)
    true_range = pandas_ta.atr(h, l, c, 10, talib=False)
    found = {
        "donchian_lower(20)": ("pandas-ta", 0, channel.iloc[:, 0]),
        "donchian_middle(20)": ("ta", 0, bands.donchian_channel_mband()),
        "donchian_upper(20)": ("ta", 0, bands.donchian_channel_hband()),
        "keltner_middle(20, 10, 2)": ("pandas-ta", 0, middle),
        "keltner_upper(20, 10, 2)": ("pandas-ta", FADED, middle + 2 * true_range),
        "keltner_lower(20, 10, 2)": ("pandas-ta", FADED, middle - 2 * true_range),
        "vwap()": ("talipp", 0, list(VWAP(input_values=bars))),
        "hma(close, 9)": ("pandas-ta", 0, pandas_ta.hma(c, 9, talib=False)),
    }
    if not is_flat:
        oscillator = ta.momentum.StochRSIIndicator(c, 14, 1, 3)
        k = [value.k if value else np.nan for value in StochRSI(14, 14, 1, 3, input_values=list(c))]
        band, direction = supertrend(bars, 10, 3)
        found |= {
            "stochrsi_k(close, 14, 14, 3)": ("talipp", FADED, k),
            "stochrsi_d(close, 14, 14, 3)": ("ta", FADED, 100 * oscillator.stochrsi_d()),
            "supertrend(10, 3)": ("talipp", FADED, band),
            "supertrend_direction(10, 3)": ("talipp", FADED, direction),
        }
    return found


def shown(values):
    values = np.array([np.nan if value is None else value for value in values], float)
    return [None if np.isnan(value) else float(f"{value:.14g}") for value in values]


def main():
    warnings.simplefilter("ignore")
    header = {
        "script": "scripts/reference/others.py",
        "versions": {name: version(name) for name in ("pandas-ta", "ta", "talipp", "pandas", "numpy")},
    }
    sets = {
        "real": real(1500, 700),
        "gaps": walk(1, 600, gap=0.2),
        "tiny": walk(2, 600, scale=1e-6),
        "flat": flat(500),
    }
    OUT.mkdir(parents=True, exist_ok=True)
    for name, columns in sets.items():
        # The written bars are read back, so that both sides compute on the same numbers.
        columns = {key: [float(f"{value:.10g}") for value in values] for key, values in columns.items()}
        index = pd.date_range("2020-01-01", periods=len(columns["close"]))
        values = others(pd.DataFrame(columns, index=index), name == "flat")
        lines = [
            f'{json.dumps(key)}: {json.dumps({"library": library, "from": first, "every": EVERY, "values": shown(found)[first::EVERY]})}'
            for key, (library, first, found) in values.items()
        ]
        written = [f"{json.dumps(key)}: {json.dumps(column)}" for key, column in columns.items()]
        text = json.dumps(header)[:-1] + ',\n"bars": {\n' + ",\n".join(written) + '\n},\n"values": {\n' + ",\n".join(lines) + "\n}}\n"
        (OUT / f"{name}.json").write_text(text)


if __name__ == "__main__":
    main()
