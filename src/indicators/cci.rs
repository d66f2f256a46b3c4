//! Commodity channel index.

use ta_lib::{OutRange, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, core, integer, look_back_bars};
use super::memory::Memory;
use crate::observer::ProgressObserver;

/// The distance of the typical price from its average, in units of 0.015 mean deviations.
pub const CCI: Indicator = Indicator {
    title: "Commodity channel index",
    doc: "The distance of the typical price from its average, in units of 0.015 mean deviations.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the average", 14.0, 2.0)],
    outputs: &[Output::new(
        "cci",
        "The distance of the typical price from its average, in units of 0.015 mean deviations.",
    )],
    look_back: |parameters| look_back_bars(core().cci_lookback(integer(parameters, 0))),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, observer| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            let period = integer(parameters, 0);
            if period < PARALLEL_MIN_PERIOD {
                return core().cci(0, high.len() - 1, high, low, close, period, output);
            }
            let prices: Vec<f64> = high
                .iter()
                .zip(*low)
                .zip(*close)
                .map(|((high, low), close)| (high + low + close) / 3.0)
                .collect();
            compute(&prices, usize::try_from(period).unwrap_or(0), output, observer)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: None,
};

/// The shortest period for which computing several bars in parallel is faster than the crate.
const PARALLEL_MIN_PERIOD: i32 = 64;

/// Number of bars that are computed in parallel.
const LANES: usize = 8;

/// Number of additions between two checks for cancellation.
const ADDITIONS_PER_CHECK: usize = 1 << 22;

/// Computes the index bit-identically to TA-Lib. The time is proportional to the period, but several bars are computed at once.
///
/// A running sum would be faster but changes the result. If prices hardly move, the average equals the price except for the
/// rounding of its sum, and the index divides one such rounding error by another. Each sum must therefore be computed in
/// TA-Lib's order. TA-Lib keeps the last prices in a ring buffer and adds them from the start of the buffer: first the prices
/// from the last multiple of the period on, then the older ones. A single sum is latency-bound, but neighboring bars share
/// nearly all their prices, so several sums advance with one SIMD instruction.
fn compute(
    prices: &[f64],
    period: usize,
    output: &mut [f64],
    observer: &dyn ProgressObserver,
) -> Result<OutRange, RetCode> {
    let first = period.checked_sub(1).ok_or(RetCode::BadParam)?;
    let mut bar = first;
    let mut until_check = ADDITIONS_PER_CHECK;
    // Sum of the prices from the start of the ring buffer to the previous bar.
    let mut newer: f64 = prices.iter().take(first).sum();
    while bar < prices.len() {
        let start = bar - bar % period;
        if bar == start {
            newer = 0.0;
        }
        let buffer = RingBuffer { prices, period, start, newer };
        let rest = output.get_mut(bar - first..).ok_or(RetCode::BadParam)?;
        let count = if bar + LANES <= (start + period).min(prices.len()) {
            buffer.write::<LANES>(bar, rest);
            LANES
        } else {
            buffer.write::<1>(bar, rest);
            1
        };
        newer = buffer.slice(bar, bar + count).iter().fold(newer, |sum, price| sum + price);
        bar += count;
        until_check = until_check.saturating_sub(count * period);
        if until_check == 0 {
            if observer.is_cancelled() {
                return Err(RetCode::InternalError);
            }
            until_check = ADDITIONS_PER_CHECK;
        }
    }
    Ok(OutRange { beg_idx: first, count: output.len() })
}

/// The contents of TA-Lib's ring buffer at a bar.
struct RingBuffer<'a> {
    prices: &'a [f64],
    period: usize,
    /// The bar at the start of the buffer.
    start: usize,
    /// Sum of the prices from `start` to the bar before.
    newer: f64,
}

impl RingBuffer<'_> {
    fn slice(&self, from: usize, to: usize) -> &[f64] {
        self.prices.get(from..to).unwrap_or(&[])
    }

    /// Writes the index of `COUNT` bars, all within one revolution of the buffer.
    fn write<const COUNT: usize>(&self, bar: usize, output: &mut [f64]) {
        let mut averages = [self.newer; COUNT];
        self.add(bar, &mut averages, |_, price| price);
        #[expect(clippy::cast_precision_loss, reason = "a period is at most 10,000")]
        let period = self.period as f64;
        averages.iter_mut().for_each(|average| *average /= period);
        let mut deviations = [0.0; COUNT];
        for price in self.slice(self.start, bar) {
            for (deviation, average) in deviations.iter_mut().zip(&averages) {
                *deviation += (price - average).abs();
            }
        }
        self.add(bar, &mut deviations, |lane, price| {
            (price - averages.get(lane).copied().unwrap_or(f64::NAN)).abs()
        });
        let values = self.slice(bar, bar + COUNT).iter().zip(averages).zip(deviations);
        for (output, ((price, average), deviation)) in output.iter_mut().zip(values) {
            *output = index(*price, average, deviation / period);
        }
    }

    /// Adds the remaining prices to each sum: the newest ones, which differ by lane, and the older ones.
    #[inline]
    fn add<const COUNT: usize>(
        &self,
        bar: usize,
        sums: &mut [f64; COUNT],
        term: impl Fn(usize, f64) -> f64,
    ) {
        // The first of the older prices that every lane includes.
        let shared = bar + COUNT - self.period;
        for (lane, sum) in sums.iter_mut().enumerate() {
            let newer = self.slice(bar, bar + lane + 1);
            let older = self.slice(bar + lane + 1 - self.period, shared.min(self.start));
            for price in newer.iter().chain(older) {
                *sum += term(lane, *price);
            }
        }
        for price in self.slice(shared, self.start) {
            for (lane, sum) in sums.iter_mut().enumerate() {
                *sum += term(lane, *price);
            }
        }
    }
}

/// Returns 0 if the distance or the deviation is 0 within rounding error, as TA-Lib does.
fn index(price: f64, average: f64, deviation: f64) -> f64 {
    let distance = price - average;
    let least = 1e-14 * average.abs();
    let divisor = 0.015 * deviation;
    if distance.abs() <= least || deviation.abs() <= least || divisor == 0.0 {
        return 0.0;
    }
    distance / divisor
}
