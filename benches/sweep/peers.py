"""Sweeps of one Python peer, as a child process of benches/sweep.mjs: reads one JSON request per line, and writes one response.

The first argument is the peer. Requests: {"load": FILE, "bars": N} as in benches/peers.py; {"strategy": NAME, "combinations":
[[…], …], "options": {…}} runs them in chunks, each distinct indicator once, and answers with the times and the metrics to
compare: total return, Sharpe ratio, maximum drawdown, trades.
"""

import json
import resource
import sys
import time
import warnings

import numpy as np
import talib

warnings.filterwarnings("ignore")
FEES, SLIPPAGE, CAPITAL = 0.001, 0.001, 1_000_000.0
# Columns of vectorbt's matrices at once: few enough for the cache, enough to spread its fixed costs.
CELLS = 500_000
PEER = sys.argv[1]

if PEER == "vectorbt":
    import pandas as pd
    import vectorbt as vbt

    VERSION = vbt.__version__
else:
    from importlib.metadata import version

    import raptorbt

    VERSION = version("raptorbt")


class Indicators(dict):
    """Computes each distinct indicator once."""

    def of(self, key, compute):
        if key not in self:
            self[key] = compute()
        return self[key]


def crossed_above(a, b):
    above = a > b
    before = np.zeros_like(above)
    before[1:] = (a <= b)[:-1]
    return above & before


def signals(strategy, parameters, close, indicators):
    if strategy == "sma":
        parameters = parameters[:2]
        fast, slow = (indicators.of(n, lambda n=n: talib.SMA(close, int(n)) if n > 1 else close) for n in parameters)
        if min(parameters) == 1:
            # An average of one bar is the close; there is no crossing before both averages exist.
            start = int(max(parameters)) - 1
            fast, slow = fast.copy(), slow.copy()
            fast[:start] = slow[:start] = np.nan
        return crossed_above(fast, slow), crossed_above(slow, fast)
    if strategy == "rsi":
        period, oversold, overbought = parameters
        rsi = indicators.of(period, lambda: talib.RSI(close, int(period)))
        return rsi < oversold, rsi > overbought
    if strategy == "macd":
        line, signal, _ = talib.MACD(close, *(int(period) for period in parameters))
        return crossed_above(line, signal), crossed_above(signal, line)
    period, below, above = parameters
    upper, _, lower = indicators.of((period, below, above), lambda: talib.BBANDS(close, int(period), above, below))
    return close < lower, close > upper


def run_vectorbt(data, strategy, combinations, options):
    close, results, indicators = data["series"], [], Indicators()
    chunk = max(1, CELLS // len(close))
    more = {"direction": options.get("direction", "longonly")}
    if "sl" in options:
        more.update(sl_stop=options["sl"], sl_trail=options.get("trail", False), open=data["open"], high=data["high"],
                    low=data["low"], stop_entry_price="fillprice", stop_exit_price="stopmarket")
    if "tp" in options:
        more["tp_stop"] = options["tp"]
    if "size" in options:
        more.update(size=options["size"], size_type="percent")
    for start in range(0, len(combinations), chunk):
        pairs = [signals(strategy, parameters, data["close"], indicators) for parameters in combinations[start:start + chunk]]
        entries, exits = (np.column_stack(columns) for columns in zip(*pairs))
        if options.get("delay"):
            entries, exits = (np.vstack([np.zeros((1, both.shape[1]), bool), both[:-1]]) for both in (entries, exits))
            more["price"] = data["open"]
        portfolio = vbt.Portfolio.from_signals(
            close, entries, exits, init_cash=CAPITAL, fees=FEES, slippage=SLIPPAGE, freq="1min", **more)
        trades = portfolio.trades.closed
        for metric in (portfolio.sortino_ratio, portfolio.calmar_ratio, trades.win_rate, trades.profit_factor,
                       trades.expectancy):
            metric()
        columns = (portfolio.total_return() * 100, portfolio.sharpe_ratio(), -portfolio.max_drawdown() * 100,
                   portfolio.trades.count())
        results += np.column_stack([np.asarray(column, float).reshape(-1) for column in columns]).tolist()
    return results


def run_raptorbt(data, strategy, combinations, options):
    config = raptorbt.BacktestConfig(initial_capital=CAPITAL, fees=FEES, slippage=SLIPPAGE)
    if options.get("trail"):
        config.set_trailing_stop(options["sl"])
    elif "sl" in options:
        config.set_fixed_stop(options["sl"])
    if "tp" in options:
        config.set_fixed_target(options["tp"])
    indicators = Indicators()
    direction = -1 if options.get("direction") == "shortonly" else 1
    items = []
    for index, parameters in enumerate(combinations):
        entries, exits = signals(strategy, parameters, data["close"], indicators)
        items.append(raptorbt.BatchSingleItem(str(index), entries, exits, direction=direction))
    results = raptorbt.batch_single_backtest(
        data["nanoseconds"], data["open"], data["high"], data["low"], data["close"], data["volume"], items, config)
    return [[m.total_return_pct, None, m.max_drawdown_pct, m.total_trades] for m in (r.metrics for _, r in results)]


def load(path, bars):
    columns = np.fromfile(path, dtype="<f8").reshape(5, bars)
    names = ["timestamps", "open", "high", "low", "close"]
    data = {name: np.ascontiguousarray(column) for name, column in zip(names, columns)}
    data["nanoseconds"] = (data["timestamps"] * 1e6).astype(np.int64)
    data["volume"] = np.ones(bars)
    if PEER == "vectorbt":
        data["series"] = pd.Series(data["close"], index=pd.to_datetime(data["nanoseconds"]))
        # Columns of prices are one value a row for all combinations.
        for name in ("open", "high", "low"):
            data[name] = data[name][:, None]
    return data


def forget_peak():
    """Begins the peak memory of this process anew, where Linux allows it."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def peak():
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


print(json.dumps({"version": VERSION, "python": sys.version.split()[0]}), flush=True)
data = None
for line in sys.stdin:
    request = json.loads(line)
    if "load" in request:
        data = load(request["load"], request["bars"])
        print("{}", flush=True)
        continue
    run = {"vectorbt": run_vectorbt, "raptorbt": run_raptorbt}[PEER]
    forget_peak()
    wall, cpu = time.perf_counter(), time.process_time()
    results = run(data, request["strategy"], request["combinations"], request["options"])
    answer = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "peak": peak()}
    # JSON has no infinity and no NaN.
    answer["results"] = [[x if x is not None and np.isfinite(x) else None for x in row] for row in results]
    print(json.dumps(answer), flush=True)
