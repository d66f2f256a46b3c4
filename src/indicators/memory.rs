//! How long indicators remember.
//!
//! A simple average forgets a bar as soon as it leaves its window. An exponential average never quite forgets; after enough bars,
//! what is left of an earlier one is too small to matter.

use crate::numbers::count_to_f64;

/// The share of an earlier value that does not matter. Results agree to 1e-9 even if earlier prices were a thousand times
/// as large.
const NEGLIGIBLE: f64 = 1e-12;

/// Which bars before its look-back change a value of an indicator.
#[derive(Debug, Clone, Copy)]
pub enum Memory {
    /// None.
    Window,
    /// Those of a number of bars, which depends on the parameters. What is left of earlier ones is negligible.
    Fading(fn(parameters: &[f64]) -> usize),
    /// All: the indicator is a sum since the first bar, or its state has no bound in time.
    Unbounded,
}

impl Memory {
    /// Returns the number of bars before the look-back that change a value; `usize::MAX` if all of them do.
    pub fn bars(self, parameters: &[f64]) -> usize {
        match self {
            Self::Window => 0,
            Self::Fading(bars) => bars(parameters),
            Self::Unbounded => usize::MAX,
        }
    }
}

/// Returns the memory of an exponential average over a period, nested this many times in itself.
pub(super) fn exponential(period: f64, nested: u32) -> usize {
    fading(2.0 / (period + 1.0), nested)
}

/// Returns the memory of Wilder's smoothing over a period, nested this many times in itself.
pub(super) fn wilder(period: f64, nested: u32) -> usize {
    fading(1.0 / period, nested)
}

/// Returns the number of bars after which less than [`NEGLIGIBLE`] is left of a value in a recursion that gives the newest value
/// this weight. In nested recursions, what is left after n bars is the probability of fewer than `nested` successes in n trials.
pub(super) fn fading(weight: f64, nested: u32) -> usize {
    if !(weight > 0.0 && weight < 1.0) {
        return nested as usize;
    }
    let keep = (1.0 - weight).ln();
    let is_left = |bars: usize| {
        let bars = count_to_f64(bars);
        let mut term = (bars * keep).exp();
        let mut sum = term;
        for successes in 1..nested {
            let successes = f64::from(successes);
            term *= (bars - successes + 1.0) / successes * weight / (1.0 - weight);
            sum += term;
        }
        sum > NEGLIGIBLE
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number, and a cast saturates"
    )]
    let mut bars = (NEGLIGIBLE.ln() / keep).ceil() as usize;
    while is_left(bars) {
        bars += bars / 50 + 1;
    }
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::INDICATORS;

    #[test]
    fn bars_beyond_the_memory_do_not_matter() {
        // Two series that only agree on the newest bars: the earlier ones of the second are up to three times as high.
        let bars = 30_000_usize;
        let walk = |seed: f64| -> Vec<f64> {
            (0..bars).map(|bar| 100.0 + 20.0 * (count_to_f64(bar) * seed).sin()).collect()
        };
        let [high, low, close, open, volume] =
            [(0.37, 12.0), (0.37, -12.0), (0.371, 0.0), (0.36, 0.0), (0.5, 900.0)].map(
                |(seed, up)| walk(seed).into_iter().map(|value| value + up).collect::<Vec<f64>>(),
            );
        for indicator in INDICATORS {
            let defaults: Vec<f64> =
                indicator.parameters.iter().map(|parameter| parameter.default).collect();
            let memory = indicator.memory.bars(&defaults);
            if memory == usize::MAX {
                continue;
            }
            let needed = (indicator.look_back)(&defaults) + memory;
            let column = |series| match series {
                crate::indicators::Series::Open => &open,
                crate::indicators::Series::High => &high,
                crate::indicators::Series::Low => &low,
                crate::indicators::Series::Close => &close,
                crate::indicators::Series::Volume => &volume,
            };
            let whole: Vec<&[f64]> =
                indicator.inputs.iter().map(|series| column(*series).as_slice()).collect();
            let changed: Vec<Vec<f64>> = whole
                .iter()
                .map(|values| {
                    let first = bars - needed - 1;
                    let early = |(bar, value): (usize, &f64)| {
                        if bar < first { value * 3.0 } else { *value }
                    };
                    values.iter().enumerate().map(early).collect()
                })
                .collect();
            let changed: Vec<&[f64]> = changed.iter().map(Vec::as_slice).collect();
            let one = indicator.compute(&whole, &defaults, true).unwrap();
            let other = indicator.compute(&changed, &defaults, true).unwrap();
            for (output, (one, other)) in indicator.outputs.iter().zip(one.iter().zip(&other)) {
                let (one, other) = (one[bars - 1], other[bars - 1]);
                let scale = one.abs().max(1e-3);
                assert!(
                    (one - other).abs() <= 1e-9 * scale,
                    "{}: {one} and {other} with {needed} bars",
                    output.name
                );
            }
        }
    }

    #[test]
    fn memories_are_known() {
        // 0.5^40 is below 1e-12 and 0.5^39 is not.
        assert_eq!(fading(0.5, 1), 40);
        assert_eq!(exponential(1.0, 1), 1);
        assert_eq!(exponential(3.0, 1), 40);
        assert!((2_700..2_800).contains(&exponential(200.0, 1)));
        assert!(wilder(14.0, 2) > wilder(14.0, 1));
        assert_eq!(Memory::Unbounded.bars(&[]), usize::MAX);
    }
}
