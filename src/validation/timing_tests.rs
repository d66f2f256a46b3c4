//! How long judging takes. Run with `--release -- --ignored --nocapture`.

#![allow(clippy::print_stdout, reason = "prints what it measured")]

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;

use super::cscv::{BlockReturns, SplitPlan, cscv};
use super::judged::BenchmarkKind;
use super::search_observer::SearchObserver;
use super::signs::Signs;
use super::sketch::{Sketch, SketchScratch};
use crate::compute::parallel::Sequential;
use crate::observer::NoObserver;
use crate::random::SplitMix64;
use crate::settings::Settings;
use crate::simulation::Prices;
use crate::sweep::kernel::TrialObserver;
use crate::sweep::measure::testing::{input_of_prices, walk};
use crate::sweep::measure::{Scratch, Tables, Wanted, measure};
use crate::sweep::swept_signals::SweptSignals;

/// Returns the seconds that this thread has run so far; the time of day where the system does not tell.
fn now() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let of_thread = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = of_thread.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| START.elapsed().as_secs_f64(), |nanoseconds| nanoseconds * 1e-9)
}

/// Returns the sums of chunks of trials with correlated neighbors, as a grid has them, and their squares.
fn grid(trials: usize, chunks: usize) -> Vec<(Vec<f64>, f64)> {
    let mut random = SplitMix64::new(1);
    let mut noise = move || (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
    let mut sums = vec![0.0; chunks];
    (0..trials)
        .map(|_| {
            for sum in &mut sums {
                *sum = 0.95 * *sum + 0.312 * noise();
            }
            (sums.clone(), chunks as f64)
        })
        .collect()
}

#[test]
#[ignore = "measures time"]
fn the_sketch() {
    for (trials, chunks) in
        [(1_000, 64), (4_950, 64), (100_000, 64), (10_000, 12), (10_000, 500), (500, 3_650)]
    {
        let signs = Signs::new((600..).take(chunks)).unwrap();
        let trials = grid(trials, chunks);
        let mut least = f64::INFINITY;
        for _ in 0..3 {
            // The system counts the time of a thread in steps of some milliseconds.
            let rounds = (50_000 / trials.len()).max(1);
            let start = now();
            for _ in 0..rounds {
                let (mut sketch, mut scratch) = (Sketch::new().unwrap(), SketchScratch::default());
                for (sums, squares) in &trials {
                    sketch.add(&signs, sums, *squares, &mut scratch).unwrap();
                }
                black_box(&sketch);
            }
            least = least.min((now() - start) / rounds as f64);
        }
        println!(
            "{} trials, {chunks} chunks: {:.3} µs a trial",
            trials.len(),
            least * 1e6 / trials.len() as f64
        );
    }
}

#[test]
#[ignore = "measures time"]
fn cross_validation() {
    let bars = [625; 16];
    for trials in [100, 1_000, 10_000, 100_000] {
        let mut random = SplitMix64::new(2);
        let sums: Vec<[[f64; 2]; 16]> = (0..trials)
            .map(|_| std::array::from_fn(|_| [random.unit() - 0.5, 50.0 + random.unit()]))
            .collect();
        let read = |trial: usize, into: &mut [[f64; 2]]| into.copy_from_slice(&sums[trial]);
        let returns = BlockReturns { trials, bars: &bars, read: &read };
        for budget in [u64::MAX, 200_000_000] {
            let start = now();
            let found = cscv(&returns, SplitPlan { budget, seed: 1 }, &Sequential, &NoObserver)
                .unwrap()
                .unwrap();
            let took = now() - start;
            let evaluations = found.splits.len() as f64 * trials as f64;
            println!(
                "{trials} trials, {} splits: {took:.3} s, {:.2} ns a trial and split",
                found.splits.len(),
                took * 1e9 / evaluations
            );
        }
    }
}

/// Returns entries and exits of breakouts from the range of the last bars, 4,950 pairs of lengths.
fn breakouts(close: &[f64]) -> Vec<[Vec<u64>; 2]> {
    let beyond = |length: usize, is_high: bool| -> Vec<u64> {
        let mut words = vec![0_u64; close.len().div_ceil(64)];
        for bar in length..close.len() {
            let before = &close[bar - length..bar];
            let is_beyond = if is_high {
                before.iter().all(|value| *value < close[bar])
            } else {
                before.iter().all(|value| *value > close[bar])
            };
            words[bar / 64] |= u64::from(is_beyond) << (bar % 64);
        }
        words
    };
    let highs: Vec<_> = (2..102).map(|length| beyond(2 * length, true)).collect();
    let lows: Vec<_> = (2..102).map(|length| beyond(length, false)).collect();
    let pairs = (0..100).flat_map(|high| (high + 1..100).map(move |low| (high, low)));
    pairs.map(|(high, low)| [highs[low].clone(), lows[high].clone()]).collect()
}

/// The sums and the sketch of a trial take at most 1.5 µs at 10,000 bars and 64 chunks.
#[test]
#[ignore = "measures time"]
fn sums_and_sketch_of_a_trial() {
    const BARS: usize = 10_000;
    // 63 minutes a bar: 64 weeks have bars.
    const LENGTH: i64 = 63 * 60_000;
    // The system counts the time of a thread in steps of some milliseconds.
    const TIMES: usize = 10;
    let close = walk(BARS, 0.004, 5);
    let all = breakouts(&close);
    let metrics: Vec<_> = crate::metrics::METRICS
        .iter()
        .copied()
        .filter(|metric| !metric.needs.contains(crate::metrics::StatisticSet::TAILS))
        .collect();
    let prices = Prices::of_close(&close).unwrap();
    input_of_prices(&prices, &Settings::default(), LENGTH, |input| {
        let tables = Tables::new(input).unwrap();
        let mut least = [f64::INFINITY; 3];
        for round in 0..15 {
            let kind = round % 3;
            let mut scratch = Scratch::default();
            let wanted = Wanted::new(&metrics, kind > 0);
            let start = now();
            for _ in 0..TIMES {
                let (chunks, held) = (tables.chunks(), tables.benchmark());
                let observer = SearchObserver::new(chunks, held, BenchmarkKind::Exposure).unwrap();
                for [entries, exits] in &all {
                    let signals = SweptSignals {
                        bars: BARS,
                        entries,
                        exits,
                        short_entries: None,
                        short_exits: None,
                    };
                    let found =
                        measure(&tables, input, signals, &wanted, &mut scratch, &NoObserver);
                    black_box(found.unwrap());
                    if kind == 2 {
                        observer.on_trial(0, scratch.sums().unwrap(), scratch.chunk_sums());
                    }
                }
                black_box(observer.finish().unwrap());
            }
            least[kind] = least[kind].min(now() - start);
        }
        let micros = least.map(|seconds| seconds * 1e6 / (TIMES * all.len()) as f64);
        println!(
            "{} trials, {} chunks: {:.3} µs a trial without sums, sums {:.3} µs, sketch {:.3} µs, both {:.3} µs",
            all.len(),
            tables.chunks().len(),
            micros[0],
            micros[1] - micros[0],
            micros[2] - micros[1],
            micros[2] - micros[0],
        );
    });
}
