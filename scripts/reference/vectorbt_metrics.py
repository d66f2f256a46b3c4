"""The metrics of vectorbt portfolios, by our names and in our units, for all scripts that compare with vectorbt."""

import numpy as np
import pandas as pd


def vectorbt_metrics(portfolio, freq, year_days, risk_free):
    """Returns the metrics that vectorbt has a function for: one value per column, a number for a portfolio of one.

    `freq` is the length of a bar, `risk_free` is the rate per bar.
    """
    returns = portfolio.get_returns_acc(freq=freq, year_freq=f"{year_days} days")
    trades, drawdowns = portfolio.trades, portfolio.drawdowns
    closed = trades.closed
    # Durations are computed in bars: vectorbt truncates time spans to whole nanoseconds.
    bar_days = pd.Timedelta(freq) / pd.Timedelta("1D")
    metrics = {
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
    # vectorbt returns NaN if there is nothing to count.
    for name in ("maxDrawdown", "maxWinStreak", "maxLossStreak"):
        metrics[name] = np.nan_to_num(metrics[name])
    return metrics


def other_metrics(portfolio, equity):
    """Computes the metrics that vectorbt lacks from its records, with numpy and the documented formulas.

    One value per column, a number for a portfolio of one. The portfolio was made with `log=True`.
    """
    orders = portfolio.logs.values
    orders, closed = orders[orders["res_status"] == 0], portfolio.trades.closed.values
    if equity.ndim == 1:
        return of_column(orders, closed, 0, equity)
    columns = [of_column(orders, closed, column, values) for column, values in enumerate(equity.T)]
    return {name: np.array([values[name] for values in columns]) for name in columns[0]}


def of_column(orders, closed, column, equity):
    orders, pnl = orders[orders["col"] == column], closed["pnl"][closed["col"] == column]
    wins, losses, size = pnl[pnl > 0], pnl[pnl < 0], orders["res_size"]
    return {
        # A log record has the requested price, before slippage, and the fill price.
        "totalSlippagePaid": np.sum(size * np.abs(orders["res_price"] - orders["req_price"])),
        "turnover": np.sum(size * orders["res_price"]) / np.mean(equity),
        "payoffRatio": wins.mean() / -losses.mean() if len(wins) and len(losses) else np.nan,
    }
