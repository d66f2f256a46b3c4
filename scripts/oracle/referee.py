"""Computes a batch of cases with vectorbt: orders, exit trades, equity, metrics, reasons of unfilled orders.

Each case is a column of one `Portfolio.from_signals`, engine "numba". Where vectorbt raises, the batch is halved until
the case that it raises for stands alone.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import vectorbt as vbt

from cases import CHOICES

sys.path.append(str(Path(__file__).resolve().parent.parent / "reference"))
from vectorbt_metrics import other_metrics, vectorbt_metrics  # noqa: E402

warnings.filterwarnings("ignore")

SNAKE = {
    "fees": ("fees", 0.001), "fixedFees": ("fixed_fees", 0.0), "slippage": ("slippage", 0.001),
    "size": ("size", np.inf), "minSize": ("min_size", 1e-8), "maxSize": ("max_size", np.inf),
    "sizeGranularity": ("size_granularity", np.nan), "slStop": ("sl_stop", np.nan), "tpStop": ("tp_stop", np.nan),
    "slTrail": ("sl_trail", False), "lockCash": ("lock_cash", False), "allowPartial": ("allow_partial", True),
}
# In the order of vectorbt's enumerations, so that the index equals vectorbt's value.
ENUMS = {
    "sizeType": ("size_type", "amount"), "direction": ("direction", "longOnly"), "accumulate": ("accumulate", "disabled"),
    "uponLongConflict": ("upon_long_conflict", "ignore"), "uponShortConflict": ("upon_short_conflict", "ignore"),
    "uponDirConflict": ("upon_dir_conflict", "ignore"), "uponOppositeEntry": ("upon_opposite_entry", "reverseReduce"),
    "stopEntryPrice": ("stop_entry_price", "fillPrice"), "stopExitPrice": ("stop_exit_price", "stopMarket"),
    "uponStopExit": ("upon_stop_exit", "close"), "uponStopUpdate": ("upon_stop_update", "override"),
}
ORDERS = {"bar": "idx", "side": "side", "size": "size", "price": "price", "fees": "fees"}
TRADES = {
    "entryBar": "entry_idx", "exitBar": "exit_idx", "direction": "direction", "status": "status", "size": "size",
    "entryPrice": "entry_price", "exitPrice": "exit_price", "entryFees": "entry_fees", "exitFees": "exit_fees",
    "pnl": "pnl", "pnlPercent": "return",
}


def arguments(batch, cases):
    """Returns the arguments of `from_signals`, always as arrays of the same types, because numba recompiles for others."""
    bars = batch["bars"]
    later = np.array([case["options"].get("execution") == "nextOpen" for case in cases])

    def columns(name):
        return np.column_stack([case[name] if name in case else np.full(bars, np.nan) for case in cases])

    def signals(name):
        given = np.column_stack([case[name] if name in case else np.zeros(bars, bool) for case in cases])
        moved = np.vstack([np.zeros((1, len(cases)), bool), given[:-1]])
        return np.where(later, moved, given)

    opens = columns("open")
    kwargs = {
        "close": pd.DataFrame(columns("close")), "entries": signals("entries"), "exits": signals("exits"),
        "open": opens, "high": columns("high"), "low": columns("low"), "price": np.where(later, opens, np.inf),
        "init_cash": np.array([case["initialCapital"] for case in cases]),
    }
    for name, (snake, default) in SNAKE.items():
        kwargs[snake] = np.array([[case["options"].get(name, default) for case in cases]])
    for name, (snake, default) in ENUMS.items():
        kwargs[snake] = np.array([[CHOICES[name].index(case["options"].get(name, default)) for case in cases]])
    if batch["twoSided"]:
        del kwargs["direction"]
        kwargs |= {"short_entries": signals("shortEntries"), "short_exits": signals("shortExits")}
    return kwargs


def answer(batch, cases=None):
    """Returns vectorbt's results for each case."""
    cases = batch["cases"] if cases is None else cases
    freq = pd.Timedelta(batch["step"], "ms")
    try:
        portfolio = vbt.Portfolio.from_signals(**arguments(batch, cases), freq=freq, log=True, engine="numba")
        portfolio.trades.values, portfolio.value()
    except Exception as error:
        if len(cases) == 1:
            return [{"error": f"{type(error).__name__}: {error}"}]
        half = len(cases) // 2
        return answer(batch, cases[:half]) + answer(batch, cases[half:])
    equity = portfolio.value().to_numpy()
    free_cash = portfolio.cash(free=True).to_numpy()[-1]
    metrics = all_metrics(portfolio, batch, freq, equity)
    orders, trades, logs = portfolio.orders.values, portfolio.trades.values, portfolio.logs.values
    answers = []
    for column, case in enumerate(cases):
        own_trades = trades[trades["col"] == column]
        answers.append({
            "orders": fields(orders[orders["col"] == column], ORDERS),
            "trades": fields(own_trades, TRADES) | {"pnlPercent": own_trades["return"] * 100},
            "equity": equity[:, column],
            "metrics": {name: number(values[column]) for name, values in metrics.items()}
            | unexecuted_signals(case, int((orders["col"] == column).sum())),
            "freeCash": float(free_cash[column]),
            "unfilled": unfilled(logs[logs["col"] == column]),
        })
    return answers


def unexecuted_signals(case, orders):
    """Counts signals for runs in which every order has one signal: one direction, no stops."""
    options = case["options"]
    if options.get("direction") == "both" or {"shortEntries", "shortExits"} & set(case) or {"slStop", "tpStop"} & set(options):
        return {}
    return {"unexecutedSignals": float(case["entries"].sum() + case["exits"].sum() - orders)}


def fields(records, names):
    return {ours: np.array(records[theirs]) for ours, theirs in names.items()}


def unfilled(logs):
    counts = {}
    for record in logs[logs["res_status"] != 0]:
        reason = vbt.portfolio.enums.OrderStatusInfo._fields[record["res_status_info"]]
        counts[reason] = counts.get(reason, 0) + 1
    return counts


def number(value):
    """Returns a JSON number; null for NaN and infinities."""
    value = float(value)
    return value if np.isfinite(value) else None


def all_metrics(portfolio, batch, freq, equity):
    """Returns every metric except the signal counts, with our names and units, one value per case."""
    columns = equity.shape[1]
    bars_a_year = batch["yearDays"] * 86_400_000 / batch["step"]
    metrics = vectorbt_metrics(portfolio, freq, batch["yearDays"], batch["riskFree"] / bars_a_year)
    # The value at the last bar: `final_value()` treats profits below 1e-9 of the traded value as 0.
    capital = np.asarray(portfolio.init_cash, float)
    metrics |= {"finalCapital": equity[-1], "totalProfit": equity[-1] - capital}
    metrics["totalReturn"] = metrics["totalProfit"] / capital * 100
    metrics |= other_metrics(portfolio, equity)
    values = {name: np.broadcast_to(np.asarray(value, float), columns).copy() for name, value in metrics.items()}
    # For constant returns, vectorbt divides by the rounding error of a standard deviation of 0, unless that is 0.
    values["sharpeRatio"][np.ptp(portfolio.returns().to_numpy(), axis=0) == 0] = np.nan
    return values
