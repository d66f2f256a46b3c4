//! The prices that a simulation runs on.

use crate::compute::multiversion::multiversion;
use crate::error::{Code, Error, Issue, Result};
use crate::market::{BarRef, Bars};
use crate::quote::counted;

/// Closes of consecutive bars, and opens, highs and lows if they are known.
///
/// All columns have the length of the closes. Every price is finite and above 0. A missing open is the close; a missing low
/// or high is the lower or higher of open and close.
#[derive(Debug, Clone, Copy)]
pub struct Prices<'a> {
    open: Option<&'a [f64]>,
    high: Option<&'a [f64]>,
    low: Option<&'a [f64]>,
    close: &'a [f64],
    /// Opening times of the bars for messages, UTC milliseconds; empty if they are not known.
    timestamps: &'a [i64],
}

impl<'a> Prices<'a> {
    /// Creates prices from columns after checking them.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for columns of different lengths; `BAD_DATA` for a price that is not finite or not above 0.
    pub fn new(
        open: Option<&'a [f64]>,
        high: Option<&'a [f64]>,
        low: Option<&'a [f64]>,
        close: &'a [f64],
    ) -> Result<Self> {
        Self::checked(open, high, low, close, false)
    }

    /// Does the same. `are_prices` states that all values are known to be finite and above 0.
    ///
    /// # Errors
    /// Those of [`Prices::new`].
    pub fn checked(
        open: Option<&'a [f64]>,
        high: Option<&'a [f64]>,
        low: Option<&'a [f64]>,
        close: &'a [f64],
        are_prices: bool,
    ) -> Result<Self> {
        let columns = [("close", Some(close)), ("open", open), ("high", high), ("low", low)];
        let bars = close.len();
        let mut faults = Vec::new();
        for (name, column) in columns {
            let Some(column) = column else { continue };
            if column.len() != bars {
                let (values, closes) = (counted(column.len(), "value"), counted(bars, "close"));
                let message = format!("{name} has {values} for {closes}");
                return Err(Error::invalid(name, "length", message));
            }
            let is_fault = |price: &f64| !(price.is_finite() && *price > 0.0);
            let first_fault = if are_prices || are_sound(column) {
                None
            } else {
                column.iter().position(is_fault)
            };
            if let Some((bar, price)) =
                first_fault.and_then(|bar| column.get(bar).map(|price| (bar, price)))
            {
                let path = format!("{name}[{bar}]");
                faults.push(Issue::new(
                    path.clone(),
                    "bad_bar",
                    format!("{path} must be a finite price above 0, was {price}"),
                ));
            }
        }
        if !faults.is_empty() {
            return Err(Error::with_issues(Code::BadData, faults));
        }
        Ok(Self { open, high, low, close, timestamps: &[] })
    }

    /// Creates prices without opens, highs and lows; the same checks as [`Prices::new`].
    ///
    /// # Errors
    /// `BAD_DATA` for a price that is not finite or not above 0.
    #[cfg(test)]
    pub fn of_close(close: &'a [f64]) -> Result<Self> {
        Self::new(None, None, None, close)
    }

    /// Adds the opening times of the bars, UTC milliseconds, so that messages can date them.
    #[must_use]
    pub fn with_timestamps(self, timestamps: &'a [i64]) -> Self {
        Self { timestamps, ..self }
    }

    /// Returns a reference to a bar for messages.
    #[must_use]
    pub fn bar_ref(&self, bar: usize) -> BarRef<'a> {
        BarRef { bar, timestamps: self.timestamps }
    }

    /// Returns the number of bars.
    #[must_use]
    pub fn len(&self) -> usize {
        self.close.len()
    }

    /// Returns whether there are no bars.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.close.is_empty()
    }

    /// Returns the closes.
    #[must_use]
    pub fn close(&self) -> &'a [f64] {
        self.close
    }

    /// Returns the opens, if they are known.
    #[must_use]
    pub fn open(&self) -> Option<&'a [f64]> {
        self.open
    }

    /// Returns the lowest and the highest price; `None` without bars.
    #[must_use]
    pub fn range(&self) -> Option<(f64, f64)> {
        let columns = [self.open, self.high, self.low, Some(self.close)];
        let prices = columns.into_iter().flatten().flatten();
        let range = (f64::INFINITY, 0.0);
        (!self.is_empty()).then(|| {
            prices.fold(range, |(lowest, highest): (f64, f64), &price| {
                (lowest.min(price), highest.max(price))
            })
        })
    }

    /// Returns the close of a bar; `None` beyond the end.
    #[inline]
    pub(super) fn close_at(&self, bar: usize) -> Option<f64> {
        self.close.get(bar).copied()
    }

    /// Returns the open of a bar, or its close if opens are not known; `None` beyond the end.
    #[must_use]
    pub fn open_at(&self, bar: usize) -> Option<f64> {
        Some(self.bar(bar)?.open)
    }

    /// Returns the lowest and the highest price of the bars from `from` to before `until`, with missing prices replaced.
    /// Without bars, they are infinity and minus infinity.
    #[must_use]
    pub fn extremes(&self, from: usize, until: usize) -> (f64, f64) {
        let columns = self.low.and_then(|low| low.get(from..until));
        match columns.zip(self.high.and_then(|high| high.get(from..until))) {
            Some((low, high)) => lowest_and_highest(low, high),
            None => (from..until)
                .filter_map(|bar| self.bar(bar))
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(lowest, highest), bar| {
                    (lowest.min(bar.low), highest.max(bar.high))
                }),
        }
    }

    /// Returns opens, highs and lows of bars from `from` to `last` inclusive; `None` if one of them is not known.
    pub(super) fn ranges(
        &self,
        from: usize,
        last: usize,
    ) -> Option<(&'a [f64], &'a [f64], &'a [f64])> {
        Some((
            self.open?.get(from..=last)?,
            self.high?.get(from..=last)?,
            self.low?.get(from..=last)?,
        ))
    }

    /// Returns open, high and low of a bar with missing ones replaced; `None` beyond the end.
    #[inline]
    pub(super) fn bar(&self, bar: usize) -> Option<Bar> {
        let close = *self.close.get(bar)?;
        let at = |column: Option<&[f64]>| column.and_then(|column| column.get(bar).copied());
        let open = at(self.open).unwrap_or(close);
        let high = at(self.high).unwrap_or_else(|| open.max(close));
        let low = at(self.low).unwrap_or_else(|| open.min(close));
        Some(Bar { open, high, low })
    }
}

multiversion! {
    /// Without an early return this becomes vector instructions. Only if it fails, the index is searched.
    fn are_sound(prices: &[f64]) -> bool {
        prices.iter().fold(true, |sound, &price| sound & (price > 0.0) & (price < f64::INFINITY))
    }
}

multiversion! {
    /// Returns the lowest of the lows and the highest of the highs.
    fn lowest_and_highest(low: &[f64], high: &[f64]) -> (f64, f64) {
        (-highest(low, |low| -low), highest(high, |high| high))
    }
}

/// Returns the highest of the mapped values. Several at a time become vector instructions.
#[inline(always)]
fn highest(values: &[f64], map: impl Fn(f64) -> f64) -> f64 {
    let higher = |a: f64, b: f64| if a > b { a } else { b };
    let mut lanes = [f64::NEG_INFINITY; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = higher(map(*value), *lane);
        }
    }
    rest.iter().map(|value| map(*value)).chain(lanes).fold(f64::NEG_INFINITY, higher)
}

impl<'a> From<&'a Bars> for Prices<'a> {
    fn from(bars: &'a Bars) -> Self {
        Self {
            open: Some(bars.open()),
            high: Some(bars.high()),
            low: Some(bars.low()),
            close: bars.close(),
            timestamps: bars.timestamps(),
        }
    }
}

/// The prices that stops are tested against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bar {
    pub(super) open: f64,
    pub(super) high: f64,
    pub(super) low: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_different_lengths_are_refused() {
        let error = Prices::new(Some(&[1.0]), None, None, &[1.0, 2.0]).unwrap_err();
        assert_eq!(
            (error.code, error.message.as_str()),
            (Code::InvalidArgument, "open has 1 value for 2 closes")
        );
    }

    #[test]
    fn an_invalid_price_is_named() {
        let error = Prices::new(None, Some(&[1.0, 0.0]), None, &[1.0, f64::NAN]).unwrap_err();
        assert_eq!(error.code, Code::BadData);
        let paths: Vec<&str> = error.issues.iter().map(|issue| issue.path.as_str()).collect();
        assert_eq!(paths, ["close[1]", "high[1]"]);
    }

    #[test]
    fn extremes_are_those_of_a_scan() {
        let low: Vec<f64> = (0..40_u32).map(|bar| 50.0 + f64::from(bar * 37 % 23)).collect();
        let high: Vec<f64> = (0..40_u32).map(|bar| 80.0 + f64::from(bar * 29 % 31)).collect();
        let close = vec![77.0; 40];
        let prices = Prices::new(None, Some(&high), Some(&low), &close).unwrap();
        for from in 0..40 {
            for until in from + 1..=40 {
                let lowest = low[from..until].iter().copied().reduce(f64::min).unwrap();
                let highest = high[from..until].iter().copied().reduce(f64::max).unwrap();
                assert_eq!(prices.extremes(from, until), (lowest, highest));
            }
        }
        assert_eq!(Prices::of_close(&[3.0, 1.0, 2.0]).unwrap().extremes(0, 3), (1.0, 3.0));
    }

    #[test]
    fn missing_prices_are_replaced_by_the_narrowest_range() {
        let prices = Prices::new(Some(&[2.0]), None, None, &[3.0]).unwrap();
        let bar = prices.bar(0).unwrap();
        assert_eq!((bar.open, bar.high, bar.low), (2.0, 3.0, 2.0));
    }
}
