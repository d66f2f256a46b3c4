//! The stretches of bars on which every input has a value.

use std::ops::Range;

/// Returns the longest possible runs of bars without a missing value in any input, in order.
pub fn segments(inputs: &[&[f64]]) -> Vec<Range<usize>> {
    let bars = inputs.iter().map(|input| input.len()).min().unwrap_or(0);
    let is_missing =
        |bar: usize| inputs.iter().any(|input| input.get(bar).is_none_or(|value| value.is_nan()));
    // A warm-up at the front and nothing missing after it is what nearly all columns look like.
    let first = (0..bars).find(|&bar| !is_missing(bar)).unwrap_or(bars);
    if first == bars {
        return Vec::new();
    }
    let whole = inputs.iter().all(|input| {
        input
            .get(first..bars)
            .is_some_and(|part| !part.iter().fold(false, |any, value| any | value.is_nan()))
    });
    if whole {
        return std::iter::once(first..bars).collect();
    }
    let mut found = Vec::new();
    let mut start = None;
    for bar in first..bars {
        match (is_missing(bar), start) {
            (false, None) => start = Some(bar),
            (true, Some(from)) => {
                found.push(from..bar);
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|from| from..bars));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: f64 = f64::NAN;

    #[test]
    fn stretches_end_where_any_input_is_missing() {
        let a = [NONE, 1.0, 2.0, 3.0, NONE, 5.0, 6.0];
        let b = [0.0, 1.0, 2.0, NONE, 4.0, 5.0, 6.0];
        assert_eq!(segments(&[&a, &b]), [1..3, 5..7]);
        assert_eq!(segments(&[&b]), [0..3, 4..7]);
        assert_eq!(segments(&[&a[1..4]]).first(), Some(&(0..3)));
        assert_eq!(segments(&[&a[..1]]), Vec::<Range<usize>>::new());
        assert_eq!(segments(&[&a[..0]]), Vec::<Range<usize>>::new());
    }
}
