//! Ranges of bars on which every input has a value.

use std::ops::Range;

/// Returns the maximal ranges of bars without a missing value in any input, in order.
pub fn complete_ranges(inputs: &[&[f64]]) -> Vec<Range<usize>> {
    let bars = inputs.iter().map(|input| input.len()).min().unwrap_or(0);
    let is_missing =
        |bar: usize| inputs.iter().any(|input| input.get(bar).is_none_or(|value| value.is_nan()));
    // Fast path: nearly all columns are missing values only in a warm-up at the front.
    let first = (0..bars).find(|&bar| !is_missing(bar)).unwrap_or(bars);
    if first == bars {
        return Vec::new();
    }
    let is_complete = inputs.iter().all(|input| {
        input
            .get(first..bars)
            .is_some_and(|part| !part.iter().fold(false, |any, value| any | value.is_nan()))
    });
    if is_complete {
        return std::iter::once(first..bars).collect();
    }
    let mut ranges = Vec::new();
    let mut start = None;
    for bar in first..bars {
        match (is_missing(bar), start) {
            (false, None) => start = Some(bar),
            (true, Some(from)) => {
                ranges.push(from..bar);
                start = None;
            }
            _ => {}
        }
    }
    ranges.extend(start.map(|from| from..bars));
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSING: f64 = f64::NAN;

    #[test]
    fn ranges_end_where_any_input_is_missing() {
        let a = [MISSING, 1.0, 2.0, 3.0, MISSING, 5.0, 6.0];
        let b = [0.0, 1.0, 2.0, MISSING, 4.0, 5.0, 6.0];
        assert_eq!(complete_ranges(&[&a, &b]), [1..3, 5..7]);
        assert_eq!(complete_ranges(&[&b]), [0..3, 4..7]);
        assert_eq!(complete_ranges(&[&a[1..4]]).first(), Some(&(0..3)));
        assert_eq!(complete_ranges(&[&a[..1]]), Vec::<Range<usize>>::new());
        assert_eq!(complete_ranges(&[&a[..0]]), Vec::<Range<usize>>::new());
    }
}
