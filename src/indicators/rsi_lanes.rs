//! Relative strength indices of several periods at once.
//!
//! Each index is a chain of dependent operations, so that most of its time is waiting. Four of them take the time of one. The
//! order of the operations is that of TA-Lib, so that the bits are the same.

use super::indicator::{LANES, integer};
use crate::compute::multiversion::{F64x4, Lanes, simd_multiversion};

/// The averages of one index.
#[derive(Debug, Clone, Copy)]
struct Averages {
    period: usize,
    /// What a bar keeps of the sum, and what makes the sum an average.
    rest: f64,
    share: f64,
    gain: f64,
    loss: f64,
}

impl Averages {
    fn new(period: i32) -> Self {
        let (rest, share) = (f64::from(period - 1), 1.0 / f64::from(period));
        let period = usize::try_from(period).unwrap_or(usize::MAX);
        Self { period, rest, share, gain: 0.0, loss: 0.0 }
    }

    /// Takes the change to a bar, and returns the index from the first bar on that has one.
    fn next(&mut self, bar: usize, change: f64) -> Option<f64> {
        let risen = if change > 0.0 { change } else { 0.0 };
        if bar > self.period {
            self.gain *= self.rest;
            self.loss *= self.rest;
        }
        self.gain += risen;
        self.loss += risen - change;
        if bar < self.period {
            return None;
        }
        self.gain *= self.share;
        self.loss *= self.share;
        let sum = self.gain + self.loss;
        Some(if sum > 0.0 { 100.0 * (self.gain / sum) } else { 0.0 })
    }
}

/// Computes the index with each of up to [`LANES`] periods. The values have none missing.
pub(super) fn compute(inputs: &[&[f64]], parameters: &[Vec<f64>]) -> Vec<Vec<Vec<f64>>> {
    let values = inputs.first().copied().unwrap_or(&[]);
    // Periods that are not used repeat the last one.
    let period = |lane: usize| {
        let parameters = parameters.get(lane).or(parameters.last());
        integer(parameters.map_or(&[][..], Vec::as_slice), 0)
    };
    let mut averages: [Averages; LANES] = std::array::from_fn(|lane| Averages::new(period(lane)));
    let mut columns: [Vec<f64>; LANES] = std::array::from_fn(|_| vec![f64::NAN; values.len()]);
    // One by one, until all of them are averages.
    let longest = averages.iter().map(|averages| averages.period).max().unwrap_or(0);
    let begun = longest.saturating_add(1).min(values.len());
    for (averages, column) in averages.iter_mut().zip(&mut columns) {
        for (bar, pair) in values.get(..begun).unwrap_or(&[]).windows(2).enumerate() {
            let &[before, now] = pair else { continue };
            if let (Some(index), Some(to)) =
                (averages.next(bar + 1, now - before), column.get_mut(bar + 1))
            {
                *to = index;
            }
        }
    }
    let from = begun.saturating_sub(1);
    let rest = values.get(from..).unwrap_or(&[]);
    let [a, b, c, d] = &mut columns;
    let columns_left = [a, b, c, d].map(|column| column.get_mut(from..).unwrap_or(&mut []));
    continue_together(rest, &averages, columns_left);
    columns.into_iter().take(parameters.len()).map(|column| vec![column]).collect()
}

simd_multiversion! {
    /// Continues after the first value, whose indices are known.
    fn continue_together(
        simd,
        values: &[f64],
        averages: &[Averages; LANES],
        columns: [&mut [f64]; LANES],
    ) -> () {
        let lanes = |of: fn(&Averages) -> f64| simd.load(&averages.each_ref().map(of));
        let (rest, share) = (lanes(|of| of.rest), lanes(|of| of.share));
        let (mut gain, mut loss) = (lanes(|of| of.gain), lanes(|of| of.loss));
        let (zero, hundred) = (simd.splat(0.0), simd.splat(100.0));
        let [a, b, c, d] = columns;
        let columns = a.iter_mut().zip(b).zip(c.iter_mut().zip(d)).skip(1);
        for (pair, ((a, b), (c, d))) in values.windows(2).zip(columns) {
            let &[before, now] = pair else { continue };
            let change = now - before;
            let risen = change.pmax(0.0);
            gain = (gain * rest + simd.splat(risen)) * share;
            loss = (loss * rest + simd.splat(risen - change)) * share;
            let sum = gain + loss;
            let mut index = (hundred * (gain / sum)).to_array();
            let moved = sum.gt_mask(zero);
            if moved != 0b1111 {
                for (lane, index) in index.iter_mut().enumerate() {
                    *index = if moved >> lane & 1 == 1 { *index } else { 0.0 };
                }
            }
            [*a, *b, *c, *d] = index;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compute::multiversion;
    use crate::indicators::rsi::RSI;

    proptest! {
        #[test]
        fn lanes_have_the_bits_of_single_indices(
            steps in prop::collection::vec((-3_i8..4, 1_usize..40), 1..40),
            unit in prop::sample::select(vec![0.1, 1e-300, 1e300, 7.0]),
            periods in prop::collection::vec(2_u8..90, 1..=LANES),
        ) {
            let mut price = 50.0;
            let values: Vec<f64> = steps
                .iter()
                .flat_map(|(step, bars)| vec![*step; *bars])
                .enumerate()
                .map(|(bar, step)| {
                    price += f64::from(step) * if bar % 3 == 0 { -0.7 } else { 0.3 };
                    price * unit
                })
                .collect();
            let parameters: Vec<Vec<f64>> = periods.iter().map(|period| vec![f64::from(*period)]).collect();
            let bits = |columns: &[Vec<f64>]| columns.iter().flatten().map(|value| value.to_bits()).collect::<Vec<_>>();
            let together = compute(&[&values], &parameters);
            #[cfg(target_arch = "x86_64")]
            {
                let scalar = multiversion::scalar::forced(|| compute(&[&values], &parameters));
                prop_assert_eq!(
                    scalar.iter().map(|columns| bits(columns)).collect::<Vec<_>>(),
                    together.iter().map(|columns| bits(columns)).collect::<Vec<_>>()
                );
            }
            prop_assert_eq!(together.len(), parameters.len());
            for (found, parameters) in together.iter().zip(&parameters) {
                let single = RSI.compute(&[&values], parameters, true).unwrap();
                prop_assert_eq!(bits(found), bits(&single));
            }
        }
    }
}
