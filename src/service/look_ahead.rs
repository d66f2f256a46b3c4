//! Detects look-ahead in a function of the caller: the function is called again on truncated bars, and no signal may change
//! when later bars are removed.
//!
//! Look-ahead is only visible if a bar that the function looked at is missing. The bars are therefore truncated right after
//! bars with a signal and right after bars without one, which reveals even a look at the next bar.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::{Code, Error, Issue, Result};
use crate::market::{Bars, time};
use crate::note::{Note, NoteCode};
use crate::quote::counted;
use crate::signals::{Bits, Signals};

use super::function::{BoundFunction, PATH};

/// The number of generated bars in [`test_function`]: enough for moving averages over 200 bars to have signals.
const TEST_BARS: u32 = 600;
/// The number of truncations after a bar with a signal, and after one without, for each column.
const TRUNCATIONS: usize = 6;

/// The code of an issue.
const LOOK_AHEAD: &str = "look_ahead";
/// The code of an issue about a function that returns different signals for the same bars.
const NOT_REPEATABLE: &str = "not_repeatable";

/// The result of [`test_function`].
#[derive(Debug, Default)]
pub(super) struct LookAheadReport {
    pub(super) issues: Vec<Issue>,
    pub(super) warnings: Vec<String>,
}

/// Tests a function on generated bars, which are always the same.
///
/// # Errors
/// `CLOSED`; the problems of the function are in the report.
pub(super) async fn test_function(function: &BoundFunction) -> Result<LookAheadReport> {
    let mut report = LookAheadReport::default();
    let bars = Arc::new(random_walk(TEST_BARS)?);
    let whole = match function.signals(&bars).await {
        Ok(whole) => whole,
        Err(error) if error.code == Code::InvalidArgument => {
            report.issues = error.issues;
            return Ok(report);
        }
        Err(error) => return Err(error),
    };
    if let Some(difference) =
        differences(&whole, &function.signals(&bars).await?, bars.len()).first()
    {
        let path = format!("{PATH}.{}[{}]", difference.column, difference.bar);
        report.issues.push(Issue::new(path, NOT_REPEATABLE, not_repeatable(difference, &bars)));
        return Ok(report);
    }
    if columns(&whole).iter().all(|(_, bits)| bits.is_none_or(|bits| bits.count() == 0)) {
        report.warnings.push(format!(
            "generateSignals returned no signals for {TEST_BARS} generated daily bars, so the look-ahead test is inconclusive"
        ));
    }
    let mut changes: Vec<Difference> = Vec::new();
    let mut has_failed = false;
    for bar_count in truncations(&whole, bars.len()) {
        match function.signals(&Arc::new(bars.slice(0..bar_count))).await {
            Ok(truncated) => changes.extend(differences(&whole, &truncated, bar_count)),
            Err(error) if error.code == Code::InvalidArgument => {
                if !has_failed {
                    report.warnings.push(format!(
                        "generateSignals fails on {}: {}",
                        counted(bar_count, "bar"),
                        error.message
                    ));
                }
                has_failed = true;
            }
            Err(error) => return Err(error),
        }
    }
    for (name, _) in columns(&whole) {
        let of_column = changes.iter().filter(|change| change.column == name);
        if let Some(first) = of_column.min_by_key(|change| (change.bar, change.bar_count)) {
            let path = format!("{PATH}.{name}[{}]", first.bar);
            report.issues.push(Issue::new(path, LOOK_AHEAD, looks_ahead(first, &bars)));
        }
    }
    Ok(report)
}

/// How a function was caught looking ahead, or returning different signals for the same bars.
#[derive(Debug)]
pub(super) struct LookAhead {
    column: &'static str,
    bar: usize,
    /// The code of the issue: `look_ahead` or `not_repeatable`.
    code: &'static str,
    message: String,
}

impl LookAhead {
    /// Returns the error of a run that may not look ahead.
    pub(super) fn into_error(self) -> Error {
        let fix = if self.code == LOOK_AHEAD {
            "compute the signal of a bar from that bar and earlier ones"
        } else {
            "let it depend on its arguments alone"
        };
        let path = format!("{PATH}.{}[{}]", self.column, self.bar);
        let message =
            format!("{}; {fix}, or pass allowLookAhead: true to run it all the same", self.message);
        Error::invalid(&path, self.code, message)
    }

    /// Returns the note of a run that may look ahead.
    pub(super) fn into_note(self) -> Note {
        Note::new(NoteCode::LookAhead, self.message)
            .with("signal", self.column)
            .with("bar", self.bar)
    }
}

/// Tests a function with one more call on about half of the bars of a run, and returns how it looks ahead.
///
/// # Errors
/// `CLOSED`; a function that fails on fewer bars does not fail the run.
pub(super) async fn spot_check(
    function: &BoundFunction,
    whole: &Signals,
    bars: &Arc<Bars>,
) -> Result<Option<LookAhead>> {
    let bar_count = middle_truncation(whole, bars.len());
    if bar_count == 0 || bar_count >= bars.len() {
        return Ok(None);
    }
    let first = match function.signals(&Arc::new(bars.slice(0..bar_count))).await {
        Ok(truncated) => differences(whole, &truncated, bar_count).into_iter().next(),
        Err(error) if error.code == Code::InvalidArgument => None,
        Err(error) => return Err(error),
    };
    let Some(change) = first else { return Ok(None) };
    // A function that returns different signals for each call looks the same.
    if let Ok(again) = function.signals(bars).await
        && let Some(difference) = differences(whole, &again, bars.len()).first()
    {
        let Difference { column, bar, .. } = *difference;
        let message = not_repeatable(difference, bars);
        return Ok(Some(LookAhead { column, bar, code: NOT_REPEATABLE, message }));
    }
    let message = looks_ahead(&change, bars);
    Ok(Some(LookAhead { column: change.column, bar: change.bar, code: LOOK_AHEAD, message }))
}

/// A signal that differs between two calls.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    column: &'static str,
    bar: usize,
    /// The signal with all bars.
    whole: bool,
    /// The number of bars of the other call.
    bar_count: usize,
}

impl Difference {
    fn describe(&self, bars: &Bars) -> String {
        format!(
            "{} at bar {} ({}) is {} with all {} bars but {} with only the bars up to {}",
            self.column,
            self.bar,
            date(bars, self.bar),
            u8::from(self.whole),
            bars.len(),
            u8::from(!self.whole),
            date(bars, self.bar_count.saturating_sub(1)),
        )
    }
}

fn looks_ahead(difference: &Difference, bars: &Bars) -> String {
    format!("generateSignals looks ahead: {}", difference.describe(bars))
}

fn not_repeatable(difference: &Difference, bars: &Bars) -> String {
    format!(
        "generateSignals is not repeatable: two calls on the same bars returned different {} at bar {} ({})",
        difference.column,
        difference.bar,
        date(bars, difference.bar)
    )
}

fn date(bars: &Bars, bar: usize) -> String {
    bars.timestamps().get(bar).map_or_else(String::new, |timestamp| time::short(*timestamp))
}

fn columns(signals: &Signals) -> [(&'static str, Option<&Bits>); 4] {
    [
        ("entries", Some(&signals.entries)),
        ("exits", Some(&signals.exits)),
        ("shortEntries", signals.short_entries.as_ref()),
        ("shortExits", signals.short_exits.as_ref()),
    ]
}

/// Returns the first difference of each column within the first `bar_count` bars. A missing column has no signals.
fn differences(whole: &Signals, truncated: &Signals, bar_count: usize) -> Vec<Difference> {
    let is_set = |bits: Option<&Bits>, bar| bits.is_some_and(|bits| bits.get(bar));
    let pairs = columns(whole).into_iter().zip(columns(truncated));
    pairs
        .filter_map(|((column, of_whole), (_, of_truncated))| {
            let bar =
                (0..bar_count).find(|bar| is_set(of_whole, *bar) != is_set(of_truncated, *bar))?;
            Some(Difference { column, bar, whole: is_set(of_whole, bar), bar_count })
        })
        .collect()
}

/// Returns the numbers of bars to truncate to: at quarters, and after evenly spaced bars with and without a signal.
fn truncations(whole: &Signals, bars: usize) -> BTreeSet<usize> {
    let mut truncations =
        BTreeSet::from([bars / 4, bars / 2, bars * 3 / 4, bars.saturating_sub(1)]);
    for bits in columns(whole).into_iter().filter_map(|(_, bits)| bits) {
        for has_signal in [true, false] {
            let matching: Vec<usize> =
                (0..bars).filter(|bar| bits.get(*bar) == has_signal).collect();
            let spread = (0..TRUNCATIONS)
                .filter_map(|index| matching.get(index * matching.len() / TRUNCATIONS));
            truncations.extend(spread.map(|bar| bar + 1));
        }
    }
    truncations.retain(|bar_count| *bar_count > 0 && *bar_count < bars);
    truncations
}

/// Returns the number of bars up to the signal nearest to the middle, or half of the bars if there is no signal.
fn middle_truncation(whole: &Signals, bars: usize) -> usize {
    let middle = bars / 2;
    let nearest = columns(whole)
        .into_iter()
        .filter_map(|(_, bits)| bits)
        .flat_map(Bits::ones)
        // All bars show nothing.
        .filter(|bar| bar + 1 < bars)
        .min_by_key(|bar| (bar.abs_diff(middle), *bar));
    nearest.map_or(middle, |bar| bar + 1)
}

/// Generates daily bars whose close changes by up to 3 % a day, from a fixed seed.
fn random_walk(count: u32) -> Result<Bars> {
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    // Xorshift, scaled to numbers from -1 to 1.
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        f64::from(u32::try_from(seed >> 32).unwrap_or(0)) / f64::from(u32::MAX) * 2.0 - 1.0
    };
    let (mut timestamps, mut volume) = (Vec::new(), Vec::new());
    let (mut open, mut high, mut low, mut close) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut price = 100.0_f64;
    for bar in 0..count {
        timestamps.push(1_577_836_800_000 + i64::from(bar) * time::DAY);
        open.push(price);
        let before = price;
        price *= 1.0 + 0.03 * random();
        close.push(price);
        high.push(before.max(price) * (1.0 + 0.01 * random().abs()));
        low.push(before.min(price) * (1.0 - 0.01 * random().abs()));
        volume.push(1_000_000.0 * (1.5 + random()));
    }
    let columns = (open.into(), high.into(), low.into(), close.into());
    Bars::new(timestamps, columns.0, columns.1, columns.2, columns.3, Some(volume.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signals(entries: &[usize], bars: usize) -> Signals {
        let entries = Bits::from_fn(bars, |bar| entries.contains(&bar));
        Signals { entries, exits: Bits::zeros(bars), short_entries: None, short_exits: None }
    }

    #[test]
    fn differences_beyond_the_truncation_are_ignored() {
        let whole = signals(&[3, 7], 10);
        assert_eq!(differences(&whole, &signals(&[3], 7), 7), []);
        let found = differences(&whole, &signals(&[3], 8), 8);
        assert_eq!(found, [Difference { column: "entries", bar: 7, whole: true, bar_count: 8 }]);
        // A missing short column has no signals.
        let short = Signals { short_entries: Some(Bits::zeros(10)), ..whole.clone() };
        assert_eq!(differences(&short, &whole, 10), []);
    }

    #[test]
    fn bars_are_truncated_after_bars_with_and_without_a_signal() {
        let truncations = truncations(&signals(&[8, 30], 40), 40);
        assert!(truncations.contains(&9) && truncations.contains(&31), "{truncations:?}");
        let is_after_no_signal =
            |bar_count: &usize| !matches!(bar_count, 9 | 31 | 10 | 20 | 30 | 39);
        assert!(truncations.iter().any(is_after_no_signal), "{truncations:?}");
        assert!(truncations.iter().all(|bar_count| (1..40).contains(bar_count)), "{truncations:?}");
        assert_eq!(middle_truncation(&signals(&[8, 30], 40), 40), 31);
        assert_eq!(middle_truncation(&signals(&[], 40), 40), 20);
    }

    #[test]
    fn the_generated_bars_vary_and_are_always_the_same() {
        let bars = random_walk(TEST_BARS).unwrap();
        assert_eq!(bars, random_walk(TEST_BARS).unwrap());
        let rises = bars.close().windows(2).filter(|pair| pair[1] > pair[0]).count();
        assert!((200..400).contains(&rises), "{rises}");
    }
}
