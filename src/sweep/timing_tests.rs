//! How long whole sweeps take on one thread, without the service around them. Run with `--release -- --ignored --nocapture`;
//! `ONLY` picks shapes by a part of their names.

#![allow(clippy::print_stdout, reason = "prints what it measured")]
#![allow(clippy::cast_precision_loss, reason = "counts of a measurement of time")]

use std::ops::ControlFlow;

use super::kernel::SweepInput;
use super::measure::testing::walk;
use super::measure::timing_tests::now;
use super::space::{Axis, Space, Target};
use crate::backtest::{BacktestInput, annualization};
use crate::compute::parallel::Sequential;
use crate::market::Bars;
use crate::metrics::{METRICS, Metric, StatisticSet};
use crate::observer::NoObserver;
use crate::request::Issues;
use crate::settings::{Conflict, Settings};
use crate::simulation::Prices;
use crate::strategies::{Registry, Strategy, parse};

const MINUTE: i64 = 60_000;

fn crossing() -> Strategy {
    let text = "strategy crossing\nfast: integer 1..=1000 = 10\nslow: integer 1..=1000 = 30\n\
        entries crossed_above(sma(close, fast), sma(close, slow))\n\
        exits crossed_below(sma(close, fast), sma(close, slow))\n";
    parse(text).and_then(Strategy::compile).unwrap()
}

fn often() -> Strategy {
    let text = "strategy often\nup: number -1..=1 = -0.1\ndown: number -1..=1 = 0.1\n\
        entries roc(close, 1) > up\nexits roc(close, 1) < down\n";
    parse(text).and_then(Strategy::compile).unwrap()
}

fn range(from: u32, to: u32, step: usize) -> Vec<f64> {
    (from..=to).step_by(step).map(f64::from).collect()
}

fn bars_of(bars: usize) -> Bars {
    let close = walk(bars, 0.002, 5);
    let open: Vec<f64> = close.iter().take(1).chain(&close).take(bars).copied().collect();
    let both = || open.iter().zip(&close);
    let high = both().map(|(open, close)| open.max(*close) * 1.0005).collect();
    let low = both().map(|(open, close)| open.min(*close) / 1.0005).collect();
    let start = 1_577_836_800_000;
    let timestamps = (0..i64::try_from(bars).unwrap()).map(|bar| start + bar * MINUTE).collect();
    Bars::new(timestamps, open.clone().into(), high, low, close.into(), None).unwrap()
}

/// A sweep of some metrics.
struct Shape<'a> {
    name: &'a str,
    strategy: &'a Strategy,
    axes: Vec<(&'a str, Vec<f64>)>,
    keeps: fn(&[f64]) -> bool,
    bars: usize,
    metrics: Option<&'a [&'a str]>,
    change: fn(&mut Settings),
}

/// Returns the combinations of the parameters whose values are kept.
fn space_of(strategy: &Strategy, axes: Vec<(&str, Vec<f64>)>, keeps: fn(&[f64]) -> bool) -> Space {
    let parameters = &strategy.definition().parameters;
    let axes: Vec<Axis> = axes
        .into_iter()
        .map(|(name, values)| {
            let index = parameters.iter().position(|parameter| parameter.name == name).unwrap();
            Axis { name: name.to_owned(), target: Target::Parameter(index), values }
        })
        .collect();
    let columns: Vec<Vec<f64>> = axes.iter().map(|axis| axis.values.clone()).collect();
    Space::keeping(axes, |indices| {
        let values: Vec<f64> =
            indices.iter().zip(&columns).map(|(&at, column)| column[at as usize]).collect();
        keeps(&values)
    })
    .unwrap()
}

fn measure(shape: Shape<'_>) {
    let only = std::env::var("ONLY").unwrap_or_default();
    let Shape { name, strategy, axes, keeps, bars, metrics, change } = shape;
    if !name.contains(&only) {
        return;
    }
    let space = space_of(strategy, axes, keeps);
    let values = strategy.read_parameters(None, &mut Issues::default()).unwrap();
    let settings = Settings::default().with(change);
    let bars = bars_of(bars);
    let composing = |metric: &&&'static Metric| !metric.needs.contains(StatisticSet::TAILS);
    let metrics: Vec<&'static Metric> = METRICS
        .iter()
        .filter(composing)
        .filter(|metric| metrics.is_none_or(|names| names.contains(&metric.name)))
        .copied()
        .collect();
    let mut times = Vec::new();
    let mut paths = [0; 3];
    let (mut sum, mut trades) = (0.0, 0.0);
    let at_trades = metrics.iter().position(|metric| metric.name == "closedTrades");
    for _ in 0..5 {
        let start = now();
        let input = SweepInput {
            strategy,
            values: &values,
            space: &space,
            input: BacktestInput {
                prices: Prices::from(&bars),
                timestamps: bars.timestamps(),
                bar_milliseconds: Some(MINUTE),
                annualization: annualization(&settings, bars.timestamps(), Some(MINUTE)),
                initial_capital: 10_000.0,
                settings: &settings,
            },
            bars: &bars,
            warm_up: 0,
            metrics: &metrics,
            kept: metrics.len(),
            objective: &|values| values.first().copied().unwrap_or(f64::NAN),
            trade_counts: [usize::MAX; 2],
            min_trades: 1.0,
            sums_of: None,
            on_trial: None,
        };
        (paths, sum, trades) = ([0; 3], 0.0, 0.0);
        input
            .compute(0..space.len(), &Sequential, &NoObserver, &mut |part| {
                for (count, more) in paths.iter_mut().zip(part.paths) {
                    *count += more;
                }
                sum += part.columns.metrics.iter().filter_map(|column| column.last()).sum::<f64>();
                let counts = at_trades.and_then(|at| part.columns.metrics.get(at));
                trades += counts.map_or(0.0, |counts| counts.iter().sum::<f64>());
                Ok(ControlFlow::Continue(()))
            })
            .unwrap();
        times.push(now() - start);
    }
    times.sort_by(f64::total_cmp);
    let units = (space.len() * bars.len()) as f64;
    println!(
        "{name:<28} {:9} × {:7}: {:7.4} median {:7.4} least ns a bar and combination, {:6.1} ns a trade, {:8.1} ns a combination; paths {paths:?} {}",
        space.len(),
        bars.len(),
        times[2] / units * 1e9,
        times[0] / units * 1e9,
        times[0] / trades * 1e9,
        times[0] / space.len() as f64 * 1e9,
        if sum.is_nan() { "NaN" } else { "" },
    );
}

/// The metrics of the floor program.
const FLOOR: [&str; 20] = [
    "finalCapital",
    "totalReturn",
    "annualizedReturn",
    "annualizedVolatility",
    "sharpeRatio",
    "sortinoRatio",
    "calmarRatio",
    "omegaRatio",
    "maxDrawdown",
    "skew",
    "kurtosis",
    "ulcerIndex",
    "winRate",
    "profitFactor",
    "expectancy",
    "closedTrades",
    "bestTrade",
    "worstTrade",
    "timeInMarket",
    "totalFeesPaid",
];

#[test]
#[ignore = "takes time"]
fn sweeps_take() {
    let registry = Registry::builtin().unwrap();
    let builtin = |id: &str| registry.get(id).unwrap();
    let (sma, rsi, macd) = (builtin("sma_crossover"), builtin("rsi"), builtin("macd"));
    let (crossing, often) = (crossing(), often());
    let pair = |fast, slow| vec![("fast_period", fast), ("slow_period", slow)];
    let pairs = || pair(range(2, 101, 1), range(2, 101, 1));
    let ordered = |values: &[f64]| values[0] < values[1];
    let shape = |name, strategy, axes, bars| Shape {
        name,
        strategy,
        axes,
        keeps: |_| true,
        bars,
        metrics: None,
        change: |_| {},
    };
    let some = |shape| Shape { metrics: Some(&FLOOR), ..shape };
    let three: &[&str] = &["sharpeRatio", "totalReturn", "maxDrawdown"];
    let sma_shape = |name| Shape { keeps: ordered, ..shape(name, &sma, pairs(), 10_000) };
    measure(sma_shape("sma all"));
    measure(some(sma_shape("sma 20")));
    let long = |name| shape(name, &sma, pair(range(5, 24, 1), range(30, 128, 2)), 100_000);
    measure(long("long all"));
    measure(some(long("long 20")));
    // A tenth of the million: every slow average with every tenth fast one.
    let million = |name| {
        let axes = vec![("fast", range(1, 1_000, 10)), ("slow", range(1, 1_000, 1))];
        Shape { keeps: |values| values[0] != values[1], ..shape(name, &crossing, axes, 2_000) }
    };
    measure(million("million all"));
    measure(some(million("million 20")));
    measure(Shape { metrics: Some(three), ..million("million 3") });
    let levels = || {
        vec![
            ("period", range(5, 24, 1)),
            ("oversold", range(20, 36, 4)),
            ("overbought", range(64, 80, 4)),
        ]
    };
    measure(shape("rsi all", &rsi, levels(), 10_000));
    measure(some(shape("rsi 20", &rsi, levels(), 10_000)));
    let periods = || {
        let mut axes = pair(range(5, 24, 1), range(26, 49, 1));
        axes.push(("signal_period", range(5, 12, 1)));
        axes
    };
    measure(shape("macd all", &macd, periods(), 10_000));
    measure(some(shape("macd 20", &macd, periods(), 10_000)));
    let levels = || {
        let steps = || (0..16).map(|step| 0.1 + 0.002 * f64::from(step));
        vec![("up", steps().map(|level| -level).collect()), ("down", steps().collect())]
    };
    let often = |name| Shape {
        change: |settings| settings.rules.upon_long_conflict = Conflict::Opposite,
        ..shape(name, &often, levels(), 10_000)
    };
    measure(often("often all"));
    measure(some(often("often 20")));
}
