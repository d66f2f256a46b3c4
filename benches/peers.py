"""The Python peers, as a child process of benches/run.mjs: reads one JSON request per line, and writes one response.

Requests: {"load": FILE, "bars": N} reads columns (float64, little-endian: timestamps, open, high, low, close);
{"peer": NAME, "strategy": NAME, "stops": BOOL} runs one backtest with its metrics and answers with the seconds of
process time that it took, and the results to compare. Without a request it names the peers that are installed.
"""

import json
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")
TERMS = {"fees": 1e-5, "slippage": 1e-5, "capital": 10_000.0}
STOPS = {"sl_stop": 0.02, "tp_stop": 0.03}
peers = {}

try:
    import pandas as pd
    import talib
    import vectorbt as vbt

    peers["vectorbt"] = vbt.__version__
except ImportError:
    vbt = None
try:
    import raptorbt

    peers["raptorbt"] = "0.13"
    try:
        from importlib.metadata import version

        peers["raptorbt"] = version("raptorbt")
    except Exception:  # noqa: BLE001
        pass
except ImportError:
    raptorbt = None


def crossed_above(a, b):
    above = a > b
    before = np.zeros_like(above)
    before[1:] = (a <= b)[:-1]
    return above & before


def signals(strategy, close):
    if strategy == "sma_crossover":
        fast, slow = talib.SMA(close, 10), talib.SMA(close, 30)
        return crossed_above(fast, slow), crossed_above(slow, fast)
    if strategy == "rsi":
        rsi = talib.RSI(close, 14)
        return rsi < 30, rsi > 70
    line, signal, _ = talib.MACD(close, 12, 26, 9)
    return crossed_above(line, signal), crossed_above(signal, line)


def run_vectorbt(data, strategy, stops):
    close = data["series"]
    entries, exits = signals(strategy, data["close"])
    more = {}
    if stops:
        more = dict(STOPS, open=data["open"], high=data["high"], low=data["low"], stop_entry_price="fillprice",
                    stop_exit_price="stopmarket")
    portfolio = vbt.Portfolio.from_signals(
        close, entries, exits, init_cash=TERMS["capital"], fees=TERMS["fees"], slippage=TERMS["slippage"],
        freq="1min", **more)
    # Like vectorbt's stats(): only closed trades count as won or lost.
    trades = portfolio.trades.closed
    return {
        "totalReturn": float(portfolio.total_return() * 100),
        "sharpeRatio": float(portfolio.sharpe_ratio()),
        "sortinoRatio": float(portfolio.sortino_ratio()),
        "calmarRatio": float(portfolio.calmar_ratio()),
        "maxDrawdown": float(-portfolio.max_drawdown() * 100),
        "winRate": float(trades.win_rate() * 100),
        "profitFactor": float(trades.profit_factor()),
        "expectancy": float(trades.expectancy()),
        "totalTrades": int(portfolio.trades.count()),
    }


def run_raptorbt(data, strategy, stops):
    entries, exits = signals(strategy, data["close"])
    config = raptorbt.BacktestConfig(initial_capital=TERMS["capital"], fees=TERMS["fees"], slippage=TERMS["slippage"])
    if stops:
        config.set_fixed_stop(STOPS["sl_stop"])
        config.set_fixed_target(STOPS["tp_stop"])
    result = raptorbt.run_single_backtest(
        data["nanoseconds"], data["open"], data["high"], data["low"], data["close"], data["volume"], entries, exits,
        1, 1.0, "X", config)
    return {"totalReturn": float((result.metrics.end_value / result.metrics.start_value - 1) * 100),
            "totalTrades": int(result.metrics.total_closed_trades)}


def load(path, bars):
    columns = np.fromfile(path, dtype="<f8").reshape(5, bars)
    names = ["timestamps", "open", "high", "low", "close"]
    data = {name: np.ascontiguousarray(column) for name, column in zip(names, columns)}
    data["nanoseconds"] = (data["timestamps"] * 1e6).astype(np.int64)
    data["volume"] = np.ones(bars)
    if vbt is not None:
        data["series"] = pd.Series(data["close"], index=pd.to_datetime(data["nanoseconds"]))
    return data


print(json.dumps({"peers": peers, "python": sys.version.split()[0]}), flush=True)
data = None
for line in sys.stdin:
    request = json.loads(line)
    if "load" in request:
        data = load(request["load"], request["bars"])
        print("{}", flush=True)
        continue
    run = {"vectorbt": run_vectorbt, "raptorbt": run_raptorbt}[request["peer"]]
    wall, cpu = time.perf_counter(), time.process_time()
    results = run(data, request["strategy"], request["stops"])
    answer = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    # JSON has no infinity: a profit factor without a loss cannot be compared.
    answer["results"] = {name: value if np.isfinite(value) else None for name, value in results.items()}
    print(json.dumps(answer), flush=True)
