//! Inputs of tests.

use crate::backtest::{BacktestInput, annualization};
use crate::market::time::DAY;
use crate::settings::Settings;
use crate::simulation::Prices;

/// A deterministic generator: the same numbers on every machine.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Returns a number from 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        f64::from(u32::try_from(self.bits() >> 32).unwrap()) / 4_294_967_296.0
    }
}

/// Returns a random walk from 100 on; `step` is the standard deviation of a bar.
pub(crate) fn walk(bars: usize, step: f64, seed: u64) -> Vec<f64> {
    let mut random = Random::new(seed);
    let mut price = 100.0_f64;
    (0..bars)
        .map(|_| {
            let sum: f64 = (0..6).map(|_| random.unit() - 0.5).sum();
            price *= (step * sum * std::f64::consts::SQRT_2).exp();
            price
        })
        .collect()
}

/// Passes the input of a run on daily closes.
pub(crate) fn input_of<T>(
    close: &[f64],
    settings: &Settings,
    run: impl FnOnce(&BacktestInput<'_>) -> T,
) -> T {
    let prices = Prices::of_close(close).unwrap();
    input_of_prices(&prices, settings, DAY, run)
}

/// Passes the input of a run on bars of a length, milliseconds.
pub(crate) fn input_of_prices<T>(
    prices: &Prices<'_>,
    settings: &Settings,
    length: i64,
    run: impl FnOnce(&BacktestInput<'_>) -> T,
) -> T {
    let bars = i64::try_from(prices.len()).unwrap();
    let timestamps: Vec<i64> = (0..bars).map(|bar| 1_577_836_800_000 + bar * length).collect();
    run(&BacktestInput {
        prices: prices.with_timestamps(&timestamps),
        timestamps: &timestamps,
        bar_milliseconds: Some(length),
        annualization: annualization(settings, &timestamps, Some(length)),
        initial_capital: 10_000.0,
        settings,
    })
}
