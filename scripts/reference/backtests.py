#!/usr/bin/env python3
"""Creates __test__/reference/backtests/*.json.gz: results of vectorbt and TA-Lib for the strategies on the bars of data/.

    python -m venv .venv
    .venv/bin/pip install vectorbt==1.2.0 TA-Lib==0.8.2 empyrical-reloaded==0.7.1
    .venv/bin/python scripts/reference/backtests.py

Indicators are TA-Lib's, crossings and the simulation vectorbt's (engine="numba"). Metrics are vectorbt's own functions
where it has one, numpy by the formula where it has not; those that empyrical-reloaded has as well must agree, or the
script ends. The format is described in __test__/reference/README.md. The same input gives the same bytes.
"""

import csv
import gzip
import json
import math
import platform
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import empyrical
import numpy as np
import pandas as pd
import talib
import vectorbt as vbt
from vectorbt_metrics import other_metrics, vectorbt_metrics

ROOT = Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "__test__" / "reference" / "backtests"
ASSETS = ("sp500", "aapl", "ibm", "msft")
INITIAL_CAPITAL = 100_000.0
FEES = SLIPPAGE = 0.001
# The first case of a file has every value of the equity, the others every 50th and the last.
THIN = 50

PARAMETERS = {
    "sma_crossover": [
        {"fast_period": 10, "slow_period": 30},
        {"fast_period": 5, "slow_period": 20},
        {"fast_period": 50, "slow_period": 200},
        {"fast_period": 1, "slow_period": 2},
    ],
    "rsi": [
        {"period": 14, "oversold": 30, "overbought": 70},
        {"period": 2, "oversold": 10, "overbought": 90},
        {"period": 7, "oversold": 25.5, "overbought": 60},
        {"period": 30, "oversold": 20, "overbought": 80},
    ],
    "macd": [
        {"fast_period": 12, "slow_period": 26, "signal_period": 9},
        {"fast_period": 5, "slow_period": 35, "signal_period": 5},
        {"fast_period": 3, "slow_period": 10, "signal_period": 16},
    ],
}
ORDERS = {"bar": "idx", "side": "side", "size": "size", "price": "price", "fees": "fees"}
TRADES = {
    "entryBar": "entry_idx",
    "exitBar": "exit_idx",
    "direction": "direction",
    "status": "status",
    "size": "size",
    "entryPrice": "entry_price",
    "exitPrice": "exit_price",
    "entryFees": "entry_fees",
    "exitFees": "exit_fees",
    "pnl": "pnl",
    "pnlPercent": "return",
}
# (which of the parameter sets, position_size, year_days)
VARIANTS = [(0, 0.95, 252), (1, 0.95, 365), (1, 0.3, 252), (2, 1, 252)]


def read_bars(asset):
    with open(ROOT / "data" / f"{asset}-daily.csv", newline="") as file:
        rows = [{key.lower(): value for key, value in row.items()} for row in csv.DictReader(file)]
    return pd.Series([float(row["close"]) for row in rows], index=pd.to_datetime([row["date"] for row in rows]))


def sma(close, period):
    # TA-Lib requires a period of at least 2; the mean of one value is the value.
    return close.copy() if period == 1 else pd.Series(talib.SMA(close.values, period), index=close.index)


def signals(strategy, parameters, close):
    values = close.values
    if strategy == "rsi":
        rsi = talib.RSI(values, parameters["period"])
        with np.errstate(invalid="ignore"):
            entries, exits = rsi < parameters["oversold"], rsi > parameters["overbought"]
        return pd.Series(entries, close.index), pd.Series(exits, close.index)
    if strategy == "macd":
        periods = (parameters["fast_period"], parameters["slow_period"], parameters["signal_period"])
        fast, slow, _ = (pd.Series(column, index=close.index) for column in talib.MACD(values, *periods))
    else:
        fast, slow = sma(close, parameters["fast_period"]), sma(close, parameters["slow_period"])
    return fast.vbt.crossed_above(slow), fast.vbt.crossed_below(slow)


def check_with_empyrical(metrics, portfolio, year_days, where):
    """Ends the script where empyrical-reloaded contradicts vectorbt beyond 1e-9 relative."""
    returns, benchmark = portfolio.returns().to_numpy(), portfolio.benchmark_returns().to_numpy()
    year = {"annualization": year_days}
    alpha, beta = empyrical.alpha_beta(returns, benchmark, **year)
    referee = {
        "annualizedReturn": empyrical.annual_return(returns, **year) * 100,
        "annualizedVolatility": empyrical.annual_volatility(returns, **year) * 100,
        "sharpeRatio": empyrical.sharpe_ratio(returns, **year),
        "sortinoRatio": empyrical.sortino_ratio(returns, **year),
        "omegaRatio": empyrical.omega_ratio(returns, annualization=year_days),
        "alpha": alpha * 100,
        "beta": beta,
        "valueAtRisk": empyrical.value_at_risk(returns) * 100,
        "conditionalValueAtRisk": empyrical.conditional_value_at_risk(returns) * 100,
        "tailRatio": empyrical.tail_ratio(returns),
    }
    for name, expected in referee.items():
        ours, theirs = number(metrics[name]), number(expected)
        if ours is None and theirs is None:
            continue
        if ours is None or theirs is None or not math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12):
            sys.exit(f"{where}: {name} is {ours} in vectorbt and {theirs} in empyrical-reloaded")
    return sorted(referee)


def number(value):
    """A JSON number, null for NaN, NaT and infinities."""
    if value is None or pd.isna(value):
        return None
    value = float(value)
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def columns(records, names, scale=None):
    scale = scale or {}
    return {ours: [number(value) for value in records[theirs] * scale.get(ours, 1)] for ours, theirs in names.items()}


def case(strategy, parameters, close, position_size, year_days, thin, where):
    entries, exits = signals(strategy, parameters, close)
    size = {} if position_size == 1 else {"size": position_size, "size_type": "percent"}
    portfolio = vbt.Portfolio.from_signals(
        close, entries, exits, init_cash=INITIAL_CAPITAL, fees=FEES, slippage=SLIPPAGE, freq="1D", engine="numba", log=True, **size
    )
    equity = portfolio.value().to_numpy()
    metrics = vectorbt_metrics(portfolio, "1D", year_days, 0.0)
    checked = check_with_empyrical(metrics, portfolio, year_days, where)
    metrics |= other_metrics(portfolio, equity)
    kept = sorted({*range(0, len(equity), THIN), len(equity) - 1}) if thin else range(len(equity))
    return checked, {
        "strategy": strategy,
        "parameters": parameters | {"position_size": position_size},
        "yearDays": year_days,
        "entries": int(entries.sum()),
        "exits": int(exits.sum()),
        "orders": columns(portfolio.orders.records, ORDERS),
        "trades": columns(portfolio.trades.records, TRADES, {"pnlPercent": 100}),
        "equityEvery": THIN if thin else 1,
        "equity": [number(equity[bar]) for bar in kept],
        "metrics": {name: number(value) for name, value in metrics.items()},
    }


def header(checked):
    return {
        "script": "scripts/reference/backtests.py",
        "python": platform.python_version(),
        "packages": {
            name: version(name) for name in ("vectorbt", "TA-Lib", "empyrical-reloaded", "numpy", "numba", "pandas")
        },
        "engine": "numba",
        "referees": {
            "vectorbt": "orders, trades, equity and every metric that is not named below",
            "numpy, by formula": ["totalSlippagePaid", "turnover", "payoffRatio"],
            "vectorbt, confirmed by empyrical-reloaded to 1e-9": checked,
        },
    }


def main():
    warnings.simplefilter("ignore")
    OUT.mkdir(parents=True, exist_ok=True)
    total = 0
    for strategy, sets in PARAMETERS.items():
        for asset in ASSETS:
            close = read_bars(asset)
            wanted = [(parameters, 1, 365) for parameters in sets]
            wanted += [(sets[index], position_size, year_days) for index, position_size, year_days in VARIANTS]
            cases = []
            for index, (parameters, position_size, year_days) in enumerate(wanted):
                where = f"{strategy} {asset} {parameters} {position_size} {year_days}"
                checked, made = case(strategy, parameters, close, position_size, year_days, index > 0, where)
                cases.append(made)
            document = {
                "header": header(checked),
                "asset": asset,
                "bars": f"data/{asset}-daily.csv",
                "barCount": len(close),
                "timeframe": "1d",
                "initialCapital": INITIAL_CAPITAL,
                "simulation": {"fees": FEES, "slippage": SLIPPAGE},
                "cases": cases,
            }
            text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode()
            content = gzip.compress(text, compresslevel=9, mtime=0)
            path = OUT / f"{strategy}-{asset}.json.gz"
            path.write_bytes(content)
            total += len(content)
            counts = [len(made["orders"]["bar"]) for made in cases]
            print(f"{path.relative_to(ROOT)}: {len(cases)} cases, orders {counts}, {len(content):,} bytes")
    print(f"{total:,} bytes in all")


if __name__ == "__main__":
    main()
