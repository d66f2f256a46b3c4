//! Functions that look back a number of bars.

use crate::signals::Bits;

/// Returns the values a number of bars ago, NaN on the first bars.
pub fn shift(values: &[f64], bars: usize) -> Vec<f64> {
    let missing = bars.min(values.len());
    let kept = values.get(..values.len() - missing).unwrap_or(&[]);
    std::iter::repeat_n(f64::NAN, missing).chain(kept.iter().copied()).collect()
}

/// Returns the number of bars of a window on which a condition held, NaN before the first full window.
pub fn count(condition: &Bits, window: usize) -> Vec<f64> {
    let mut held = 0_u32;
    (0..condition.len())
        .map(|bar| {
            held += u32::from(condition.get(bar));
            if bar + 1 < window {
                return f64::NAN;
            }
            let now = held;
            held -= u32::from(condition.get(bar + 1 - window));
            f64::from(now)
        })
        .collect()
}

/// Returns the number of bars since a condition last held, NaN before it first held.
pub fn bars_since(condition: &Bits) -> Vec<f64> {
    let mut since = f64::NAN;
    (0..condition.len())
        .map(|bar| {
            since = if condition.get(bar) { 0.0 } else { since + 1.0 };
            since
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Replaces NaN by -1, so that values can be compared.
    fn comparable(values: &[f64]) -> Vec<f64> {
        values.iter().map(|value| if value.is_nan() { -1.0 } else { *value }).collect()
    }

    #[test]
    fn the_first_bars_have_no_value() {
        assert_eq!(comparable(&shift(&[1.0, 2.0, 3.0], 2)), [-1.0, -1.0, 1.0]);
        assert_eq!(comparable(&shift(&[1.0, 2.0], 5)), [-1.0, -1.0]);
        let condition = Bits::from_fn(6, |bar| bar == 1 || bar == 2 || bar == 5);
        assert_eq!(comparable(&count(&condition, 3)), [-1.0, -1.0, 2.0, 2.0, 1.0, 1.0]);
        assert_eq!(comparable(&count(&condition, 1)), [0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
        assert_eq!(comparable(&bars_since(&condition)), [-1.0, 0.0, 0.0, 1.0, 2.0, 0.0]);
    }
}
