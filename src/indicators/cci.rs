//! Commodity channel index.

use ta_lib::{OutRange, RetCode};

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};
use crate::observer::ProgressObserver;

/// The distance of the typical price from its average, in units of 0.015 mean deviations.
pub const CCI: Indicator = Indicator {
    title: "Commodity channel index",
    doc: "The distance of the typical price from its average, in units of 0.015 mean deviations.",
    inputs: &[Series::High, Series::Low, Series::Close],
    parameters: &[Parameter::period("period", "Bars of the average", 14.0, 2.0)],
    outputs: &[Output {
        name: "cci",
        doc: "The distance of the typical price from its average, in units of 0.015 mean deviations.",
    }],
    look_back: |parameters| bars(core().cci_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs, observer| match (inputs, outputs) {
        ([high, low, close], [output]) => {
            let period = whole(parameters, 0);
            if period < MANY {
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
};

/// From this period on, several bars side by side are faster than the crate.
const MANY: i32 = 64;

/// How many bars are computed side by side.
const LANES: usize = 8;

/// After how many additions the observer is asked.
const PAUSE: usize = 1 << 22;

/// Computes the index as TA-Lib does, to the last bit: in time proportional to the period, but for several bars at once.
///
/// No faster algorithm gives TA-Lib's values. Where prices hardly move, the average is the price but for the rounding of
/// its sum, and the index divides one such difference by another; so each sum must be made in TA-Lib's order. TA-Lib keeps
/// the last prices in a ring and adds them up from its beginning: for a bar first the prices from the last multiple of
/// the period on, then the older ones. One sum has to wait for each of its additions, but neighbours share nearly all
/// their prices, and processors add several numbers in one instruction.
fn compute(
    prices: &[f64],
    period: usize,
    output: &mut [f64],
    observer: &dyn ProgressObserver,
) -> Result<OutRange, RetCode> {
    let first = period.checked_sub(1).ok_or(RetCode::BadParam)?;
    let mut bar = first;
    let mut until_pause = PAUSE;
    // The sum of the prices from the beginning of the ring to the bar before this one.
    let mut newer: f64 = prices.iter().take(first).sum();
    while bar < prices.len() {
        let start = bar - bar % period;
        if bar == start {
            newer = 0.0;
        }
        let ring = Ring { prices, period, start, newer };
        let rest = output.get_mut(bar - first..).ok_or(RetCode::BadParam)?;
        let count = if bar + LANES <= (start + period).min(prices.len()) {
            ring.write::<LANES>(bar, rest);
            LANES
        } else {
            ring.write::<1>(bar, rest);
            1
        };
        newer = ring.part(bar, bar + count).iter().fold(newer, |sum, price| sum + price);
        bar += count;
        until_pause = until_pause.saturating_sub(count * period);
        if until_pause == 0 {
            if observer.is_cancelled() {
                return Err(RetCode::InternalError);
            }
            until_pause = PAUSE;
        }
    }
    Ok(OutRange { beg_idx: first, count: output.len() })
}

/// The prices as TA-Lib's ring holds them around a bar.
struct Ring<'a> {
    prices: &'a [f64],
    period: usize,
    /// The bar at the beginning of the ring.
    start: usize,
    newer: f64,
}

impl Ring<'_> {
    fn part(&self, from: usize, to: usize) -> &[f64] {
        self.prices.get(from..to).unwrap_or(&[])
    }

    /// Writes the index of `COUNT` bars, all within one turn of the ring.
    fn write<const COUNT: usize>(&self, bar: usize, output: &mut [f64]) {
        let mut averages = [self.newer; COUNT];
        self.add(bar, &mut averages, |_, price| price);
        #[expect(clippy::cast_precision_loss, reason = "a period is at most 10,000")]
        let period = self.period as f64;
        averages.iter_mut().for_each(|average| *average /= period);
        let mut deviations = [0.0; COUNT];
        for price in self.part(self.start, bar) {
            for (deviation, average) in deviations.iter_mut().zip(&averages) {
                *deviation += (price - average).abs();
            }
        }
        self.add(bar, &mut deviations, |lane, price| {
            (price - averages.get(lane).copied().unwrap_or(f64::NAN)).abs()
        });
        let values = self.part(bar, bar + COUNT).iter().zip(averages).zip(deviations);
        for (output, ((price, average), deviation)) in output.iter_mut().zip(values) {
            *output = index(*price, average, deviation / period);
        }
    }

    /// Adds to each sum what comes after the prices that all bars have newly in the ring.
    #[inline]
    fn add<const COUNT: usize>(
        &self,
        bar: usize,
        sums: &mut [f64; COUNT],
        part: impl Fn(usize, f64) -> f64,
    ) {
        // The older prices that are in the ring on the last of the bars, and so on all of them.
        let shared = bar + COUNT - self.period;
        for (lane, sum) in sums.iter_mut().enumerate() {
            let newer = self.part(bar, bar + lane + 1);
            let older = self.part(bar + lane + 1 - self.period, shared.min(self.start));
            for price in newer.iter().chain(older) {
                *sum += part(lane, *price);
            }
        }
        for price in self.part(shared, self.start) {
            for (lane, sum) in sums.iter_mut().enumerate() {
                *sum += part(lane, *price);
            }
        }
    }
}

/// Returns 0 where price or deviation are 0 but for rounding, as TA-Lib does.
fn index(price: f64, average: f64, deviation: f64) -> f64 {
    let distance = price - average;
    let least = 1e-14 * average.abs();
    let divisor = 0.015 * deviation;
    if distance.abs() <= least || deviation.abs() <= least || divisor == 0.0 {
        return 0.0;
    }
    distance / divisor
}
