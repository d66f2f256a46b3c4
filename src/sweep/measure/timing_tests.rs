//! How long combinations take. Run with `--release -- --ignored --nocapture`.

#![allow(clippy::print_stdout, reason = "prints what it measured")]
#![allow(clippy::cast_precision_loss, reason = "counts of a measurement of time")]

use std::sync::LazyLock;
use std::time::Instant;

use super::testing::{Random, input_of_prices, walk};
use super::{Path, Scratch, Tables, Wanted, measure};
use crate::backtest::BacktestInput;
use crate::metrics::{METRICS, Metric, StatisticSet};
use crate::observer::NoObserver;
use crate::settings::{Conflict, Direction, Execution, Settings, SizeType};
use crate::simulation::Prices;
use crate::sweep::swept_signals::SweptSignals;

const MINUTE: i64 = 60_000;

/// Entries and exits of one combination.
type Words = [Vec<u64>; 2];

/// Returns the signals of all pairs of moving averages of 2 to 101 bars: crossings from the first bar on that has both.
fn crossings(close: &[f64]) -> Vec<Words> {
    let averages: Vec<Vec<f64>> = (0..102)
        .map(|length: usize| {
            let mut sum = 0.0;
            let mut average = vec![f64::NAN; close.len()];
            for bar in 0..close.len() {
                sum += close[bar] - if bar >= length { close[bar - length] } else { 0.0 };
                if length > 0 && bar + 1 >= length {
                    average[bar] = sum / length as f64;
                }
            }
            average
        })
        .collect();
    let mut all = Vec::new();
    for fast in 2..102 {
        for slow in fast + 1..102 {
            let (f, s) = (&averages[fast], &averages[slow]);
            let mut words = [(); 2].map(|()| vec![0_u64; close.len().div_ceil(64)]);
            for bar in 1..close.len() {
                let above = f[bar - 1] <= s[bar - 1] && f[bar] > s[bar];
                let below = f[bar - 1] >= s[bar - 1] && f[bar] < s[bar];
                words[0][bar / 64] |= u64::from(above) << (bar % 64);
                words[1][bar / 64] |= u64::from(below) << (bar % 64);
            }
            all.push(words);
        }
    }
    all
}

/// Returns the signals of 256 random runs with a trade every 3 bars.
fn often(bars: usize) -> Vec<Words> {
    let mut random = Random::new(9);
    let one = |_| {
        let mut words = [(); 2].map(|()| vec![0_u64; bars.div_ceil(64)]);
        let mut held = 0;
        for bar in 1..bars {
            if random.unit() < 2.0 / 3.0 {
                words[held][bar / 64] |= 1 << (bar % 64);
                held = 1 - held;
            }
        }
        words
    };
    (0..256).map(one).collect()
}

fn composing() -> Vec<&'static Metric> {
    METRICS.iter().copied().filter(|metric| !metric.needs.contains(StatisticSet::TAILS)).collect()
}

/// The metrics of the floor program.
fn floor() -> Vec<&'static Metric> {
    const NAMES: [&str; 20] = [
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
    METRICS.iter().copied().filter(|metric| NAMES.contains(&metric.name)).collect()
}

/// Returns the seconds that this thread has run so far; the time of day where the system does not tell.
#[allow(clippy::disallowed_methods, reason = "a measurement needs a clock")]
pub(crate) fn now() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let of_thread = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = of_thread.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| START.elapsed().as_secs_f64(), |nanoseconds| nanoseconds * 1e-9)
}

fn time(
    name: &str,
    input: &BacktestInput<'_>,
    all: &[Words],
    metrics: &[&'static Metric],
    sums: bool,
) {
    let bars = input.prices.len();
    let start = now();
    let tables = Tables::new(input).unwrap();
    let prepared = now() - start;
    let mut scratch = Scratch::default();
    let wanted = Wanted::new(metrics, sums);
    let mut paths = [0_usize; 3];
    let mut times = Vec::new();
    let (mut total, mut orders) = (0.0, 0);
    for _ in 0..7 {
        let start = now();
        (paths, orders) = ([0; 3], 0);
        for [entries, exits] in all {
            let signals =
                SweptSignals { bars, entries, exits, short_entries: None, short_exits: None };
            let found =
                measure(&tables, input, signals, &wanted, &mut scratch, &NoObserver).unwrap();
            for metric in metrics {
                total += metric.of(&found.statistics).unwrap_or(0.0);
            }
            orders += found.statistics.trades.total;
            paths[match found.path {
                Path::AllIn => 0,
                Path::Segments => 1,
                Path::Plain => 2,
            }] += 1;
        }
        times.push(now() - start);
    }
    times.sort_by(f64::total_cmp);
    let units = (bars * all.len()) as f64;
    println!(
        "{name:<52} {:7.4} median {:7.4} least ns a bar and combination, {:5.1} ns a trade; tables {:5.1} ns a bar; paths {paths:?} {}",
        times[3] / units * 1e9,
        times[0] / units * 1e9,
        times[0] / orders as f64 * 1e9,
        prepared / bars as f64 * 1e9,
        if total.is_nan() { "NaN" } else { "" },
    );
}

#[test]
#[ignore = "takes time"]
fn combinations_take() {
    let bars = 10_000;
    let close = walk(bars, 0.002, 5);
    let mut random = Random::new(4);
    let open: Vec<f64> = close.iter().take(1).chain(&close).take(bars).copied().collect();
    let range = |random: &mut Random| (0.001 * random.unit()).exp();
    let both = || open.iter().zip(&close);
    let high: Vec<f64> = both().map(|(o, c)| o.max(*c) * range(&mut random)).collect();
    let low: Vec<f64> = both().map(|(o, c)| o.min(*c) / range(&mut random)).collect();
    let prices = Prices::new(Some(&open), Some(&high), Some(&low), &close).unwrap();
    let only = std::env::var("ONLY").unwrap_or_default();
    let all = crossings(&close);
    let with =
        |change: &dyn Fn(&mut Settings)| Settings::default().with(|settings| change(settings));
    let run =
        |name: &str, settings: &Settings, words: &[Words], metrics: &[&'static Metric], sums| {
            if name.contains(&only) {
                input_of_prices(&prices, settings, MINUTE, |input| {
                    time(name, input, words, metrics, sums);
                });
            }
        };
    let plain = with(&|_| {});
    run("sma: metrics of the floor program", &plain, &all, &floor(), false);
    run("sma: all that compose", &plain, &all, &composing(), false);
    run("sma: all that compose, judging sums", &plain, &all, &composing(), true);
    run("sma: four metrics", &plain, &all, &floor()[..4], false);
    let next = with(&|settings| settings.conventions.execution = Execution::NextOpen);
    run("sma: next open", &next, &all, &composing(), false);
    run("often: metrics of the floor program", &plain, &often(bars), &floor(), false);
    run("often: all that compose", &plain, &often(bars), &composing(), false);
    let segments = with(&|settings| settings.sizing.max_size = 1e30);
    run("segments: all in", &segments, &all, &composing(), false);
    let stops = with(&|settings| {
        (settings.stops.sl_stop, settings.stops.tp_stop) = (Some(0.01), Some(0.02));
    });
    run("stops: loss and profit", &stops, &all, &composing(), false);
    let trailing = with(&|settings| {
        (settings.stops.sl_stop, settings.stops.sl_trail) = (Some(0.01), true);
    });
    run("stops: trailing", &trailing, &all, &composing(), false);
    let short = with(&|settings| settings.rules.direction = Direction::ShortOnly);
    run("short", &short, &all, &composing(), false);
    let both = with(&|settings| settings.rules.direction = Direction::Both);
    run("both directions", &both, &all, &composing(), false);
    let half = with(&|settings| {
        (settings.sizing.size, settings.sizing.size_type) = (0.5, SizeType::Percent);
        settings.rules.upon_long_conflict = Conflict::Ignore;
    });
    run("half of the cash", &half, &all, &composing(), false);
    let some: Vec<Words> = all.iter().step_by(10).cloned().collect();
    run("plain: all metrics", &plain, &some, METRICS, false);
}
