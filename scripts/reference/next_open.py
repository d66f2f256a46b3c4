#!/usr/bin/env python3
"""Creates __test__/reference/next-open/cases.json.gz: runs at the next open with stops, as backtesting.py fills them.

    python -m venv .venv-next-open
    .venv-next-open/bin/pip install backtesting==0.6.6 numpy==2.4.6 pandas==3.1.1
    .venv-next-open/bin/python scripts/reference/next_open.py

Each case is a strategy of backtesting.py (`trade_on_close=False`, no spread, orders with `sl` and `tp`) that decides at the
close of a bar by the position it holds then. `npm run test:next-open` compares more of them.

Two things are arranged around backtesting.py. It wants stop levels in money when the order is placed, before its fill is
known, and refuses levels beyond the last close: here the levels are fractions of the open that the order will be filled at,
and the order is put into the queue directly. It also fills a stop loss inside a bar before a target that the open of the bar
has already passed; cases in which that happens are left out and counted.
"""

import gzip
import json
import platform
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from backtesting.backtesting import Order

OUT = Path(__file__).resolve().parent.parent.parent / "__test__" / "reference" / "next-open"
PACKAGES = ("backtesting", "numpy", "pandas")
SEED, CASES, BARS = 2001, 600, 60
FLAT, LONG, SHORT = 0, 1, -1
CHOICES = {
    "uponLongConflict": ["ignore", "entry", "exit", "adjacent", "opposite"],
    "uponShortConflict": ["ignore", "entry", "exit", "adjacent", "opposite"],
    "uponDirConflict": ["ignore", "long", "short", "adjacent", "opposite"],
    # Without accumulation, reverse and reverseReduce are the same, and so are close and closeReduce.
    "uponOppositeEntry": ["ignore", "close", "closeReduce", "reverse", "reverseReduce"],
}
DEFAULTS = {"uponLongConflict": "ignore", "uponShortConflict": "ignore", "uponDirConflict": "ignore", "uponOppositeEntry": "reverseReduce"}


def make_prices(rng, bars):
    if rng.random() < 0.4:
        # A few levels, so that bars reach stops exactly.
        close = 100 + 2 * np.clip(np.cumsum(rng.integers(-2, 3, bars)), -15, 15)
        opens = close + 2 * rng.integers(-2, 3, bars)
        high = np.maximum(opens, close) + 2 * rng.integers(0, 4, bars)
        low = np.minimum(opens, close) - 2 * rng.integers(0, 4, bars)
        return tuple(column.astype(float) for column in (opens, high, low, close))
    volatility = float(rng.choice([0.005, 0.02, 0.05]))
    close = 100 * np.exp(np.clip(np.cumsum(rng.normal(0, volatility, bars)), -1.5, 1.5))
    opens = np.concatenate([[close[0]], close[:-1]]) * np.exp(rng.normal(0, volatility * rng.choice([0, 0.5, 1.5]), bars))
    spread = np.abs(rng.normal(0, volatility, (2, bars))) * rng.choice([0.3, 1, 3])
    columns = opens, np.maximum(opens, close) * np.exp(spread[0]), np.minimum(opens, close) * np.exp(-spread[1]), close
    opens, high, low, close = (np.round(column, 4) for column in columns)
    return opens, np.maximum.reduce([opens, high, close]), np.minimum.reduce([opens, low, close]), close


def make_case(rng, most_bars):
    """Returns a random case of 2 to `most_bars` bars."""
    bars = int(rng.integers(3, most_bars + 1))
    opens, high, low, close = make_prices(rng, bars)
    options = {"execution": "nextOpen", "slippage": 0, "fees": float(rng.choice([0, 0.001, 0.01])), "size": int(rng.integers(1, 21))}
    for name, choices in CHOICES.items():
        if rng.random() < 0.5:
            options[name] = str(rng.choice(choices))
    options["stopEntryPrice"] = str(rng.choice(["fillPrice", "price", "valPrice"]))
    options["stopExitPrice"] = str(rng.choice(["stopMarket", "stopLimit"]))
    stops = rng.choice(3)
    if stops != 0:
        options["slStop"] = float(rng.choice([0.005, 0.01, 0.02, 0.04, 0.06, 0.1]))
    if stops != 1:
        options["tpStop"] = float(rng.choice([0.005, 0.01, 0.02, 0.04, 0.06, 0.1]))
    case = {"initialCapital": 100_000, "options": options, "open": opens, "high": high, "low": low, "close": close}
    names = ["entries", "exits"]
    draw = rng.random()
    if draw < 0.35:
        names += ["shortEntries", "shortExits"]
    elif draw < 0.8:
        options["direction"] = str(rng.choice(["longOnly", "shortOnly", "both"]))
    density = float(rng.choice([0.1, 0.3, 0.6]))
    for name in names:
        case[name] = rng.random(bars) < density * float(rng.choice([1, 1, 0.2]))
        # backtesting.py decides for the first time on the second bar.
        case[name][0] = False
    return case


def kinds(case):
    """Returns long entries, long exits, short entries and short exits."""
    none = np.zeros(len(case["close"]), bool)
    entries, exits = case["entries"], case["exits"]
    if "shortEntries" in case:
        return entries, exits, case["shortEntries"], case["shortExits"]
    return {"longOnly": (entries, exits, none, none), "shortOnly": (none, none, entries, exits), "both": (entries, none, exits, none)}[
        case["options"].get("direction", "longOnly")
    ]


def settle(entry, exit_, rule, position):
    """Settles an entry and an exit of the same direction on one bar; returns whether each is left."""
    if not (entry and exit_):
        return entry, exit_
    adjacent, opposite = position != FLAT and rule == "adjacent", position != FLAT and rule == "opposite"
    return rule == "entry" or adjacent, rule == "exit" or opposite


def decide(signals, position, options):
    """Returns what a strategy does at a close: whether it closes its position, and the direction that it enters."""
    rules = DEFAULTS | options
    long, long_exit, short, short_exit = signals
    long, long_exit = settle(long, long_exit, rules["uponLongConflict"], position)
    short, short_exit = settle(short, short_exit, rules["uponShortConflict"], position)
    if long and short:
        rule = rules["uponDirConflict"]
        kept = {"long": LONG, "short": SHORT, "adjacent": position, "opposite": -position}.get(rule, FLAT)
        long, short = kept == LONG, kept == SHORT
    if position == FLAT:
        return False, LONG if long else SHORT if short else FLAT
    against, leave = (short, long_exit) if position == LONG else (long, short_exit)
    if against and rules["uponOppositeEntry"].startswith("reverse"):
        return True, -position
    return (against and rules["uponOppositeEntry"].startswith("close")) or leave, FLAT


def strategy(case):
    signals, opens, options = kinds(case), case["open"], case["options"]

    class Signals(Strategy):
        def init(self):
            pass

        def next(self):
            bar = len(self.data) - 1
            position = LONG if self.position.is_long else SHORT if self.position.is_short else FLAT
            closes, enters = decide([bool(column[bar]) for column in signals], position, options)
            if closes:
                self.position.close()
            if enters != FLAT and bar + 1 < len(opens):
                level = lambda fraction, side: None if fraction is None else float(opens[bar + 1]) * (1 + side * fraction)  # noqa: E731
                stop, target = level(options.get("slStop"), -enters), level(options.get("tpStop"), enters)
                broker = self._broker
                broker.orders.append(Order(broker, enters * options["size"], sl_price=stop, tp_price=target))

    return Signals


def answer(case):
    """Returns trades and equity of backtesting.py; `None` if it fills a stop loss before a target that an open has passed."""
    columns = {name.capitalize(): case[name] for name in ("open", "high", "low", "close")}
    frame = pd.DataFrame(columns, index=pd.date_range("2020-01-01", periods=len(case["close"])))
    options = case["options"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        test = Backtest(frame, strategy(case), cash=case["initialCapital"], commission=options["fees"], finalize_trades=False)
        stats = test.run()
    strategy_ = stats["_strategy"]
    rows = [(trade, 1) for trade in strategy_.closed_trades] + [(trade, 0) for trade in strategy_.trades]
    for trade, closed in rows:
        if closed and trade.sl and trade.tp:
            bar = trade.exit_bar
            first = case["open"][bar]
            passed = first >= trade.tp if trade.is_long else first <= trade.tp
            if passed and trade.exit_price != first:
                return None
    fees, last = options["fees"], float(case["close"][-1])
    trades = {
        "entryBar": [trade.entry_bar for trade, _ in rows],
        "exitBar": [trade.exit_bar if closed else len(case["close"]) - 1 for trade, closed in rows],
        "direction": [int(trade.is_short) for trade, _ in rows],
        "status": [closed for _, closed in rows],
        "size": [abs(trade.size) for trade, _ in rows],
        "entryPrice": [float(trade.entry_price) for trade, _ in rows],
        "exitPrice": [float(trade.exit_price) if closed else last for trade, closed in rows],
        # Its open trades show fees of the exit as well, or none.
        "pnl": [
            float(trade.pl) if closed else trade.size * (last - trade.entry_price) - abs(trade.size) * trade.entry_price * fees
            for trade, closed in rows
        ],
    }
    order = sorted(range(len(rows)), key=lambda at: (trades["exitBar"][at], -trades["status"][at], trades["entryBar"][at]))
    trades = {name: np.array([values[at] for at in order], float) for name, values in trades.items()}
    return {"trades": trades, "equity": stats["_equity_curve"]["Equity"].to_numpy(float)}


def cases(seed, count, most_bars):
    """Yields cases with their results; without any if the case is left out."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        case = make_case(rng, most_bars)
        yield {"case": number, **case, "expected": answer(case)}


def plain(value):
    if isinstance(value, np.ndarray):
        return "".join("1" if bit else "0" for bit in value) if value.dtype == bool else [plain(item) for item in value.tolist()]
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def main():
    kept = [plain(case) for case in cases(SEED, CASES, BARS) if case["expected"] is not None]
    header = {
        "script": "scripts/reference/next_open.py",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "seed": SEED,
        "bars": BARS,
        "leftOut": CASES - len(kept),
    }
    text = json.dumps({"header": header, "cases": kept}, separators=(",", ":"), allow_nan=False).encode()
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "cases.json.gz"
    path.write_bytes(gzip.compress(text, compresslevel=9, mtime=0))
    trades = sum(len(case["expected"]["trades"]["pnl"]) for case in kept)
    print(f"{path.name}: {len(kept)} cases, {CASES - len(kept)} left out, {trades} trades, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
