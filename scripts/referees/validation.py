#!/usr/bin/env python3
"""Creates __test__/reference/validation/*.json: random cases of src/validation with the answers of other libraries.

    python3 -m venv .venv-referees
    .venv-referees/bin/pip install arch==8.0.0 skfolio==1.12.2 holdout-backtest==0.1.0 mpmath==1.4.1 numpy==2.4.6 scipy==1.17.1
    .venv-referees/bin/python scripts/referees/validation.py

Inputs have few digits, so that they do not depend on the last bit of numpy's functions. Where two libraries compute the same
thing, a case has both answers.

Three things are arranged around them. holdout-backtest studentizes by the deviation of its own bootstrap means: here it gets
the means of given bootstrap rows and the deviations of arch, so that its p-values can be compared exactly. Its p-values are
shares of draws; ours add one to the numerator and to the denominator. Its purging is by labels: a label that ends `purge` bars
after its bar drops as many bars on both sides.
"""

import json
import math
import platform
from importlib.metadata import version
from itertools import combinations
from pathlib import Path

import holdout
import holdout.sharpe
import holdout.spa
import mpmath
import numpy as np
import scipy.stats
from arch.bootstrap import SPA, StepM, optimal_block_length
from arch.bootstrap._samplers_python import stationary_bootstrap_sample_python
from skfolio.measures import deflated_sharpe_ratio, probabilistic_sharpe_ratio
from skfolio.model_selection import CombinatorialPurgedCV, WalkForward

OUT = Path(__file__).resolve().parent.parent.parent / "__test__" / "reference" / "validation"
PACKAGES = ("arch", "skfolio", "holdout-backtest", "mpmath", "numpy", "scipy")
SEED = 1901


def rounded(values):
    return np.round(values, 6)


def normal_cases():
    mpmath.mp.dps = 50
    points = [-37.0, -12.5, -8.0, -5.3, -3.0, -1.96, -1.0, -0.3, -1e-9, 0.0, 1e-3, 0.4769, 0.7, 1.5, 2.3263, 4.0, 6.5, 8.3]
    probabilities = [1e-300, 1e-40, 1e-15, 1e-9, 1e-6, 1e-4, 0.001, 0.01, 0.025, 0.05, 0.074, 0.076, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.924, 0.926, 0.95, 0.99, 0.999]

    def inverse(p):
        p = mpmath.mpf(p)
        start = scipy.stats.norm.ppf(float(p))
        log = lambda x: mpmath.log(mpmath.erfc(-x / mpmath.sqrt(2)) / 2) - mpmath.log(p)
        return mpmath.findroot(log, start, tol=1e-40)

    return {
        "cdf": [[x, float(mpmath.erfc(-mpmath.mpf(x) / mpmath.sqrt(2)) / 2)] for x in points],
        "quantile": [[p, float(inverse(p)) if p != 0.5 else 0.0] for p in probabilities],
    }


def series(random, index):
    bars = [16, 30, 60, 120, 250, 400][index % 6]
    kind = ["normal", "heavy", "skewed", "autocorrelated"][index % 4]
    noise = {
        "normal": lambda: random.normal(0, 0.01, bars),
        "heavy": lambda: 0.006 * random.standard_t(3, bars),
        "skewed": lambda: 0.01 * (1 - random.exponential(1, bars)),
        "autocorrelated": lambda: random.normal(0, 0.01, bars),
    }[kind]()
    if kind == "autocorrelated":
        for bar in range(1, bars):
            noise[bar] += 0.5 * noise[bar - 1]
    return kind, rounded(noise + random.choice([-0.001, 0.0005, 0.002]))


def annual_factor(correlations):
    try:
        return holdout.serial_correlation_factor(252, correlations)
    except holdout.HoldoutError:
        return None


def series_case(random, index):
    kind, returns = series(random, index)
    ratio = holdout.sharpe_ratio(returns)
    skewness, kurtosis = scipy.stats.skew(returns), scipy.stats.kurtosis(returns, fisher=False)
    shape = {"skewness": skewness, "kurtosis": kurtosis}
    bars = len(returns)
    lags = max(1, min(8, bars // 8))
    correlations = holdout.autocorrelation(returns, lags)[-lags:]
    lengths = optimal_block_length(returns).iloc[0]
    return {
        "kind": kind,
        "returns": returns.tolist(),
        "sharpe": ratio,
        "skewness": float(skewness),
        "kurtosis": float(kurtosis),
        "standardError": math.sqrt(holdout.sharpe.sharpe_variance_term(ratio, **shape) / (bars - 1)),
        "psr0": [holdout.probabilistic_sharpe_ratio(ratio, bars, **shape), probabilistic_sharpe_ratio(returns)],
        "psr05": [
            holdout.probabilistic_sharpe_ratio(ratio, bars, benchmark=0.05, **shape),
            probabilistic_sharpe_ratio(returns, 0.05),
        ],
        "minTrl": holdout.minimum_track_record_length(ratio, **shape) if ratio > 0 else None,
        "autocorrelations": list(map(float, correlations)),
        "annualFactor": annual_factor(correlations),
        "blockLength": [float(lengths["stationary"]), float(lengths["circular"])],
    }


def matrix(random, bars, trials, correlation, edge):
    common = random.normal(0, 0.01, (bars, 1))
    own = random.normal(0, 0.01, (bars, trials))
    returns = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
    returns[:, 0] += edge
    return rounded(returns)


def search_case(random, index):
    bars, trials, blocks = [(60, 5, 6), (96, 12, 8), (67, 3, 4), (120, 9, 10), (83, 6, 8)][index]
    returns = matrix(random, bars, trials, [0, 0.5, 0.2, 0.8, 0][index], [0, 0.002, 0, 0.001, 0.004][index])
    if index == 3:
        # Two equal trials: ties.
        returns[:, 4] = returns[:, 2]
    ratios = [holdout.sharpe_ratio(column) for column in returns.T]
    best = int(np.argmax(ratios))
    found = holdout.probability_of_backtest_overfitting(returns, n_blocks=blocks)
    slope, intercept, r2 = found.degradation
    return {
        "returns": returns.T.tolist(),
        "best": best,
        "deflated": float(deflated_sharpe_ratio(returns[:, best], ratios)),
        "blocks": blocks,
        "pbo": found.pbo,
        "probabilityOfLoss": found.probability_of_loss,
        "slope": slope,
        "intercept": intercept,
        "r2": r2,
        "selected": found.selected.tolist(),
        "logits": found.logits.tolist(),
    }


def bootstrap_case(random, index):
    bars, models, length, draws = [(40, 3, 4, 60), (64, 5, 2.5, 80), (90, 4, 8, 60)][index]
    differences = matrix(random, bars, models, 0.4, 0.004 if index < 2 else 0.0)
    # One model that is far worse than the benchmark.
    differences[:, -1] -= 0.01
    # arch takes losses: the benchmark's minus the models'.
    spa = SPA(np.zeros(bars), -differences, block_size=length, reps=2, seed=1)
    spa._compute_variance()
    variances, valid = spa._loss_diff_var, spa._check_column_validity()
    starts, uniforms = random.integers(0, bars, (draws, bars)), np.round(random.random((draws, bars)), 6)
    rows = np.array(
        [stationary_bootstrap_sample_python(s.copy(), u, 1 / length) for s, u in zip(starts, uniforms)]
    )
    means, boot = differences.mean(axis=0), differences[rows].mean(axis=1)
    centers = {"lower": np.maximum(means, 0), "consistent": np.where(valid, means, 0), "upper": means}
    maxima = {name: (boot - center).max(axis=1) for name, center in centers.items()}
    sampled = holdout.spa._Resampled(
        means=means, boot_means=boot, omega=np.sqrt(variances), n=bars, block_length=length
    )
    holdout.spa._resample = lambda *_: sampled
    studentized = holdout.spa.superior_predictive_ability(differences)
    return {
        "differences": differences.T.tolist(),
        "length": length,
        "starts": starts.tolist(),
        "uniforms": uniforms.tolist(),
        "rows": rows.tolist(),
        "variances": variances.tolist(),
        "recentred": valid.tolist(),
        "maxima": {name: values.tolist() for name, values in maxima.items()},
        "realityCheck": holdout.spa.reality_check(differences).pvalue,
        "spa": [studentized.lower, studentized.consistent, studentized.upper],
        "statistic": studentized.statistic,
        "stepDown": holdout.spa.romano_wolf(differences).adjusted_pvalues.tolist(),
    }


def step_case():
    """The longer case of the specification; arch says which models are superior with the upper form of its critical values."""
    i = np.arange(240)
    base = 0.01 * np.sin(1.3 * i**2)
    shapes = [0, 0.004 * np.cos(0.7 * i**2), 0.006 * np.sin(0.31 * i**2), 0]
    models = np.column_stack([base + offset + shape for offset, shape in zip([0.004, 0.0015, 0, -0.004], shapes)])
    found = StepM(np.zeros(240), -models, block_size=5, reps=1000, seed=42, size=0.05)
    found.compute()
    return {"superior": list(map(int, found.superior_models))}


def spans(indices):
    """Returns ascending indices as runs: first and last."""
    runs = np.split(indices, np.flatnonzero(np.diff(indices) != 1) + 1)
    return [[int(run[0]), int(run[-1])] for run in runs if len(run)]


def walk_forward_case(random):
    bars, train, test = int(random.integers(20, 80)), int(random.integers(4, 15)), int(random.integers(1, 8))
    purge, anchored, partial = int(random.integers(0, 4)), bool(random.random() < 0.5), bool(random.random() < 0.5)
    step = test if random.random() < 0.5 else int(random.integers(1, 9))
    request = {"bars": bars, "train": train, "test": test, "step": step, "purge": purge, "anchored": anchored, "partial": partial}
    if step != test:
        # holdout-backtest has steps, and no partial windows.
        request["partial"] = False
        splits = holdout.walk_forward(bars, train=train, test=test, step=step, expanding=anchored, gap=purge)
        windows = [[spans(split.train)[0], spans(split.test)[0]] for split in splits]
    else:
        split = WalkForward(test_size=test, train_size=train, expand_train=anchored, reduce_test=partial, purged_size=purge)
        windows = [[spans(a)[0], spans(b)[0]] for a, b in split.split(np.zeros((bars, 1)))]
    return {**request, "by": "skfolio" if step == test else "holdout-backtest", "windows": windows}


def combinatorial_case(random):
    groups = int(random.integers(3, 9))
    tested = int(random.integers(1, groups))
    purge, embargo = int(random.integers(0, 4)), int(random.integers(0, 4))
    by = "skfolio" if tested >= 2 and random.random() < 0.6 else "holdout-backtest"
    bars = groups * int(random.integers(4, 12)) + (0 if by == "skfolio" else int(random.integers(0, groups)))
    if by == "skfolio":
        split = CombinatorialPurgedCV(n_folds=groups, n_test_folds=tested, purged_size=purge, embargo_size=embargo)
        train = [spans(a) for a, _ in split.split(np.zeros((bars, 1)))]
        paths = split.get_path_ids().tolist()
    else:
        embargo = 0
        found = holdout.combinatorial_purged_cv(groups, tested, start=np.arange(bars), end=np.arange(bars) + purge)
        train = [spans(split.train) for split in found.splits]
        of = np.array(found.path_assignment())
        paths = [[int(np.flatnonzero(of[:, g] == s)[0]) for g in chosen] for s, chosen in enumerate(combinations(range(groups), tested))]
    return {"bars": bars, "groups": groups, "tested": tested, "purge": purge, "embargo": embargo, "by": by, "train": train, "paths": paths}


def several(count, make):
    """Returns cases; a library refuses some arguments, which are drawn again."""
    cases = []
    while len(cases) < count:
        try:
            cases.append(make())
        except (ValueError, holdout.HoldoutError):
            continue
    return cases


def write(name, content):
    header = {
        "script": "scripts/referees/validation.py",
        "python": platform.python_version(),
        "packages": {package: version(package) for package in PACKAGES},
        "seed": SEED,
    }
    OUT.mkdir(parents=True, exist_ok=True)
    lines = [f'"header": {json.dumps(header)}']
    for key, value in content.items():
        if isinstance(value, list):
            items = ",\n".join(json.dumps(item, separators=(",", ":")) for item in value)
            lines.append(f"{json.dumps(key)}: [\n{items}\n]")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}")
    (OUT / name).write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    random = np.random.default_rng(SEED)
    exact = [[n, holdout.expected_maximum_normal(n)] for n in (2, 3, 5, 20, 100, 1000)]
    approximate = [[n, holdout.expected_maximum_sharpe(n, 1.0)] for n in (2, 3, 5, 20, 100, 1000)]
    write(
        "cases.json",
        {
            "normal": normal_cases(),
            "expectedMaximum": {"exact": exact, "approximate": approximate},
            "series": [series_case(random, index) for index in range(24)],
            "searches": [search_case(random, index) for index in range(5)],
            "bootstraps": [bootstrap_case(random, index) for index in range(3)],
            "step": step_case(),
        },
    )
    write(
        "splits.json",
        {
            "walkForward": several(60, lambda: walk_forward_case(random)),
            "combinatorial": several(40, lambda: combinatorial_case(random)),
        },
    )


main()
