"""Random simulations and what vectorbt makes of them, as JSON lines.

    python scripts/oracle/generate.py --cases 300 --seed 1 --bars 30 > __test__/reference/simulation/cases.jsonl

Needs vectorbt 1.2.0 (engine "numba"). The first line says by what and how the file was made; each further line is a case:
prices, signals (one character a bar), settings under the names of our `SimulationOptions`, the initial capital, and what
vectorbt answers: orders, exit trades, equity, free cash at the end and the reasons of orders that were not filled; or that it raises.
"""

import argparse
import json
import sys
import warnings
from importlib.metadata import version

import numpy as np
import vectorbt as vbt

warnings.filterwarnings("ignore")

CHOICES = {
    "sizeType": ["amount", "value", "percent"],
    "direction": ["longOnly", "shortOnly", "both"],
    "accumulate": ["disabled", "both", "addOnly", "removeOnly"],
    "uponLongConflict": ["ignore", "entry", "exit", "adjacent", "opposite"],
    "uponShortConflict": ["ignore", "entry", "exit", "adjacent", "opposite"],
    "uponDirConflict": ["ignore", "long", "short", "adjacent", "opposite"],
    "uponOppositeEntry": ["ignore", "close", "closeReduce", "reverse", "reverseReduce"],
    "stopEntryPrice": ["valPrice", "price", "fillPrice", "close"],
    "stopExitPrice": ["stopLimit", "stopMarket", "price", "close"],
    "uponStopExit": ["close", "closeReduce", "reverse", "reverseReduce"],
    "uponStopUpdate": ["keep", "override", "overrideNaN"],
    "execution": ["close", "nextOpen"],
}

SNAKE = {
    "fixedFees": "fixed_fees", "sizeType": "size_type", "minSize": "min_size", "maxSize": "max_size",
    "sizeGranularity": "size_granularity", "uponLongConflict": "upon_long_conflict",
    "uponShortConflict": "upon_short_conflict", "uponDirConflict": "upon_dir_conflict",
    "uponOppositeEntry": "upon_opposite_entry", "slStop": "sl_stop", "slTrail": "sl_trail", "tpStop": "tp_stop",
    "stopEntryPrice": "stop_entry_price", "stopExitPrice": "stop_exit_price", "uponStopExit": "upon_stop_exit",
    "uponStopUpdate": "upon_stop_update", "lockCash": "lock_cash", "allowPartial": "allow_partial",
}


def significant(values, digits=6):
    """Rounds to a few digits: short files, and prices that are equal now and then."""
    return np.array([float(f"%.{digits}g" % value) for value in values])


def prices(rng, bars):
    scale = float(10.0 ** rng.choice([0, 1, 2, 2, 2, 3, 4, -3, -6, 6]))
    volatility = float(rng.choice([0.001, 0.01, 0.03, 0.1, 0.4]))
    digits = int(rng.choice([2, 3, 4, 6]))
    close = scale * np.exp(np.cumsum(rng.normal(0, volatility, bars)))
    if rng.random() < 0.1:
        close[:] = scale
    if rng.random() < 0.2:
        close = np.repeat(close, 3)[:bars]
    close = np.maximum(significant(close, digits), scale * 1e-9)
    opens = np.concatenate([[close[0]], close[:-1]])
    if rng.random() < 0.7:
        opens = opens * np.exp(rng.normal(0, volatility / 2, bars))
    opens = np.maximum(significant(opens, digits), scale * 1e-9)
    spread = np.abs(rng.normal(0, volatility, (2, bars))) * rng.choice([0, 1, 3])
    high = significant(np.maximum(opens, close) * np.exp(spread[0]), digits)
    low = significant(np.minimum(opens, close) * np.exp(-spread[1]), digits)
    return opens, np.maximum(high, np.maximum(opens, close)), np.minimum(low, np.minimum(opens, close)), close, scale


def settings(rng, scale, capital):
    chosen = {}
    for name, choices in CHOICES.items():
        if rng.random() < 0.5:
            chosen[name] = str(rng.choice(choices))
    if chosen.get("execution") == "close" or rng.random() < 0.5:
        chosen.pop("execution", None)
    chosen["fees"] = float(rng.choice([0, 0.001, 0.001, 0.01, 0.1, -0.0005]))
    chosen["slippage"] = float(rng.choice([0, 0.001, 0.001, 0.01, 0.1]))
    if rng.random() < 0.25:
        chosen["fixedFees"] = float("%.3g" % (capital * rng.choice([1e-5, 1e-3, 0.05, 0.6, -1e-4])))
    units = capital / scale
    kind = chosen.get("sizeType", "amount")
    if kind == "percent":
        chosen["size"] = float(rng.choice([0, 0.05, 0.25, 0.5, 0.9, 1]))
        if rng.random() < 0.6:
            # Reversals by percent raise; most cases shall get further than that.
            chosen["uponOppositeEntry"] = str(rng.choice(["ignore", "close", "closeReduce"]))
            chosen["uponStopExit"] = str(rng.choice(["close", "closeReduce"]))
    elif rng.random() < 0.6 or kind == "value":
        whole = capital if kind == "value" else units
        chosen["size"] = float("%.3g" % (whole * rng.choice([0, 1e-3, 0.1, 0.3, 0.5, 1, 2, 20], p=[0.02, 0.08, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1])))
    if rng.random() < 0.25:
        chosen["minSize"] = float("%.2g" % (units * rng.choice([0, 1e-3, 0.05, 0.3])))
    if rng.random() < 0.25:
        chosen["maxSize"] = float("%.2g" % (units * rng.choice([0.02, 0.2, 0.6, 5])))
    if rng.random() < 0.25:
        chosen["sizeGranularity"] = float("%.1g" % (units * rng.choice([1e-4, 0.01, 0.1, 0.5])))
    if rng.random() < 0.6:
        if rng.random() < 0.7:
            chosen["slStop"] = float(rng.choice([0, 0.001, 0.01, 0.02, 0.05, 0.1, 0.3, 1.5]))
        if rng.random() < 0.5:
            chosen["tpStop"] = float(rng.choice([0, 0.001, 0.01, 0.02, 0.05, 0.1, 0.3, 1.5]))
        if rng.random() < 0.5:
            chosen["slTrail"] = True
    if rng.random() < 0.3:
        chosen["lockCash"] = True
    if rng.random() < 0.2:
        chosen["allowPartial"] = False
    return chosen


def make_case(rng, most_bars):
    bars = int(rng.integers(1, most_bars + 1))
    opens, high, low, close, scale = prices(rng, bars)
    capital = float("%.4g" % (scale * 10.0 ** rng.uniform(-3, 6)))
    chosen = settings(rng, scale, capital)
    case = {"initialCapital": capital, "options": chosen, "close": close.tolist()}
    if chosen.get("execution") == "nextOpen" or rng.random() < 0.7:
        case["open"] = opens.tolist()
    if rng.random() < 0.8:
        case["high"], case["low"] = high.tolist(), low.tolist()
    elif rng.random() < 0.3:
        case["high"] = high.tolist()
    density = float(rng.choice([0.03, 0.1, 0.3, 0.6]))
    names = ["entries", "exits"]
    if rng.random() < 0.4:
        names += [["shortEntries", "shortExits"], ["shortEntries"], ["shortExits"]][rng.choice(3, p=[0.8, 0.1, 0.1])]
    for name in names:
        # Exits now and then come so seldom that stops have time to act.
        share = density * float(rng.choice([1, 1, 0.2])) if "xits" in name else density
        case[name] = "".join("1" if draw < share else "0" for draw in rng.random(bars))
    return case


def ask(case):
    """Returns vectorbt's answer."""
    options = dict(case["options"])
    bits = lambda name: np.array([c == "1" for c in case[name]]) if name in case else None
    later = options.pop("execution", "close") == "nextOpen"
    shift = lambda a: None if a is None else (np.concatenate([[False], a[:-1]]) if later else a)
    # Always arrays and always floats: numba compiles anew for every combination of types.
    column = lambda name: np.array(case[name]) if name in case else np.full(len(case["close"]), np.nan)
    kwargs = dict(fees=0.001, slippage=0.001, stop_entry_price="fillprice", stop_exit_price="stopmarket")
    kwargs["price"] = np.array(case["open"]) if later else np.full(len(case["close"]), np.inf)
    for name, value in options.items():
        kwargs[SNAKE.get(name, name)] = value.lower() if isinstance(value, str) else value
    accumulate = kwargs.get("accumulate")
    kwargs["accumulate"] = {None: 0, "disabled": 0, "both": 1, "addonly": 2, "removeonly": 3}[accumulate]
    short = {"short_entries": shift(bits("shortEntries")), "short_exits": shift(bits("shortExits"))}
    if any(value is not None for value in short.values()):
        kwargs.pop("direction", None)
        kwargs.update({name: value for name, value in short.items() if value is not None})
    try:
        portfolio = vbt.Portfolio.from_signals(
            np.array(case["close"]), shift(bits("entries")), shift(bits("exits")), open=column("open"),
            high=column("high"), low=column("low"), init_cash=case["initialCapital"], log=True, freq="1d",
            engine="numba", **kwargs)
        orders, trades, logs = portfolio.orders.values, portfolio.trades.values, portfolio.logs.values
    except (ValueError, ZeroDivisionError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    unfilled = {}
    for record in logs[logs["res_status"] != 0]:
        reason = vbt.portfolio.enums.OrderStatusInfo._fields[record["res_status_info"]]
        unfilled[reason] = unfilled.get(reason, 0) + 1
    columns = lambda records, names: {new: records[old].tolist() for old, new in names.items()}
    return {
        "orders": columns(orders, {"idx": "bar", "side": "side", "size": "size", "price": "price", "fees": "fees"}),
        "trades": columns(trades, {
            "entry_idx": "entryBar", "exit_idx": "exitBar", "direction": "direction", "status": "status", "size": "size",
            "entry_price": "entryPrice", "exit_price": "exitPrice", "entry_fees": "entryFees", "exit_fees": "exitFees",
            "pnl": "pnl", "return": "return"}),
        "equity": portfolio.value().values.tolist(),
        "freeCash": float(portfolio.cash(free=True).values[-1]),
        "unfilled": unfilled,
    }


def clean(value):
    """JSON has no NaN and no infinity."""
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dict):
        return {key: clean(item) for key, item in value.items()}
    return [clean(item) for item in value] if isinstance(value, list) else value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bars", type=int, default=30, help="the most bars of a case")
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    head = {
        "by": "scripts/oracle/generate.py", "engine": "numba", "seed": arguments.seed, "cases": arguments.cases,
        "bars": arguments.bars, **{name: version(name) for name in ("vectorbt", "numba", "numpy", "pandas")},
    }
    print(json.dumps(head))
    for number in range(arguments.cases):
        case = make_case(rng, arguments.bars)
        case["expected"] = clean(ask(case))
        print(json.dumps({"case": number, **case}, separators=(",", ":")))
        if number % 500 == 499:
            print(number + 1, file=sys.stderr)


if __name__ == "__main__":
    main()
