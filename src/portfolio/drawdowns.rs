//! Drawdowns of an equity curve as columns.
//!
//! A drawdown begins at the bar after a peak, when equity falls below it, and ends when equity reaches the peak again. The
//! first value is the first peak: a loss against the initial capital on the first bar is not a drawdown.

/// Drawdowns in the order of their peaks, one entry of each column per drawdown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drawdowns {
    /// The last bar at the peak.
    pub peak_bar: Vec<u32>,
    /// The first bar below the peak.
    pub start_bar: Vec<u32>,
    /// The first bar at the lowest value.
    pub valley_bar: Vec<u32>,
    /// The bar of the recovery; the last bar if there is none.
    pub end_bar: Vec<u32>,
    /// Value at the peak.
    pub peak: Vec<f64>,
    /// Lowest value.
    pub valley: Vec<f64>,
    /// Value at the end.
    pub end: Vec<f64>,
    /// 0 for active, 1 for recovered.
    pub status: Vec<u8>,
}

impl Drawdowns {
    /// Finds the drawdowns of a curve.
    pub fn of(values: &[f64]) -> Self {
        let mut found = Self::default();
        let Some((&first, rest)) = values.split_first() else { return found };
        let (mut peak, mut peak_bar) = (first, 0_usize);
        let (mut valley, mut valley_bar) = (first, 0_usize);
        for (before, &value) in rest.iter().enumerate() {
            let bar = before + 1;
            if value >= peak {
                if valley < peak {
                    found.push((peak_bar, peak), (valley_bar, valley), (bar, value), 1);
                }
                (peak, peak_bar) = (value, bar);
                valley = value;
            } else if value < valley {
                (valley, valley_bar) = (value, bar);
            }
        }
        if let Some(&last) = rest.last().filter(|_| valley < peak) {
            found.push((peak_bar, peak), (valley_bar, valley), (rest.len(), last), 0);
        }
        found
    }

    fn push(&mut self, peak: (usize, f64), valley: (usize, f64), end: (usize, f64), status: u8) {
        let narrow = |bar: usize| u32::try_from(bar).unwrap_or(u32::MAX);
        self.peak_bar.push(narrow(peak.0));
        self.start_bar.push(narrow(peak.0 + 1));
        self.valley_bar.push(narrow(valley.0));
        self.end_bar.push(narrow(end.0));
        self.peak.push(peak.1);
        self.valley.push(valley.1);
        self.end.push(end.1);
        self.status.push(status);
    }

    /// Returns the number of drawdowns.
    pub fn len(&self) -> usize {
        self.peak_bar.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.peak_bar.is_empty()
    }

    /// Returns the depth of each drawdown in percent of its peak, positive.
    pub fn depth_percent(&self) -> impl Iterator<Item = f64> + '_ {
        self.peak.iter().zip(&self.valley).map(|(peak, valley)| (peak - valley) / peak * 100.0)
    }

    /// Returns the length of each drawdown in bars: from its start to its recovery, or up to and with the last bar.
    pub fn duration_bars(&self) -> impl Iterator<Item = u32> + '_ {
        let rows = self.start_bar.iter().zip(&self.end_bar).zip(&self.status);
        rows.map(|((start, end), status)| end - start + u32::from(*status == 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (u32, u32, u32, u32, f64, f64, f64, u8);

    /// Curves and the records that vectorbt 1.2.0's `Drawdowns.from_ts` finds in them.
    const REFERENCE: &[(&[f64], &[Row])] = &[
        (
            &[100.0, 100.0, 90.0, 90.0, 95.0, 100.0, 100.0, 80.0, 100.5],
            &[(1, 2, 2, 5, 100.0, 90.0, 100.0, 1), (6, 7, 7, 8, 100.0, 80.0, 100.5, 1)],
        ),
        (&[5.0, 4.0, 3.0, 3.0, 5.0], &[(0, 1, 2, 4, 5.0, 3.0, 5.0, 1)]),
        (&[1.0, 2.0, 1.0], &[(1, 2, 2, 2, 2.0, 1.0, 1.0, 0)]),
        (&[3.0, 2.0, 1.0, -1.0, -2.0, 3.0], &[(0, 1, 4, 5, 3.0, -2.0, 3.0, 1)]),
        (&[1.0, 1.0, 1.0], &[]),
        (
            &[2.0, 2.0, 1.0, 2.0, 1.0],
            &[(1, 2, 2, 3, 2.0, 1.0, 2.0, 1), (3, 4, 4, 4, 2.0, 1.0, 1.0, 0)],
        ),
    ];

    #[test]
    fn drawdowns_are_those_of_vectorbt() {
        for (curve, expected) in REFERENCE {
            let found = Drawdowns::of(curve);
            assert_eq!(found.len(), expected.len(), "{curve:?}");
            for (index, row) in expected.iter().enumerate() {
                let bars = (
                    found.peak_bar[index],
                    found.start_bar[index],
                    found.valley_bar[index],
                    found.end_bar[index],
                );
                assert_eq!(bars, (row.0, row.1, row.2, row.3), "{curve:?}");
                let values =
                    (found.peak[index], found.valley[index], found.end[index], found.status[index]);
                assert_eq!(values, (row.4, row.5, row.6, row.7), "{curve:?}");
            }
        }
    }

    #[test]
    fn an_active_drawdown_counts_its_last_bar() {
        let found = Drawdowns::of(&[2.0, 2.0, 1.0, 2.0, 1.0]);
        assert_eq!(found.duration_bars().collect::<Vec<_>>(), [1, 1]);
        assert_eq!(found.depth_percent().collect::<Vec<_>>(), [50.0, 50.0]);
        assert!(Drawdowns::of(&[]).is_empty());
    }
}
