"""Writes __test__/reference/indicators/*.json: results of TA-Lib, pandas and vectorbt for the same bars.

    python -m venv .venv
    .venv/bin/pip install vectorbt==1.2.0 TA-Lib==0.8.2
    .venv/bin/python scripts/reference/indicators.py [DAILY_BARS.csv]

The CSV has the columns date, open, high, low, close and volume. The reference files are made from data/sp500-daily.csv, the
default.
Each expression of the strategy language is listed with the values of the other library; null means no value.
"""

import csv
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import talib
from vectorbt.generic.nb import crossed_above_1d_nb

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "__test__" / "reference" / "indicators"


def real(path, first, count):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))[first : first + count]
    return {name: np.array([float(row[name]) for row in rows]) for name in ("open", "high", "low", "close", "volume")}


def walk(seed, count, scale=100.0, gap=0.0):
    """Returns a random walk; with gaps, every twentieth bar opens far from the previous close."""
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.01, count)
    if gap:
        steps[::20] += random.choice([-gap, gap], len(steps[::20]))
    close = scale * np.exp(np.cumsum(steps))
    open_ = close * np.exp(random.normal(0, 0.004, count))
    high = np.maximum(open_, close) * (1 + np.abs(random.normal(0, 0.004, count)))
    low = np.minimum(open_, close) * (1 - np.abs(random.normal(0, 0.004, count)))
    return {"open": open_, "high": high, "low": low, "close": close, "volume": np.floor(random.uniform(1e3, 1e6, count))}


def steps(seed, count):
    """Returns prices on a few levels, so that series touch, stay equal and cross."""
    close = 10.0 + np.random.default_rng(seed).integers(0, 4, count)
    return {"open": close, "high": close + 1, "low": close - 1, "close": close, "volume": np.full(count, 100.0)}


def flat(count):
    column = np.full(count, 12.34)
    return {"open": column, "high": column, "low": column, "close": column, "volume": np.full(count, 100.0)}


def stalls(seed, count):
    """Returns a random walk that is constant at first and repeatedly later."""
    bars = walk(seed, count)
    moving = np.repeat(np.random.default_rng(seed).integers(0, 2, count // 6 + 1), 6)[:count]
    moving[:20] = 0
    last = np.maximum.accumulate(np.where(moving, np.arange(count), 0))
    close = bars["close"][last]
    return {name: column if name == "volume" else np.where(moving, column, close) for name, column in bars.items()}


def indicators(b):
    o, h, l, c, v = (b[name] for name in ("open", "high", "low", "close", "volume"))
    macd, macd_small = talib.MACD(c, 12, 26, 9), talib.MACD(c, 3, 8, 4)
    bbands, stoch = talib.BBANDS(c, 20, 2.0, 2.0), talib.STOCH(h, l, c, 14, 0 + 3, 0, 3, 0)
    stochrsi, aroon = talib.STOCHRSI(c, 14, 5, 3, 0), talib.AROON(h, l, 14)
    donchian, keltner = talib.DONCHIAN(h, l, 20), talib.KC(h, l, c, 20, 10, 2.0)
    band, direction = talib.SUPERTREND(h, l, c, 10, 3.0)
    return {
        "sma(close, 1)": talib.SMA(c, 1),
        "sma(close, 10)": talib.SMA(c, 10),
        "sma()": talib.SMA(c),
        "ema(close, 12)": talib.EMA(c, 12),
        "wma(close, 9)": talib.WMA(c, 9),
        "dema(close, 7)": talib.DEMA(c, 7),
        "tema(close, 7)": talib.TEMA(c, 7),
        "kama(close, 10)": talib.KAMA(c, 10),
        "trima(close, 10)": talib.TRIMA(c, 10),
        "hma(close, 9)": talib.HMA(c, 9),
        "t3(close, 5)": talib.T3(c, 5),
        "rsi(close, 14)": talib.RSI(c, 14),
        "rsi(close, 2)": talib.RSI(c, 2),
        "macd_line(close, 12, 26, 9)": macd[0],
        "macd_signal()": macd[1],
        "macd_hist(close, 12, 26, 9)": macd[2],
        "macd_signal(close, 8, 3, 4)": macd_small[1],
        "bbands_upper(close, 20)": bbands[0],
        "bbands_middle()": bbands[1],
        "bbands_lower(close, 20, 2)": bbands[2],
        "atr(14)": talib.ATR(h, l, c, 14),
        "natr(high, low, close, 14)": talib.NATR(h, l, c, 14),
        "adx(14)": talib.ADX(h, l, c, 14),
        "plus_di(14)": talib.PLUS_DI(h, l, c, 14),
        "minus_di(14)": talib.MINUS_DI(h, l, c, 14),
        "cci(20)": talib.CCI(h, l, c, 20),
        "mfi(14)": talib.MFI(h, l, c, v, 14),
        "obv()": talib.OBV(c, v),
        "roc(close, 10)": talib.ROC(c, 10),
        "mom(close, 10)": talib.MOM(c, 10),
        "willr(14)": talib.WILLR(h, l, c, 14),
        "stoch_k(14, 3, 3)": stoch[0],
        "stoch_d(14, 3, 3)": stoch[1],
        "stochrsi_k(close, 14, 5, 3)": stochrsi[0],
        "stochrsi_d()": stochrsi[1],
        "sar(0.02, 0.2)": talib.SAR(h, l, 0.02, 0.2),
        "aroon_down(14)": aroon[0],
        "aroon_up(14)": aroon[1],
        "trix(close, 5)": talib.TRIX(c, 5),
        "ultosc(7, 14, 28)": talib.ULTOSC(h, l, c, 7, 14, 28),
        "linreg(close, 14)": talib.LINEARREG(c, 14),
        "linreg_slope(close, 14)": talib.LINEARREG_SLOPE(c, 14),
        "donchian_upper(20)": donchian[0],
        "donchian_middle(20)": donchian[1],
        "donchian_lower(20)": donchian[2],
        "keltner_upper(20, 10, 2)": keltner[0],
        "keltner_middle(20, 10, 2)": keltner[1],
        "keltner_lower(20, 10, 2)": keltner[2],
        "supertrend(10, 3)": band,
        "supertrend_direction(10, 3)": direction.astype(float) + np.where(np.isnan(band), np.nan, 0.0),
        "vwap()": talib.VWAP(h, l, c, v),
        "highest(high, 10)": talib.MAX(h, 10),
        "lowest(low, 10)": talib.MIN(l, 10),
        "sum(volume, 5)": talib.SUM(v, 5),
        "stdev(close, 10)": talib.STDDEV(c, 10),
        # Missing values at the start of the input.
        "sma(rsi(close, 14), 5)": talib.SMA(talib.RSI(c, 14), 5),
        "ema(macd_hist(), 3)": talib.EMA(macd[2], 3),
        "rsi(sma(close, 5), 7)": talib.RSI(talib.SMA(c, 5), 7),
    }


def long(b):
    """Windows of hundreds of bars: algorithms that are linear in the number of bars must agree with naive ones."""
    h, l, c, v = (b[name] for name in ("high", "low", "close", "volume"))
    aroon, bbands, stoch = talib.AROON(h, l, 250), talib.BBANDS(c, 250, 2.0, 2.0), talib.STOCH(h, l, c, 250, 3, 0, 3, 0)
    return {
        "aroon_down(250)": aroon[0],
        "aroon_up(250)": aroon[1],
        "cci(100)": talib.CCI(h, l, c, 100),
        "cci(250)": talib.CCI(h, l, c, 250),
        "bbands_upper(close, 250)": bbands[0],
        "stoch_k(250, 3, 3)": stoch[0],
        "willr(250)": talib.WILLR(h, l, c, 250),
        "wma(close, 250)": talib.WMA(c, 250),
        "linreg(close, 250)": talib.LINEARREG(c, 250),
        "mfi(250)": talib.MFI(h, l, c, v, 250),
        "rank(close, 250)": pd.Series(c).rolling(250).rank(pct=True),
    }


def calendar(b):
    """Times and coarser bars; the bars are daily from 1970-01-01, a Thursday."""
    c, h = (pd.Series(b[name], pd.date_range("1970-01-01", periods=len(b["close"]))) for name in ("close", "high"))
    week = c.index.to_period("W-SUN")
    last, top = c.groupby(week).last(), h.groupby(week).max()
    # A week is complete on the first day of the next one.
    seen = lambda weekly: weekly.shift(1).reindex(week)
    return {
        "day_of_week": c.index.day_of_week + 1,
        "day_of_month": c.index.day,
        "month": c.index.month,
        "hour + minute": c.index.hour + c.index.minute,
        "higher('1w', close)": seen(last),
        "higher('1w', sma(close, 3))": seen(last.rolling(3).mean()),
        "higher('1w', highest(high, 4))": seen(top.rolling(4).max()),
        "if(higher('1w', close > shift(close, 1)), 1, 0)": seen((last > last.shift(1)).astype(float)).fillna(0),
    }


def functions(b):
    o, h, l, c, v = (pd.Series(b[name]) for name in ("open", "high", "low", "close", "volume"))
    above = lambda x, y: crossed_above_1d_nb(np.asarray(x, float), np.asarray(y, float)).astype(float)
    # TA-Lib's averages: those of pandas differ in the last bit and therefore cross while prices are constant.
    fast, slow = talib.SMA(b["close"], 2), talib.SMA(b["close"], 4)
    bar = pd.Series(np.arange(len(c), dtype=float))
    return {
        "bars_since(close > open)": bar - bar.where(c > o).ffill(),
        "abs(open - close)": np.abs(o - c),
        "sqrt(close) + exp(close / high)": np.sqrt(c) + np.exp(c / h),
        "pow(close / open, 3)": np.power(c / o, 3),
        "floor(volume / 7) + ceil(volume / 7) + round(volume / 7)": np.floor(v / 7) + np.ceil(v / 7) + np.trunc(v / 7 + 0.5),
        "volume % 7": np.fmod(v, 7),
        "stdev(close - open, 6)": (c - o).rolling(6).std(ddof=0),
        "rank(close, 7)": c.rolling(7).rank(pct=True),
        "shift(close, 3)": c.shift(3),
        "change(close, 3)": c.diff(3),
        "highest(close - open, 6)": (c - o).rolling(6).max(),
        "lowest(close - open, 6)": (c - o).rolling(6).min(),
        "count(close > open, 5)": (c > o).astype(float).rolling(5).sum(),
        "log(close / shift(close, 1))": np.log(c / c.shift(1)),
        "max(open, close, 11) - min(open, close, 11)": np.maximum(np.maximum(o, c), 11) - np.minimum(np.minimum(o, c), 11),
        "if(crossed_above(close, open), 1, 0)": above(c, o),
        "if(crossed_below(close, open), 1, 0)": above(o, c),
        "if(crossed_above(sma(close, 2), sma(close, 4)), 1, 0)": above(fast, slow),
        "if(crossed_below(sma(close, 2), sma(close, 4)), 1, 0)": above(slow, fast),
        "if(crossed_above(close, 11), 1, 0)": above(c, np.full(len(c), 11.0)),
        "if(crossed_above(shift(close, 3), shift(close, 5)), 1, 0)": above(c.shift(3), c.shift(5)),
    }


def shown(values):
    return [None if np.isnan(value) else float(f"{value:.14g}") for value in np.asarray(values, dtype=float)]


def main(path=ROOT / "data" / "sp500-daily.csv"):
    versions = {name: version(name) for name in ("TA-Lib", "vectorbt", "pandas", "numpy")}
    header = {"script": "scripts/reference/indicators.py", "versions": {**versions, "TA-Lib C": talib.__ta_version__.decode()}}
    sets = {
        "real": (real(path, 2000, 160), (indicators, functions, calendar)),
        "gaps": (walk(1, 110, gap=0.2), (indicators, functions)),
        "tiny": (walk(2, 90, scale=1e-6), (indicators, functions)),
        "flat": (flat(60), (indicators, functions)),
        "stalls": (stalls(4, 120), (indicators, functions)),
        "steps": (steps(3, 150), (functions, calendar)),
        "long": (real(path, 1000, 700), (long,)),
        "long-stalls": (stalls(5, 700), (long,)),
    }
    OUT.mkdir(parents=True, exist_ok=True)
    for name, (bars, sources) in sets.items():
        # The written bars are read back, so that both sides compute on the same numbers. They have fewer digits than a
        # double, so that they are the same even if the last bit of numpy's exp depends on the computer.
        bars = {column: np.array([float(f"{value:.10g}") for value in values]) for column, values in bars.items()}
        values = {key: column for source in sources for key, column in source(bars).items()}
        lines = [f"{json.dumps(key)}: {json.dumps(shown(column))}" for key, column in values.items()]
        columns = [f"{json.dumps(key)}: {json.dumps(column.tolist())}" for key, column in bars.items()]
        text = json.dumps(header)[:-1] + ',\n"bars": {\n' + ",\n".join(columns) + '\n},\n"values": {\n' + ",\n".join(lines) + "\n}}\n"
        (OUT / f"{name}.json").write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
