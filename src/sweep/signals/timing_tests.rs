//! Measures the signals of sweeps: `cargo test --release --lib sweep::signals::timing_tests -- --ignored --nocapture`.

use std::hint::black_box;

use super::SignalSource;
use crate::compute::parallel::Sequential;
use crate::market::{Bars, time};
use crate::observer::NoObserver;
use crate::request::Issues;
use crate::strategies::Registry;
use crate::sweep::space::{Axis, Space, Target};

#[expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn walk(bars: usize) -> Bars {
    let mut state = 7_u64;
    let mut price = 100.0_f64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX)
    };
    let closes: Vec<f64> = (0..bars)
        .map(|_| {
            price *= 1.0 + 0.02 * (next() - 0.4999);
            price
        })
        .collect();
    let timestamps = (0..i64::try_from(bars).unwrap()).map(|bar| bar * time::HOUR).collect();
    let high = closes.iter().map(|close| close * 1.002).collect();
    let low = closes.iter().map(|close| close * 0.998).collect();
    Bars::new(timestamps, closes.clone().into(), high, low, closes.into(), None).unwrap()
}

/// A sweep of a built-in strategy.
struct Shape {
    name: &'static str,
    strategy: &'static str,
    axes: Vec<(&'static str, Vec<f64>)>,
    bars: usize,
    /// Whether the first parameter must be smaller than the second.
    is_ordered: bool,
}

fn measure(shape: Shape) {
    let Shape { name, strategy: id, axes, bars, is_ordered } = shape;
    let strategy = Registry::builtin().unwrap().get(id).unwrap();
    let axes: Vec<Axis> = axes
        .iter()
        .map(|(name, values)| {
            let parameters = &strategy.definition().parameters;
            let index = parameters.iter().position(|parameter| parameter.name == *name).unwrap();
            Axis {
                name: (*name).to_owned(),
                target: Target::Parameter(index),
                values: values.clone(),
            }
        })
        .collect();
    let space = if is_ordered {
        Space::keeping(axes, |indices| indices[0] < indices[1]).unwrap()
    } else {
        Space::full(axes).unwrap()
    };
    let values = strategy.read_parameters(None, &mut Issues::default()).unwrap();
    let bars = walk(bars);
    let cells = (space.len() * bars.len()) as f64;
    let (mut best, mut best_stage, mut stages) = (f64::INFINITY, 0.0, 0);
    for _ in 0..5 {
        let begin = now();
        let source = SignalSource::new(&strategy, &space, &values, &bars, 0, 64 << 20);
        let mut in_stages = 0.0;
        stages = 0;
        for range in source.stages().unwrap() {
            let at = now();
            let stage = source.stage(range.clone(), &Sequential, &NoObserver).unwrap();
            in_stages += at.elapsed().as_secs_f64();
            stages += 1;
            let mut worker = stage.worker().unwrap();
            worker
                .each(range, &NoObserver, &mut |_, signals| {
                    black_box(signals.unwrap().entries.last());
                    Ok(())
                })
                .unwrap();
        }
        let all = begin.elapsed().as_secs_f64();
        if all < best {
            (best, best_stage) = (all, in_stages);
        }
    }
    println!(
        "{name:28} {:8} × {:7}: {:7.4} ns a bar and combination, {:7.4} of it shared parts, {stages} stages, {:.1} ms",
        space.len(),
        bars.len(),
        best * 1e9 / cells,
        best_stage * 1e9 / cells,
        best * 1e3
    );
}

fn range(from: u32, to: u32, step: usize) -> Vec<f64> {
    (from..to).step_by(step).map(f64::from).collect()
}

fn shapes() -> Vec<Shape> {
    let periods = |from, to| range(from, to, 1);
    let pair = |fast, slow| vec![("fast_period", fast), ("slow_period", slow)];
    let shape =
        |name, strategy, axes, bars| Shape { name, strategy, axes, bars, is_ordered: false };
    let ordered =
        |name, strategy, axes| Shape { is_ordered: true, ..shape(name, strategy, axes, 10_000) };
    let deviations = || vec![1.0, 1.5, 2.0, 2.5, 3.0];
    let levels = vec![
        ("period", periods(5, 25)),
        ("oversold", range(20, 40, 4)),
        ("overbought", range(64, 84, 4)),
    ];
    let mut macd = pair(periods(5, 25), periods(26, 50));
    macd.push(("signal_period", periods(5, 13)));
    let of_period = |name, from, to, other| vec![(name, periods(from, to)), other];
    vec![
        ordered("SMA pairs", "sma_crossover", pair(periods(2, 102), periods(2, 102))),
        ordered("EMA pairs", "ema_crossover", pair(periods(2, 102), periods(2, 102))),
        shape("SMA long", "sma_crossover", pair(periods(5, 25), range(30, 130, 2)), 100_000),
        shape("SMA million", "sma_crossover", pair(periods(1, 1001), periods(1, 1001)), 2_000),
        shape("RSI", "rsi", levels, 10_000),
        shape(
            "momentum",
            "momentum",
            of_period("period", 5, 105, ("threshold", periods(0, 50))),
            10_000,
        ),
        shape(
            "Donchian",
            "donchian_breakout",
            of_period("entry_period", 20, 70, ("exit_period", periods(2, 20))),
            10_000,
        ),
        shape(
            "Bollinger",
            "bollinger_reversion",
            of_period("period", 10, 60, ("deviations", deviations())),
            10_000,
        ),
        shape(
            "ADX",
            "adx_trend",
            of_period("period", 5, 25, ("threshold", periods(10, 40))),
            10_000,
        ),
        shape(
            "Supertrend",
            "supertrend",
            of_period("period", 5, 25, ("multiplier", deviations())),
            10_000,
        ),
        shape("MACD", "macd", macd, 10_000),
        shape(
            "SMA, 1,000,000 bars",
            "sma_crossover",
            pair(periods(5, 9), periods(30, 40)),
            1_000_000,
        ),
    ]
}

#[test]
#[ignore = "a measurement"]
fn signals_of_common_sweeps() {
    shapes().into_iter().for_each(measure);
}
