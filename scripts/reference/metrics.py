#!/usr/bin/env python3
"""Creates __test__/reference/metrics/cases.json: random small portfolios of vectorbt with all metrics.

    .venv/bin/python scripts/reference/metrics.py [SEED CASES FILE]

The file feeds src/metrics with vectorbt's own equity, orders and trades, so that a metric is tested apart from the
simulation. The packages are those of backtests.py.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import vectorbt as vbt
from backtests import ORDERS, ROOT, TRADES, columns, header, number
from vectorbt_metrics import other_metrics, vectorbt_metrics

SEED, CASES = 20240101, 60
TIMEFRAMES = {"1m": 60_000, "1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000, "1w": 604_800_000}
FREQUENCIES = {"1m": "1min", "1h": "1h", "4h": "4h", "1d": "1D", "1w": "7D"}


def prices(random, bars, kind):
    if kind == "flat":
        return np.full(bars, 50.0)
    if kind == "rise":
        return 100.0 * 1.01 ** np.arange(bars)
    scale = {"calm": 0.01, "wild": 0.25, "ticks": 0.03}[kind]
    close = 100.0 * np.exp(np.cumsum(random.normal(0.0, scale, bars)))
    return np.round(close, 0).clip(1.0) if kind == "ticks" else close


def case(random, index):
    bars = [1, 2, 3, 4, 5][index] if index < 5 else int(random.integers(1, 121))
    kind = ["calm", "wild", "ticks", "flat", "rise"][random.choice(5, p=[0.35, 0.3, 0.2, 0.05, 0.1])]
    close = pd.Series(prices(random, bars, kind))
    timeframe = list(TIMEFRAMES)[random.integers(len(TIMEFRAMES))]
    year_days = int(random.choice([365, 252]))
    risk_free = float(random.choice([0.0, 0.0, 0.04]))
    density = random.choice([0.0, 0.1, 0.4])
    entries, exits = random.random(bars) < density, random.random(bars) < density
    size = random.choice(3)
    portfolio = vbt.Portfolio.from_signals(
        close,
        entries,
        exits,
        init_cash=1000.0,
        fees=float(random.choice([0.0, 0.001, 0.02])),
        fixed_fees=float(random.choice([0.0, 1.0])),
        slippage=float(random.choice([0.0, 0.001])),
        direction=str(random.choice(["longonly", "shortonly", "both"])),
        accumulate=bool(random.random() < 0.3),
        size=[np.inf, 4.0, 900.0][size],
        size_type=["amount", "amount", "value"][size],
        freq=FREQUENCIES[timeframe],
        engine="numba",
        log=True,
    )
    milliseconds = TIMEFRAMES[timeframe]
    annual_bars = year_days * 86_400_000 / milliseconds
    metrics = vectorbt_metrics(portfolio, FREQUENCIES[timeframe], year_days, risk_free / annual_bars)
    metrics |= other_metrics(portfolio, portfolio.value().to_numpy())
    if np.ptp(portfolio.returns().to_numpy()) == 0.0:
        # With a risk-free rate, vectorbt divides by the rounding error of a standard deviation of 0: numbers like -4e18.
        metrics["sharpeRatio"] = None
    return {
        "kind": kind,
        "barMilliseconds": milliseconds,
        "yearDays": year_days,
        "riskFree": risk_free,
        "initialCapital": 1000.0,
        "close": close.tolist(),
        "equity": portfolio.value().tolist(),
        "orders": columns(portfolio.orders.records, ORDERS),
        "slippage": number(portfolio_slippage(portfolio, close)),
        "trades": columns(portfolio.trades.records, TRADES, {"pnlPercent": 100}),
        "metrics": {name: number(value) for name, value in metrics.items()},
    }


def portfolio_slippage(portfolio, close):
    """Returns the fraction by which fills are worse than the close."""
    orders = portfolio.orders.records
    if not len(orders):
        return 0.0
    return round(abs(orders["price"].iloc[0] / close.iloc[orders["idx"].iloc[0]] - 1), 6)


def main(seed=SEED, cases=CASES, file=None):
    warnings.simplefilter("ignore")
    random = np.random.default_rng(int(seed))
    made = [case(random, index) for index in range(int(cases))]
    head = header([]) | {"script": "scripts/reference/metrics.py", "seed": int(seed)}
    del head["referees"]["vectorbt, confirmed by empyrical-reloaded to 1e-9"]
    out = Path(file) if file else ROOT / "__test__" / "reference" / "metrics" / "cases.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(one, separators=(",", ":"), allow_nan=False) for one in made)
    out.write_text(f'{{"header":{json.dumps(head)},\n"cases":[\n{lines}\n]}}\n')
    below = sum(min(one["equity"]) <= 0 for one in made)
    short = sum(1 in one["trades"]["direction"] for one in made)
    print(f"{out.name}: {len(made)} cases, {below} with equity at or below zero, {short} with shorts")


if __name__ == "__main__":
    main(*sys.argv[1:])
