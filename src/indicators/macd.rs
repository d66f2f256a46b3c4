//! Moving average convergence divergence.

use ta_lib::{OutRange, RetCode};

use super::indicator::{
    Indicator, Output, Parameter, Series, Shortcut, core, integer, look_back_bars, real,
};
use super::macd_comparison::{Periods, compare_lines};
use super::memory::{Memory, exponential};
use super::three_way_comparison::ThreeWayComparison;

/// The fast exponential average − the slow one, with an exponential average of that as its signal line.
pub const MACD: Indicator = Indicator {
    title: "Moving average convergence divergence",
    doc: "The fast exponential average − the slow one, with an exponential average of that as its signal line.",
    inputs: &[Series::Close],
    parameters: &[
        Parameter::period("fast_period", "Number of bars in the fast average", 12.0, 1.0),
        Parameter::period("slow_period", "Number of bars in the slow average", 26.0, 1.0),
        Parameter::period("signal_period", "Period of the signal line in bars", 9.0, 1.0),
    ],
    outputs: &[
        Output::new("macd_line", "The fast average − the slow average"),
        Output::new("macd_signal", "The exponential average of the MACD line"),
        Output::new("macd_hist", "The MACD line − its signal"),
    ],
    look_back: |parameters| look_back(parameters),
    memory: Memory::Fading(|parameters| {
        let slow = real(parameters, 0).max(real(parameters, 1));
        exponential(slow, 1) + exponential(real(parameters, 2), 1)
    }),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [macd_line, macd_signal, macd_hist]) => {
            compute(values, parameters, macd_line, macd_signal, macd_hist)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: Some(Shortcut::Outputs(|inputs, parameters, outputs, observer| {
        let ([prices], [0, 1] | [1, 0]) = (inputs, outputs) else { return None };
        let found = compare_lines(prices, &all_periods(parameters)?, observer)?;
        let order = |found: ThreeWayComparison| {
            if outputs == [0, 1] { found } else { found.swapped() }
        };
        Some(found.into_iter().map(order).collect())
    })),
};

/// Returns the fast, slow and signal periods. Fast and slow are swapped if necessary, as in TA-Lib.
fn periods(parameters: &[f64]) -> (i32, i32, i32) {
    let (a, b) = (integer(parameters, 0), integer(parameters, 1));
    (a.min(b), a.max(b), integer(parameters, 2))
}

/// Returns the periods of many computations; `None` if a fast period is 1, which TA-Lib computes in another way.
fn all_periods(parameters: &[Vec<f64>]) -> Option<Vec<Periods>> {
    let of = |parameters: &Vec<f64>| {
        let (fast, slow, signal) = periods(parameters);
        let period = |period: i32| usize::try_from(period).ok().filter(|period| *period > 0);
        let (fast, slow, signal) = (period(fast)?, period(slow)?, period(signal)?);
        (fast > 1).then_some(Periods { fast, slow, signal })
    };
    parameters.iter().map(of).collect()
}

fn look_back(parameters: &[f64]) -> usize {
    let (_, slow, signal) = periods(parameters);
    look_back_bars(core().ema_lookback(slow))
        .saturating_add(look_back_bars(core().ema_lookback(signal)))
}

fn compute(
    values: &[f64],
    parameters: &[f64],
    line: &mut [f64],
    signal: &mut [f64],
    hist: &mut [f64],
) -> Result<OutRange, RetCode> {
    let (fast_period, slow_period, signal_period) = periods(parameters);
    if fast_period > 1 {
        return core().macd(
            0,
            values.len() - 1,
            values,
            fast_period,
            slow_period,
            signal_period,
            line,
            signal,
            hist,
        );
    }
    // TA_MACD rejects a period of 1, for which the average is the value itself.
    let mut slow = vec![0.0; values.len()];
    let slow_range = core().ema(0, values.len() - 1, values, slow_period, &mut slow)?;
    let newest = values.get(slow_range.beg_idx..).unwrap_or(&[]);
    let whole_line: Vec<f64> = newest.iter().zip(&slow).map(|(value, slow)| value - slow).collect();
    let signal_range =
        core().ema(0, whole_line.len().saturating_sub(1), &whole_line, signal_period, signal)?;
    let seen = whole_line.get(signal_range.beg_idx..).unwrap_or(&[]);
    for (((line, hist), value), signal) in
        line.iter_mut().zip(hist.iter_mut()).zip(seen).zip(signal.iter())
    {
        *line = *value;
        *hist = *value - *signal;
    }
    Ok(OutRange { beg_idx: slow_range.beg_idx + signal_range.beg_idx, count: signal_range.count })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::indicators::three_way_comparison::BLOCK_BARS;
    use crate::observer::NoObserver;

    /// The comparison of the columns, with the bits beyond the last bar cleared.
    fn expected(prices: &[f64], periods: Periods) -> [Vec<u64>; 3] {
        let parameters = [periods.fast, periods.slow, periods.signal].map(|period| period as f64);
        let outputs = MACD.compute(&[prices], &parameters, true).unwrap();
        let mut comparison = ThreeWayComparison::with_capacity(prices.len());
        let blocks = outputs[0].chunks(BLOCK_BARS).zip(outputs[1].chunks(BLOCK_BARS));
        blocks.for_each(|(line, signal)| comparison.push_block(line, signal));
        words(&comparison)
    }

    fn words(comparison: &ThreeWayComparison) -> [Vec<u64>; 3] {
        let mask = match comparison.bars() % BLOCK_BARS {
            0 => u64::MAX,
            rest => (1 << rest) - 1,
        };
        [comparison.above(), comparison.below(), comparison.defined()].map(|words| {
            let mut words = words.to_vec();
            words.last_mut().into_iter().for_each(|last| *last &= mask);
            words
        })
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_indicator(
            steps in prop::collection::vec((1_u8..60, prop_oneof![6 => 1_usize..3, 1 => 3_usize..200]), 1..200),
            unit in prop::sample::select(vec![0.1, 1.0, 1e-290, 1e90]),
            periods in prop::collection::vec((2_usize..30, 0_usize..50, 1_usize..20), 1..40),
            is_walk in any::<bool>(),
        ) {
            let mut sum = 0.0;
            let prices: Vec<f64> = steps
                .iter()
                .flat_map(|(price, bars)| vec![f64::from(*price); *bars])
                .map(|price| {
                    sum += price - 29.5;
                    if is_walk { (1000.0 + sum).abs() * unit } else { price * unit }
                })
                .collect();
            let all: Vec<Periods> = periods
                .iter()
                .map(|(fast, more, signal)| Periods { fast: *fast, slow: fast + more, signal: *signal })
                .collect();
            let found = compare_lines(&prices, &all, &NoObserver).unwrap();
            prop_assert_eq!(found.len(), all.len());
            for (found, periods) in found.iter().zip(&all) {
                prop_assert_eq!(words(found), expected(&prices, *periods), "{:?}", periods);
            }
        }
    }
}
