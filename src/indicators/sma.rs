//! Simple moving average.

use ta_lib::RetCode;

use super::indicator::{Indicator, Output, Parameter, Series, bars, core, whole};

/// The plain mean of the last `period` values.
pub const SMA: Indicator = Indicator {
    title: "Simple moving average",
    doc: "The plain mean of the last `period` values.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Bars in the average", 30.0, 1.0)],
    outputs: &[Output { name: "sma", doc: "The plain mean of the last `period` values." }],
    look_back: |parameters| bars(core().sma_lookback(whole(parameters, 0))),
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().sma(0, values.len() - 1, values, whole(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
};

/// Simple moving averages of two periods, made 64 bars at a time and bit for bit those of [`SMA`].
///
/// Two averages that are only compared need no columns of their own: their blocks stay in the nearest cache, and the two
/// running sums, each of which waits for its last addition, advance side by side.
#[derive(Debug)]
pub struct SmaPair<'a> {
    inputs: [&'a [f64]; 2],
    periods: [usize; 2],
    totals: [f64; 2],
    next: usize,
}

/// Bars of a block.
pub const BLOCK: usize = 64;

impl<'a> SmaPair<'a> {
    /// Starts at the first bar; the inputs have no missing values, the periods are at least 1.
    pub fn new(inputs: [&'a [f64]; 2], periods: [usize; 2]) -> Self {
        Self { inputs, periods: periods.map(|period| period.max(1)), totals: [0.0; 2], next: 0 }
    }

    /// Writes the averages of the next bars, NaN in the warm-up, or what they are times their periods; returns which of
    /// the two, and nothing after the last bar.
    ///
    /// Where it writes totals, `beside` is called after each four of the block: a little work there costs nothing, as each
    /// sum waits for the one before it.
    #[inline(always)]
    pub fn next(
        &mut self,
        a: &mut [f64; BLOCK],
        b: &mut [f64; BLOCK],
        mut beside: impl FnMut(usize),
    ) -> Option<Written> {
        let [of_a, of_b] = self.inputs;
        let count = of_a.len().min(of_b.len()).saturating_sub(self.next).min(BLOCK);
        if count == 0 {
            return None;
        }
        let range = self.next..self.next + count;
        let leaving = |input: &'a [f64], period: usize| {
            let first = (range.start + 1).checked_sub(period)?;
            <&[f64; BLOCK]>::try_from(input.get(first..first + BLOCK)?).ok()
        };
        let entering = |input: &'a [f64]| <&[f64; BLOCK]>::try_from(input.get(range.clone())?).ok();
        let [period_a, period_b] = self.periods;
        if let (Some(in_a), Some(in_b), Some(out_a), Some(out_b)) =
            (entering(of_a), entering(of_b), leaving(of_a, period_a), leaving(of_b, period_b))
        {
            let [mut total_a, mut total_b] = self.totals;
            for four in 0..BLOCK / 4 {
                for bar in 4 * four..4 * four + 4 {
                    total_a += in_a[bar];
                    total_b += in_b[bar];
                    a[bar] = total_a;
                    b[bar] = total_b;
                    total_a -= out_a[bar];
                    total_b -= out_b[bar];
                }
                beside(four);
            }
            self.totals = [total_a, total_b];
            self.next = range.end;
            Some(Written::Totals)
        } else {
            let [total_a, total_b] = &mut self.totals;
            slowly(of_a, period_a, range.clone(), total_a, a);
            slowly(of_b, period_b, range.clone(), total_b, b);
            self.next = range.end;
            Some(Written::Averages(count))
        }
    }

    /// Turns totals into averages.
    #[inline(always)]
    pub fn divide(&self, a: &mut [f64; BLOCK], b: &mut [f64; BLOCK]) {
        let [period_a, period_b] = self.periods();
        for total in a {
            *total /= period_a;
        }
        for total in b {
            *total /= period_b;
        }
    }

    /// Returns the two periods.
    pub fn periods(&self) -> [f64; 2] {
        #[expect(clippy::cast_precision_loss, reason = "a period is at most 10,000")]
        self.periods.map(|period| period as f64)
    }
}

/// What [`SmaPair::next`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// A whole block of totals, to be divided by the periods.
    Totals,
    /// Averages of so many bars.
    Averages(usize),
}

/// Does the same bar by bar, in the warm-up and on the last bars.
#[expect(clippy::cast_precision_loss, reason = "a period is at most 10,000")]
fn slowly(
    input: &[f64],
    period: usize,
    range: std::ops::Range<usize>,
    total: &mut f64,
    output: &mut [f64; BLOCK],
) {
    for (bar, output) in range.zip(output) {
        *total += input.get(bar).copied().unwrap_or(f64::NAN);
        *output = f64::NAN;
        if let Some(oldest) = (bar + 1).checked_sub(period) {
            *output = *total / period as f64;
            *total -= input.get(oldest).copied().unwrap_or(f64::NAN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_bit_for_bit_the_values_of_the_crate() {
        let values: Vec<f64> =
            (0..1_000_u32).map(|bar| 0.1 * f64::from(bar * 7919 % 1013)).collect();
        for (periods, bars) in [
            ([1, 2], 1_000),
            ([10, 30], 999),
            ([64, 65], 640),
            ([200, 5], 130),
            ([7, 500], 100),
            ([3, 4], 0),
        ] {
            let input = &values[..bars];
            let expected = periods
                .map(|period| SMA.compute(&[input], &[f64::from(period)], true).unwrap().remove(0));
            let mut pair = SmaPair::new(
                [input, input],
                periods.map(|period| usize::try_from(period).unwrap()),
            );
            let (mut a, mut b) = ([0.0; BLOCK], [0.0; BLOCK]);
            let mut found = [Vec::new(), Vec::new()];
            while let Some(of) = pair.next(&mut a, &mut b, |_| ()) {
                let count = match of {
                    Written::Averages(count) => count,
                    Written::Totals => {
                        pair.divide(&mut a, &mut b);
                        BLOCK
                    }
                };
                found[0].extend_from_slice(&a[..count]);
                found[1].extend_from_slice(&b[..count]);
            }
            for (found, expected) in found.iter().zip(&expected) {
                assert!(
                    found
                        .iter()
                        .map(|value| value.to_bits())
                        .eq(expected.iter().map(|value| value.to_bits())),
                    "{periods:?}"
                );
            }
        }
    }
}
