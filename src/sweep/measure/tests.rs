//! Every path against the plain pipeline.

#![allow(clippy::cast_precision_loss, reason = "counts of bars are small")]

use proptest::prelude::*;

use super::testing::{Random, input_of_prices, walk};
use super::{Measured, Path, Scratch, Tables, Wanted, measure};
use crate::backtest::{BacktestInput, Buffers, Outputs, Pipeline};
use crate::compute::parallel::Sequential;
use crate::metrics::{METRICS, Metric, StatisticSet};
use crate::observer::NoObserver;
use crate::settings::{Accumulate, Direction, Execution, Settings, SizeType, StopExit, Stops};
use crate::signals::{Bits, Signals};
use crate::simulation::Prices;
use crate::simulation::random_cases::{Case, cases};
use crate::sweep::swept_signals::SweptSignals;

const HOUR: i64 = 3_600_000;

/// The metrics that compose.
fn composing() -> Vec<&'static Metric> {
    METRICS.iter().copied().filter(|metric| !metric.needs.contains(StatisticSet::TAILS)).collect()
}

fn swept(signals: &Signals) -> SweptSignals<'_> {
    SweptSignals {
        bars: signals.entries.len(),
        entries: signals.entries.words(),
        exits: signals.exits.words(),
        short_entries: signals.short_entries.as_ref().map(Bits::words),
        short_exits: signals.short_exits.as_ref().map(Bits::words),
    }
}

/// What the plain pipeline has, and how far rounding may move each metric.
struct Expected {
    values: Vec<(&'static str, Option<f64>)>,
    /// Σr, Σr², Σr·m, Σ exposure; the same of each block and chunk.
    sums: [f64; 4],
    blocks: Vec<[f64; 2]>,
    chunks: Vec<f64>,
    noise: Noise,
}

/// Amounts that bound the rounding of metrics that are differences near zero.
struct Noise {
    /// ε × the largest amount × orders, relative to the least equity.
    money: f64,
    capital: f64,
    spread: f64,
    active: f64,
    benchmark: f64,
    year: f64,
    bars: f64,
    results: f64,
    /// A result that rounding may turn into a win or a loss, and a drawdown that it may end.
    ambiguous: bool,
}

fn expected(
    input: &BacktestInput<'_>,
    signals: &Signals,
    metrics: &[&'static Metric],
    tables: &Tables,
) -> Result<Expected, String> {
    let pipeline = Pipeline { executor: &Sequential, observer: &NoObserver };
    let outputs = Outputs { equity: true, trades: true, ..Outputs::metrics(metrics) };
    let run = pipeline.run(input, signals, &outputs, &mut Buffers::default());
    let run = run.map_err(|error| error.message.clone())?;
    let (equity, trades) = (run.equity.unwrap(), run.trades.unwrap());
    let close = input.prices.close();
    let before = std::iter::once(&input.initial_capital).chain(&equity);
    let returns: Vec<f64> =
        equity.iter().zip(before).map(|(to, from)| (to - from) / from.abs()).collect();
    let m: Vec<f64> = (0..close.len())
        .map(|bar| if bar == 0 { 0.0 } else { close[bar] / close[bar - 1] - 1.0 })
        .collect();
    let mut exposure = 0.0;
    for bar in 1..close.len() {
        let orders = run.simulation.orders.bar.partition_point(|&order| (order as usize) < bar);
        let position = orders.checked_sub(1).map_or(0.0, |at| run.simulation.holdings.position[at]);
        exposure += position * close[bar - 1] / equity[bar - 1].abs();
    }
    let sum = |range: std::ops::Range<usize>| {
        let part = &returns[range];
        [part.iter().sum::<f64>(), part.iter().map(|r| r * r).sum::<f64>()]
    };
    let [one, two] = sum(0..returns.len());
    let mut start = 0;
    let blocks = (0..16).map(|block| {
        let bars = returns.len() / 16 + usize::from(block < returns.len() % 16);
        start += bars;
        sum(start - bars..start)
    });
    let blocks = blocks.collect();
    let chunks = tables.chunks().iter().map(|chunk| sum(chunk.from..chunk.until)[0]).collect();
    let spread = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / (values.len().max(2) - 1) as f64).sqrt()
    };
    let active: Vec<f64> = returns.iter().zip(&m).map(|(r, m)| r - m).collect();
    let closed: Vec<f64> = trades
        .pnl
        .iter()
        .zip(&trades.status)
        .filter(|(_, status)| **status == 1)
        .map(|(pnl, _)| *pnl)
        .collect();
    let least = equity.iter().copied().fold(f64::INFINITY, f64::min);
    let most = equity.iter().copied().fold(0.0, f64::max);
    let orders = run.simulation.orders.bar.len() as f64 + 8.0;
    let noise = Noise {
        money: f64::EPSILON * orders * most / least.abs(),
        capital: most,
        spread: spread(&returns),
        active: spread(&active),
        benchmark: spread(&m),
        year: input.annualization.bars_per_year.unwrap_or(1.0),
        bars: close.len() as f64,
        results: spread(&closed),
        ambiguous: closed.iter().any(|pnl| *pnl != 0.0 && pnl.abs() < 1e-9 * most),
    };
    let products = returns.iter().zip(&m).map(|(r, m)| r * m).sum();
    Ok(Expected {
        values: run.metrics,
        sums: [one, two, products, exposure],
        blocks,
        chunks,
        noise,
    })
}

impl Noise {
    /// Returns how far rounding may move a metric, beyond 1e-9 of it; infinite if no digit is reliable.
    fn of(&self, name: &str, value: f64) -> f64 {
        let ratio = |dividend: f64, divisor: f64| {
            if divisor > 1e3 * self.money { dividend / divisor } else { f64::INFINITY }
        };
        let root = self.year.sqrt();
        let returns = 64.0 * self.money;
        match name {
            "sharpeRatio" | "sortinoRatio" => {
                root * ratio(returns, self.spread) * (1.0 + value.abs())
            }
            "informationRatio" => ratio(returns, self.active) * (1.0 + value.abs()),
            "alpha" => {
                100.0 * self.year * returns * (1.0 + value.abs() / 100.0) * (1.0 + self.benchmark)
                    / self.benchmark.max(1e-12)
            }
            "beta" => {
                ratio(returns, self.benchmark) * (1.0 + self.spread / self.benchmark.max(1e-300))
            }
            "skew" | "kurtosis" => 64.0 * ratio(returns, self.spread) * (self.bars + value.abs()),
            "annualizedReturn" | "calmarRatio" => 100.0 * self.year * returns * (1.0 + value.abs()),
            "annualizedVolatility" => 100.0 * root * returns,
            "totalReturn" | "maxDrawdown" | "avgDrawdown" | "ulcerIndex" | "benchmarkReturn" => {
                100.0 * returns
            }
            "omegaRatio" => ratio(returns * self.bars, self.spread) * (1.0 + value.abs()),
            "finalCapital" | "totalProfit" | "expectancy" | "avgWin" | "avgLoss"
            | "openTradePnl" | "totalFeesPaid" | "totalSlippagePaid" => returns * self.capital,
            "bestTrade" | "worstTrade" | "avgWinPercent" | "avgLossPercent" => 100.0 * returns,
            "sqn" => {
                ratio(returns * self.capital, self.results) * self.bars.sqrt() * (1.0 + value.abs())
            }
            "payoffRatio" | "profitFactor" => 1e-9 * value.abs() + returns * self.capital,
            _ => 0.0,
        }
    }
}

/// Compares a combination with the plain pipeline; returns the path it took.
fn compare(
    input: &BacktestInput<'_>,
    signals: &Signals,
    metrics: &[&'static Metric],
    tables: &Tables,
    scratch: &mut Scratch,
) -> Option<Path> {
    let wanted = Wanted::new(metrics, true);
    let found = measure(tables, input, swept(signals), &wanted, scratch, &NoObserver);
    let expected = match expected(input, signals, metrics, tables) {
        Ok(expected) => expected,
        Err(message) => {
            assert_eq!(found.unwrap_err().message, message);
            return None;
        }
    };
    let Measured { path, statistics } = found.unwrap();
    // Whether a run is all in does not depend on the sums.
    let alone = Wanted::new(metrics, false);
    let alone =
        measure(tables, input, swept(signals), &alone, &mut Scratch::default(), &NoObserver);
    assert_eq!(alone.unwrap().path == Path::AllIn, path == Path::AllIn);
    let noise = &expected.noise;
    for (metric, &(name, value)) in metrics.iter().zip(&expected.values) {
        let computed = metric.of(&statistics);
        match (computed, value) {
            (Some(computed), Some(value)) => {
                let allowed = 1e-9 * value.abs() + noise.of(name, value);
                let allowed = if allowed.is_nan() { f64::INFINITY } else { allowed };
                let is_count = metric.unit == crate::metrics::Unit::Count;
                let allowed = if is_count { 0.0 } else { allowed };
                assert!(
                    (computed - value).abs() <= allowed || noise.ambiguous && !is_count,
                    "{name} by {path:?}: {computed:?} instead of {value:?} ± {allowed:e}"
                );
            }
            (None, None) => {}
            (computed, value) => {
                let allowed = noise.of(name, value.or(computed).unwrap_or(0.0));
                assert!(
                    allowed.is_infinite(),
                    "{name} by {path:?}: {computed:?} instead of {value:?}"
                );
            }
        }
    }
    let sums = scratch.sums().unwrap();
    assert_eq!(sums.bars, signals.entries.len());
    let near = |name: &str, found: f64, expected: f64, scale: f64| {
        let allowed = 1e-9 * expected.abs() + 1e-10 * scale + noise.money;
        let is_same = (found - expected).abs() <= allowed || !(allowed + expected).is_finite();
        assert!(is_same, "{name} by {path:?}: {found:?} instead of {expected:?}");
    };
    let [returns, squares, products, exposure] = expected.sums;
    let scale = (squares * noise.bars).sqrt();
    near("Σr", sums.returns, returns, scale);
    near("Σr²", sums.squares, squares, 0.0);
    near("Σr·m", sums.products, products, squares + scale * noise.benchmark);
    near("Σ exposure", sums.exposure, exposure, noise.bars);
    for (found, expected) in sums.blocks.iter().zip(&expected.blocks) {
        near("Σr of a block", found.returns, expected[0], scale);
        near("Σr² of a block", found.squares, expected[1], squares);
    }
    assert_eq!(scratch.chunk_sums().len(), expected.chunks.len());
    for (found, expected) in scratch.chunk_sums().iter().zip(&expected.chunks) {
        near("Σr of a chunk", *found, *expected, scale);
    }
    Some(path)
}

fn compare_case(case: &Case, scratch: &mut Scratch) -> Option<Path> {
    input_of_prices(&case.prices(), &case.settings, HOUR, |input| {
        let tables = Tables::new(input).unwrap();
        compare(input, &case.signals, &composing(), &tables, scratch)
    })
}

/// Changes closes so that many are equal, and some bars have no range.
fn coarse(mut case: Case, step: f64) -> Case {
    let round = |price: &mut f64| *price = ((*price / step).round() * step).max(step);
    for column in [&mut case.open, &mut case.high, &mut case.low, &mut case.close] {
        column.iter_mut().for_each(round);
    }
    case
}

fn scaled(mut case: Case, scale: f64) -> Case {
    for column in [&mut case.open, &mut case.high, &mut case.low, &mut case.close] {
        column.iter_mut().for_each(|price| *price *= scale);
    }
    case
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn any_settings_give_the_metrics_of_a_single_run(case in cases(), step in prop_oneof![Just(0.0), Just(0.5), Just(10.0)]) {
        let case = if step > 0.0 { coarse(case, step) } else { case };
        compare_case(&case, &mut Scratch::default());
    }

    #[test]
    fn all_in_runs_give_the_metrics_of_a_single_run(
        case in cases(),
        scale in prop_oneof![4 => Just(1.0), 1 => Just(1e-9), 1 => Just(1e12)],
        step in prop_oneof![2 => Just(0.0), 1 => Just(0.5), 1 => Just(10.0)],
        free in any::<bool>(),
        risk_free in prop_oneof![Just(0.0), Just(0.05), Just(-0.02)],
    ) {
        let case = case.all_in(0.0);
        let case = if step > 0.0 { coarse(case, step) } else { case };
        let mut case = scaled(case, scale);
        case.settings.conventions.risk_free = risk_free;
        if free {
            case.settings.costs = crate::settings::Costs { fees: 0.0, fixed_fees: 0.0, slippage: 0.0 };
        }
        compare_case(&case, &mut Scratch::default());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn stops_give_the_metrics_of_a_single_run_when_combinations_share_tables(
        case in cases(),
        loss in proptest::option::of(0.002..0.1),
        step in prop_oneof![2 => Just(0.0), 1 => Just(0.5)],
    ) {
        let stops = Stops { sl_stop: loss, upon_stop_exit: StopExit::Close, ..case.settings.stops };
        let mut case = if step > 0.0 { coarse(case, step) } else { case }.all_in(0.0);
        case.settings.stops = stops;
        case.settings.conventions.execution = Execution::Close;
        let Signals { entries, exits, .. } = case.signals.clone();
        let swapped = Signals { entries: exits, exits: entries, ..case.signals.clone() };
        input_of_prices(&case.prices(), &case.settings, HOUR, |input| {
            let (tables, mut scratch) = (Tables::new(input).unwrap(), Scratch::default());
            for signals in [&case.signals, &swapped, &case.signals] {
                compare(input, signals, &composing(), &tables, &mut scratch);
            }
        });
    }

    #[test]
    fn short_and_partial_positions_give_the_metrics_of_a_single_run(
        case in cases(),
        settings in prop_oneof![Just(short()), Just(both()), Just(half())],
        risk_free in prop_oneof![Just(0.0), Just(0.05)],
        execution in prop_oneof![Just(Execution::Close), Just(Execution::NextOpen)],
    ) {
        let mut case = Case { settings: Settings { costs: case.settings.costs, ..settings }, ..case };
        case.settings.conventions.risk_free = risk_free;
        case.settings.conventions.execution = execution;
        if case.settings.rules.direction != Direction::LongOnly {
            (case.signals.short_entries, case.signals.short_exits) = (None, None);
        }
        compare_case(&case, &mut Scratch::default());
    }
}

/// Returns random signals: each bar is an entry with one probability and an exit with another.
fn random_signals(bars: usize, entries: f64, exits: f64, seed: u64) -> Signals {
    let mut random = Random::new(seed);
    let mut set = |share: f64| Bits::from_fn(bars, |_| random.unit() < share);
    Signals { entries: set(entries), exits: set(exits), short_entries: None, short_exits: None }
}

/// Runs combinations on one long series with one scratch, and returns how often each path was taken.
fn paths(bars: usize, settings: &Settings, signals: impl Iterator<Item = Signals>) -> [usize; 3] {
    let close = walk(bars, 0.004, 11);
    let open: Vec<f64> = close.iter().map(|close| close * 1.001).collect();
    let high: Vec<f64> = close.iter().map(|close| close * 1.004).collect();
    let low: Vec<f64> = close.iter().map(|close| close * 0.997).collect();
    let prices = Prices::new(Some(&open), Some(&high), Some(&low), &close).unwrap();
    let mut counts = [0; 3];
    input_of_prices(&prices, settings, HOUR, |input| {
        let tables = Tables::new(input).unwrap();
        let (mut scratch, metrics) = (Scratch::default(), composing());
        for signals in signals {
            match compare(input, &signals, &metrics, &tables, &mut scratch) {
                Some(Path::AllIn) => counts[0] += 1,
                Some(Path::Segments) => counts[1] += 1,
                Some(Path::Plain) | None => counts[2] += 1,
            }
        }
    });
    counts
}

const DENSITIES: [(f64, f64); 6] =
    [(0.0, 0.0), (0.0005, 0.0005), (0.01, 0.02), (0.3, 0.3), (0.9, 0.1), (0.001, 0.0)];

fn various(bars: usize) -> impl Iterator<Item = Signals> {
    DENSITIES
        .into_iter()
        .zip(1..)
        .map(move |((entries, exits), seed)| random_signals(bars, entries, exits, seed))
}

#[test]
fn usual_runs_take_the_fast_paths() {
    let settings = Settings::default();
    assert_eq!(paths(5_000, &settings, various(5_000)), [6, 0, 0]);
    let next = settings.clone().with(|it| it.conventions.execution = Execution::NextOpen);
    assert_eq!(paths(5_000, &next, various(5_000)), [6, 0, 0]);
    let free = settings.clone().with(|it| {
        (it.costs.fees, it.costs.slippage, it.conventions.risk_free) = (0.0, 0.0, 0.03);
    });
    assert_eq!(paths(3_000, &free, various(3_000))[2], 0);
    let part = settings.clone().with(|it| it.sizing.size = 10.0);
    assert_eq!(paths(5_000, &part, various(5_000)), [0, 6, 0]);
    let stops = settings.with(|it| it.stops.sl_stop = Some(0.02));
    assert_eq!(paths(5_000, &stops, various(5_000)), [6, 0, 0]);
    for settings in [short(), both(), half()] {
        assert_eq!(paths(5_000, &settings, various(5_000)), [0, 6, 0]);
        let next = settings.with(|it| it.conventions.execution = Execution::NextOpen);
        assert_eq!(paths(5_000, &next, various(5_000)), [0, 6, 0]);
    }
}

fn short() -> Settings {
    Settings::default().with(|it| it.rules.direction = Direction::ShortOnly)
}

fn both() -> Settings {
    Settings::default().with(|it| it.rules.direction = Direction::Both)
}

fn half() -> Settings {
    Settings::default().with(|it| (it.sizing.size, it.sizing.size_type) = (0.5, SizeType::Percent))
}

#[test]
fn tails_and_another_risk_free_rate_take_the_plain_path() {
    let close = walk(500, 0.01, 2);
    let signals = random_signals(500, 0.1, 0.1, 3);
    let settings = Settings::default();
    super::testing::input_of(&close, &settings, |input| {
        let tables = Tables::new(input).unwrap();
        let mut scratch = Scratch::default();
        assert_eq!(compare(input, &signals, METRICS, &tables, &mut scratch), Some(Path::Plain));
        let other = settings.clone().with(|it| it.conventions.risk_free = 0.01);
        let input = BacktestInput { settings: &other, ..*input };
        let metrics = composing();
        let path = compare(&input, &signals, &metrics, &tables, &mut scratch);
        assert_eq!(path, Some(Path::Plain));
    });
}

#[test]
fn returns_that_hardly_differ_take_the_plain_path() {
    // A purchase of three units on each of four bars of one price, whose costs are nearly the same part of equity.
    let settings = Settings::default().with(|it| {
        (it.sizing.size, it.rules.accumulate) = (3.0, Accumulate::Both);
        (it.costs.fees, it.costs.slippage) = (0.05, 0.002);
    });
    let entries = Bits::from_fn(4, |_| true);
    let exits = Bits::from_fn(4, |_| false);
    let signals = Signals { entries, exits, short_entries: None, short_exits: None };
    super::testing::input_of(&[100.0; 4], &settings, |input| {
        let tables = Tables::new(input).unwrap();
        let path = compare(input, &signals, &composing(), &tables, &mut Scratch::default());
        assert_eq!(path, Some(Path::Plain));
    });
}

#[test]
fn one_bar_and_a_few_bars_are_measured() {
    for bars in 1..=70 {
        for seed in 0..4 {
            let close = walk(bars, 0.02, 40 + seed);
            let signals = random_signals(bars, 0.5, 0.4, seed + 1);
            super::testing::input_of(&close, &Settings::default(), |input| {
                let tables = Tables::new(input).unwrap();
                compare(input, &signals, &composing(), &tables, &mut Scratch::default());
            });
        }
    }
}

#[test]
fn a_long_rise_is_followed_from_record_to_record() {
    let close: Vec<f64> = (0..5_000)
        .map(|bar| 100.0 + f64::from(bar) + 40.0 * (f64::from(bar) / 7.0).sin())
        .collect();
    super::testing::input_of(&close, &Settings::default(), |input| {
        let tables = Tables::new(input).unwrap();
        let mut scratch = Scratch::default();
        for (entries, exits) in DENSITIES {
            let signals = random_signals(5_000, entries, exits, 21);
            let path = compare(input, &signals, &composing(), &tables, &mut scratch);
            assert_eq!(path, Some(Path::AllIn));
        }
    });
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_scalar_version_returns_the_same_bits() {
    use crate::compute::multiversion::scalar;
    let close = walk(3_000, 0.01, 8);
    let units = Settings::default().with(|it| it.sizing.size = 20.0);
    let rate = half().with(|it| it.conventions.risk_free = 0.03);
    let stops = Settings::default().with(|it| it.stops.tp_stop = Some(0.02));
    for settings in [Settings::default(), units, short(), both(), half(), rate, stops] {
        super::testing::input_of(&close, &settings, |input| {
            let run = || {
                let tables = Tables::new(input).unwrap();
                let mut scratch = Scratch::default();
                let wanted = Wanted::new(METRICS, true);
                let composing = composing();
                let fast = Wanted::new(&composing, true);
                let mut found = Vec::new();
                for signals in various(3_000) {
                    for wanted in [&fast, &wanted] {
                        let measured = measure(
                            &tables,
                            input,
                            swept(&signals),
                            wanted,
                            &mut scratch,
                            &NoObserver,
                        )
                        .unwrap();
                        found.push(format!(
                            "{:?} {:?} {:?}",
                            measured.statistics,
                            scratch.sums(),
                            scratch.chunk_sums()
                        ));
                    }
                }
                found
            };
            assert_eq!(run(), scalar::forced(run));
        });
    }
}
