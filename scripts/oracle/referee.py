"""Computes a batch of cases with vectorbt: orders, exit trades, equity, metrics, reasons of unfilled orders.

Each case is a column of one `Portfolio.from_signals`, engine "numba". Where vectorbt raises, the batch is halved until
the case that it raises for stands alone.
"""

import warnings

import numpy as np
import pandas as pd
import vectorbt as vbt

from cases import CHOICES

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
    metrics = vectorbt_metrics(portfolio, freq, f"{batch['yearDays']} days", batch["riskFree"] / bars_a_year)
    # The value at the last bar: `final_value()` treats profits below 1e-9 of the traded value as 0.
    capital = np.asarray(portfolio.init_cash, float)
    metrics |= {"finalCapital": equity[-1], "totalProfit": equity[-1] - capital}
    metrics["totalReturn"] = metrics["totalProfit"] / capital * 100
    metrics |= other_metrics(portfolio, equity)
    values = {name: np.broadcast_to(np.asarray(value, float), columns).copy() for name, value in metrics.items()}
    # vectorbt returns NaN if there is nothing to count.
    for name in ("maxDrawdown", "maxWinStreak", "maxLossStreak"):
        values[name][np.isnan(values[name])] = 0.0
    # For constant returns, vectorbt divides by the rounding error of a standard deviation of 0, unless that is 0.
    values["sharpeRatio"][np.ptp(portfolio.returns().to_numpy(), axis=0) == 0] = np.nan
    return values


def vectorbt_metrics(portfolio, freq, year, risk_free):
    """Returns the metrics that vectorbt has a function for; `risk_free` is per bar."""
    returns = portfolio.get_returns_acc(freq=freq, year_freq=year)
    trades, drawdowns = portfolio.trades, portfolio.drawdowns
    closed = trades.closed
    # Durations are computed in bars: vectorbt truncates time spans to whole nanoseconds.
    bar_days = freq / pd.Timedelta("1D")
    return {
        "finalCapital": portfolio.final_value(),
        "totalProfit": portfolio.total_profit(),
        "totalReturn": portfolio.total_return() * 100,
        "benchmarkReturn": portfolio.total_benchmark_return() * 100,
        "annualizedReturn": returns.annualized() * 100,
        "annualizedVolatility": returns.annualized_volatility() * 100,
        "sharpeRatio": returns.sharpe_ratio(risk_free=risk_free),
        "sortinoRatio": returns.sortino_ratio(),
        "calmarRatio": returns.calmar_ratio(),
        "omegaRatio": returns.omega_ratio(risk_free=risk_free),
        "alpha": returns.alpha(risk_free=risk_free) * 100,
        "beta": returns.beta(),
        "informationRatio": returns.information_ratio(),
        "maxDrawdown": -drawdowns.max_drawdown() * 100,
        "avgDrawdown": -drawdowns.avg_drawdown() * 100,
        "maxDrawdownDurationDays": drawdowns.duration.max() * bar_days,
        "avgDrawdownDurationDays": drawdowns.duration.mean() * bar_days,
        "ulcerIndex": returns.ulcer_index() * 100,
        "valueAtRisk": returns.value_at_risk() * 100,
        "conditionalValueAtRisk": returns.cond_value_at_risk() * 100,
        "skew": returns.obj.skew(),
        "kurtosis": returns.obj.kurtosis(),
        "tailRatio": returns.tail_ratio(),
        "maxGrossExposure": portfolio.gross_exposure().max() * 100,
        "timeInMarket": portfolio.position_coverage() * 100,
        "totalFeesPaid": portfolio.orders.fees.sum(),
        "totalTrades": trades.count(),
        "closedTrades": closed.count(),
        "openTrades": trades.open.count(),
        "winningTrades": closed.winning.count(),
        "losingTrades": closed.losing.count(),
        "longTrades": trades.long.count(),
        "shortTrades": trades.short.count(),
        "winRate": closed.win_rate() * 100,
        "avgWin": closed.winning.pnl.mean(),
        "avgLoss": closed.losing.pnl.mean(),
        "avgWinPercent": closed.winning.returns.mean() * 100,
        "avgLossPercent": closed.losing.returns.mean() * 100,
        "bestTrade": closed.returns.max() * 100,
        "worstTrade": closed.returns.min() * 100,
        "profitFactor": closed.profit_factor(),
        "expectancy": closed.expectancy(),
        "sqn": closed.sqn(),
        "maxWinStreak": closed.winning_streak.max(),
        "maxLossStreak": closed.losing_streak.max(),
        "avgTradeDurationDays": closed.duration.mean() * bar_days,
        "avgWinDurationDays": closed.winning.duration.mean() * bar_days,
        "avgLossDurationDays": closed.losing.duration.mean() * bar_days,
        "openTradePnl": trades.open.pnl.sum(),
    }


def other_metrics(portfolio, equity):
    """Computes the metrics that vectorbt lacks from vectorbt's records, with numpy and the documented formulas."""
    columns = equity.shape[1]
    logs, trades = portfolio.logs.values, portfolio.trades.closed.values
    filled = logs[logs["res_status"] == 0]

    def total(records, values):
        return np.bincount(records["col"], weights=values, minlength=columns)

    wins, losses = trades[trades["pnl"] > 0], trades[trades["pnl"] < 0]
    with np.errstate(all="ignore"):
        mean_win = total(wins, wins["pnl"]) / total(wins, np.ones(len(wins)))
        mean_loss = total(losses, losses["pnl"]) / total(losses, np.ones(len(losses)))
        return {
            # A log record has the requested price, before slippage, and the fill price.
            "totalSlippagePaid": total(filled, filled["res_size"] * np.abs(filled["res_price"] - filled["req_price"])),
            "turnover": total(filled, filled["res_size"] * filled["res_price"]) / equity.mean(axis=0),
            "payoffRatio": mean_win / -mean_loss,
        }
