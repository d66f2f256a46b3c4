//! The equity curve of a result as it is returned, possibly with fewer points.
//!
//! The points between the ends are divided into sections of equal length. Each section keeps its lowest and its highest point,
//! so the extremes of the whole curve are kept, and a line through the points looks like the whole one.

use crate::market::time;
use crate::store::Outcome;

use super::pool::SimulationPool;

/// A curve to return.
#[derive(Debug, Default)]
pub struct Curve {
    /// The times of its points as floating-point UTC milliseconds.
    pub timestamps_ms: Vec<f64>,
    /// Equity at its points.
    pub equity: Vec<f64>,
    /// The number of points of the whole curve.
    pub total: usize,
}

impl Curve {
    /// Moves the curve out of an outcome and keeps at most `max_points`; all of them without a maximum. `timestamps_ms` are the
    /// times of all points, or nothing if they have yet to be converted.
    pub fn take(outcome: &mut Outcome, timestamps_ms: Vec<f64>, max_points: Option<usize>) -> Self {
        if !outcome.summary.parts.equity {
            return Self::default();
        }
        let equity = std::mem::take(&mut outcome.equity);
        let total = equity.len();
        let timestamps = &outcome.timestamps;
        let Some(kept) = max_points.and_then(|max| kept_points(&equity, max)) else {
            let is_converted = timestamps_ms.len() == total;
            let convert = || time::to_numbers(timestamps, &SimulationPool);
            let timestamps_ms = if is_converted { timestamps_ms } else { convert() };
            return Self { timestamps_ms, equity, total };
        };
        let times: Vec<i64> =
            kept.iter().filter_map(|point| timestamps.get(*point).copied()).collect();
        Self {
            timestamps_ms: time::to_numbers(&times, &SimulationPool),
            equity: kept.iter().filter_map(|point| equity.get(*point).copied()).collect(),
            total,
        }
    }
}

/// Returns the indices of the points to keep, in order: the first, the last, and the extremes of sections. `None` if the curve
/// has at most `max` points, which must be at least 4.
fn kept_points(values: &[f64], max: usize) -> Option<Vec<usize>> {
    let last = values.len().checked_sub(1)?;
    if values.len() <= max || max < 4 {
        return None;
    }
    let inner = values.get(1..last)?;
    let sections = (max - 2) / 2;
    let mut kept = vec![0];
    // There are more inner points than sections, so each section has at least one.
    let bound = |section: usize| {
        let product = section as u128 * inner.len() as u128 / sections as u128;
        usize::try_from(product).unwrap_or(inner.len())
    };
    for section in 0..sections {
        let (from, to) = (bound(section), bound(section + 1));
        let (mut low, mut high) = ((from, f64::INFINITY), (from, f64::NEG_INFINITY));
        for (index, value) in (from..to).zip(inner.get(from..to).unwrap_or(&[])) {
            if *value < low.1 {
                low = (index, *value);
            }
            if *value > high.1 {
                high = (index, *value);
            }
        }
        let (first, second) = (low.0.min(high.0), low.0.max(high.0));
        kept.push(first + 1);
        if second != first {
            kept.push(second + 1);
        }
    }
    kept.push(last);
    Some(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_and_extremes_are_kept_in_order() {
        let mut values: Vec<f64> = (0..1000).map(|bar| (f64::from(bar) / 30.0).sin()).collect();
        values[500] = 9.0;
        values[501] = -9.0;
        for max in [4, 5, 7, 100, 999] {
            let kept = kept_points(&values, max).unwrap();
            assert!(kept.len() <= max, "{} of {max}", kept.len());
            assert!(kept.windows(2).all(|pair| pair[0] < pair[1]), "{max}");
            assert_eq!((kept.first(), kept.last()), (Some(&0), Some(&999)));
            assert!(kept.contains(&500) && kept.contains(&501), "{max}");
        }
        assert_eq!(kept_points(&values, 4).unwrap(), [0, 500, 501, 999]);
        // Each section of 20 has its own extremes.
        let kept = kept_points(&values, 100).unwrap();
        assert_eq!(kept.len(), 100);
        assert_eq!(kept_points(&values, 1000), None);
        assert_eq!(kept_points(&[], 4), None);
        assert_eq!(kept_points(&[1.0; 6], 4).unwrap(), [0, 1, 5]);
    }
}
