"""Random simulations over all settings, in batches that vectorbt can compute with one call.

The cases of a batch have the number of bars, the length of a bar, the risk-free rate and the days of a year in common,
and either all or none of them have short signals of their own; everything else is drawn for each case.
"""

import numpy as np

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
MINUTE = 60_000
STEPS = [MINUTE, 15 * MINUTE, 60 * MINUTE, 240 * MINUTE, 1440 * MINUTE, 1440 * MINUTE, 7 * 1440 * MINUTE]
STOPS = [0, 0.001, 0.01, 0.02, 0.05, 0.1, 0.1, 0.3, 1, 1.5]


def significant(values, digits):
    """Rounds to a few digits: for short files, and so that prices are sometimes equal."""
    return np.array([float(f"%.{digits}g" % value) for value in values])


def prices(rng, bars):
    """Returns opens, highs, lows, closes and their typical price."""
    scale = float(10.0 ** rng.choice([0, 1, 2, 2, 2, 3, 4, -3, -6, 6, 9, -8]))
    volatility = float(rng.choice([0.0005, 0.01, 0.03, 0.1, 0.4]))
    digits = int(rng.choice([2, 3, 4, 6, 15]))
    kind = rng.choice(["walk", "ticks", "flat", "stairs", "trend"], p=[0.55, 0.2, 0.05, 0.1, 0.1])
    steps = rng.normal(0, volatility, bars)
    if kind == "ticks":
        # A few levels, so that prices hit stops and targets exactly.
        close = scale * np.clip(10 + np.cumsum(rng.integers(-1, 2, bars)), 5, 15)
        opens = scale * np.clip(close / scale + rng.integers(-1, 2, bars), 5, 15)
        spread = scale * rng.integers(0, 3, (2, bars))
        high, low = np.maximum(opens, close) + spread[0], np.maximum(np.minimum(opens, close) - spread[1], scale)
        return opens, high, low, close, scale * 10
    if kind == "flat":
        steps[:] = 0
    if kind == "stairs":
        steps[rng.random(bars) < 0.7] = 0
    if kind == "trend":
        steps = np.full(bars, volatility * rng.choice([-0.3, 0.3])) + steps * rng.choice([0, 0.1])
    # The walk stays within a millionth and a million times its scale.
    close = significant(scale * np.exp(np.clip(np.cumsum(steps), -14, 14)), digits)
    opens = np.concatenate([[close[0]], close[:-1]])
    if rng.random() < 0.7:
        opens = significant(opens * np.exp(rng.normal(0, volatility / 2, bars)), digits)
    spread = np.abs(rng.normal(0, volatility, (2, bars))) * rng.choice([0, 1, 3])
    high = significant(np.maximum(opens, close) * np.exp(spread[0]), digits)
    low = significant(np.minimum(opens, close) * np.exp(-spread[1]), digits)
    return opens, np.maximum(high, np.maximum(opens, close)), np.minimum(low, np.minimum(opens, close)), close, scale


def sizes(rng, options, units, capital):
    kind = options.get("sizeType", "amount")
    if kind == "percent":
        options["size"] = float(rng.choice([0, 0.05, 0.25, 0.5, 0.9, 1]))
        if rng.random() < 0.9:
            # Reversals by percent raise, so they are rare.
            options["uponOppositeEntry"] = str(rng.choice(["ignore", "close", "closeReduce"]))
            options["uponStopExit"] = str(rng.choice(["close", "closeReduce"]))
    elif rng.random() < 0.6 or kind == "value":
        whole = capital if kind == "value" else units
        shares, odds = [0, 1e-3, 0.1, 0.3, 0.5, 1, 2, 20], [0.02, 0.08, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1]
        options["size"] = float("%.3g" % (whole * rng.choice(shares, p=odds)))
    if rng.random() < 0.25:
        options["minSize"] = float("%.2g" % (units * rng.choice([0, 1e-3, 0.05, 0.3])))
    if rng.random() < 0.25:
        options["maxSize"] = float("%.2g" % (units * rng.choice([0.02, 0.2, 0.6, 5])))
    if rng.random() < 0.25:
        options["sizeGranularity"] = float("%.1g" % (units * rng.choice([1e-4, 0.01, 0.1, 0.5])))


def settings(rng, scale, capital):
    options = {}
    for name, choices in CHOICES.items():
        if rng.random() < 0.6:
            options[name] = str(rng.choice(choices))
    options["fees"] = float(rng.choice([0, 0, 0.001, 0.001, 0.01, 0.1, -0.0005]))
    options["slippage"] = float(rng.choice([0, 0, 0.001, 0.001, 0.01, 0.1]))
    if rng.random() < 0.25:
        options["fixedFees"] = float("%.3g" % (capital * rng.choice([1e-5, 1e-3, 0.05, 0.6, -1e-4])))
    sizes(rng, options, capital / scale, capital)
    if rng.random() < 0.6:
        if rng.random() < 0.7:
            options["slStop"] = float(rng.choice(STOPS))
        if rng.random() < 0.5:
            options["tpStop"] = float(rng.choice(STOPS))
        if rng.random() < 0.5:
            options["slTrail"] = True
    if rng.random() < 0.3:
        options["lockCash"] = True
    if rng.random() < 0.2:
        options["allowPartial"] = False
    return options


def timestamps(rng, bars, step):
    """Returns opening times of bars: more than half of them one step after the previous one, the others after a gap."""
    steps = np.full(bars, step)
    gaps = rng.random(bars) < float(rng.choice([0, 0.1, 0.4]))
    # The median step must be the length of a bar.
    gaps[1:] &= np.cumsum(gaps[1:]) <= (bars - 1) // 2 - 1
    steps[gaps] *= rng.integers(2, 100, int(gaps.sum()))
    return (int(rng.choice([0, 1_704_067_200_000])) + np.cumsum(steps)).astype(float)


def make_case(rng, batch):
    bars = batch["bars"]
    opens, high, low, close, scale = prices(rng, bars)
    capital = float("%.4g" % (scale * 10.0 ** rng.uniform(-3, 7)))
    options = settings(rng, scale, capital)
    case = {"initialCapital": capital, "options": options, "close": close}
    options["riskFree"], options["yearDays"] = batch["riskFree"], batch["yearDays"]
    if options.get("execution") == "nextOpen" or rng.random() < 0.7:
        case["open"] = opens
    draw = rng.random()
    if draw < 0.8:
        case["high"], case["low"] = high, low
    elif draw < 0.9:
        case["high" if draw < 0.85 else "low"] = high if draw < 0.85 else low
    if batch["step"] != 1440 * MINUTE or rng.random() < 0.3:
        case["timestamps"] = timestamps(rng, bars, batch["step"])
    # Short runs should trade as well.
    density = max(float(rng.choice([0.03, 0.1, 0.3, 0.6])), min(0.5, 2 / bars))
    names = ["entries", "exits"]
    if batch["twoSided"]:
        names += [["shortEntries", "shortExits"], ["shortEntries"], ["shortExits"]][rng.choice(3, p=[0.8, 0.1, 0.1])]
    for name in names:
        # Exits are sometimes rare, so that stops are hit first.
        share = density * float(rng.choice([1, 1, 0.2])) if "xits" in name else density
        case[name] = rng.random(bars) < share
    # Bars are walked from their open on if stops meet fills at the open: vectorbt has no such mode, and next_open.py has its
    # own referee.
    if options.get("execution") == "nextOpen" and {"slStop", "tpStop"} & set(options):
        del options["execution"]
    return case


def make_batch(rng, cases, most_bars):
    """Returns a batch of random cases of 1 to `most_bars` bars; short ones are more frequent."""
    bars = int(np.floor(np.exp(rng.uniform(0, np.log(most_bars + 1)))))
    bars = min(max(bars, 1), most_bars)
    batch = {
        "bars": bars,
        # The length of a single bar is unknown: it counts as a day.
        "step": int(rng.choice(STEPS)) if bars > 1 else 1440 * MINUTE,
        "riskFree": float(rng.choice([0, 0, 0.02, 0.1, -0.01])),
        "yearDays": float(rng.choice([365, 365, 252, 365.25, 260])),
        "twoSided": bool(rng.random() < 0.4),
    }
    batch["cases"] = [make_case(rng, batch) for _ in range(cases)]
    return batch
