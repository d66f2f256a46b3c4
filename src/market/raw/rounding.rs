//! Highs and lows that miss their bar by rounding.
//!
//! Adjusted prices are products, so an adjusted close may lie one rounding above the adjusted high.

/// How many units in the last place a high or low may miss by.
const UNITS: f64 = 8.0;

/// Moves highs and lows that miss the other prices of their bar by rounding, and returns how many bars were mended. Bars that
/// miss by more are left as they are.
pub fn mend(open: &[f64], high: &mut [f64], low: &mut [f64], close: &[f64]) -> u64 {
    let mut mended = 0;
    for (((open, close), high), low) in open.iter().zip(close).zip(high).zip(low) {
        let (top, bottom) = (open.max(*close), open.min(*close));
        let tolerance = UNITS * f64::EPSILON * top;
        let raises = *high < top && top - *high <= tolerance;
        let lowers = *low > bottom && *low - bottom <= tolerance;
        if raises {
            *high = top;
        }
        if lowers {
            *low = bottom;
        }
        mended += u64::from(raises || lowers);
    }
    mended
}

/// Returns whether a high or low misses the open or close of its bar.
pub fn needs_mending(open: &[f64], high: &[f64], low: &[f64], close: &[f64]) -> bool {
    let prices = open.iter().zip(high).zip(low).zip(close);
    prices.fold(false, |misses, (((open, high), low), close)| {
        misses | (high < open) | (high < close) | (low > open) | (low > close)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_mended_and_more_is_not() {
        let above = f64::from_bits(10.0_f64.to_bits() + 1);
        let (mut high, mut low) = ([10.0, 10.0, 10.0], [9.0, 9.0, 9.0]);
        let (open, close) = ([9.5, 9.5, 9.5], [above, 10.001, 9.0]);
        assert!(needs_mending(&open, &high, &low, &close));
        assert_eq!(mend(&open, &mut high, &mut low, &close), 1);
        assert_eq!((high, low), ([above, 10.0, 10.0], [9.0, 9.0, 9.0]));
        let below = f64::from_bits(9.0_f64.to_bits() - 1);
        assert_eq!(mend(&[below], &mut [10.0], &mut low[..1], &[9.5]), 1);
        assert_eq!(low[0], below);
    }
}
