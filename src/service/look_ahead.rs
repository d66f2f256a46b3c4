//! Whether a function of the caller looks ahead: it is called again on shortened histories, and a signal may not change
//! when later bars are taken away.
//!
//! A look ahead shows where a bar that was looked at is missing, so histories are cut right after bars with a signal and
//! right after bars without one: even a look at the next bar alone shows there.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::{Code, Issue, Result};
use crate::market::{Bars, time};
use crate::signals::{Bits, Signals};

use super::function::{Call, PATH};

/// The number of made-up bars of [`examine`]: enough for averages over 200 bars to have signals.
const TEST_BARS: u32 = 600;
/// After how many bars with a signal, and how many without, the history is cut for each column.
const CUTS: usize = 6;

/// What an examination found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) issues: Vec<Issue>,
    pub(super) warnings: Vec<String>,
}

/// Tests a function on made-up bars, always the same ones.
///
/// # Errors
/// `CLOSED`; what is wrong with the function is in the findings.
pub(super) async fn examine(call: &Call) -> Result<Findings> {
    let mut found = Findings::default();
    let bars = Arc::new(random_walk(TEST_BARS)?);
    let whole = match call.signals(&bars).await {
        Ok(whole) => whole,
        Err(error) if error.code == Code::InvalidArgument => {
            found.issues = error.issues;
            return Ok(found);
        }
        Err(error) => return Err(error),
    };
    if let Some(difference) = differences(&whole, &call.signals(&bars).await?, bars.len()).first() {
        found.warnings.push(not_repeatable(difference, &bars));
        return Ok(found);
    }
    if columns(&whole).iter().all(|(_, bits)| bits.is_none_or(|bits| bits.count() == 0)) {
        found.warnings.push(format!(
            "generateSignals gave no signal on {TEST_BARS} made-up daily bars, so that its look-ahead could hardly be tested"
        ));
    }
    let mut peeks: Vec<Difference> = Vec::new();
    let mut has_failed = false;
    for kept in cuts(&whole, bars.len()) {
        match call.signals(&Arc::new(bars.slice(0..kept))).await {
            Ok(cut) => peeks.extend(differences(&whole, &cut, kept)),
            Err(error) if error.code == Code::InvalidArgument => {
                if !has_failed {
                    found
                        .warnings
                        .push(format!("generateSignals fails on {kept} bars: {}", error.message));
                }
                has_failed = true;
            }
            Err(error) => return Err(error),
        }
    }
    for (name, _) in columns(&whole) {
        let of_column = peeks.iter().filter(|peek| peek.column == name);
        if let Some(first) = of_column.min_by_key(|peek| (peek.bar, peek.kept)) {
            let message = format!("generateSignals looks ahead: {}", first.describe(&bars));
            let place = format!("{PATH}.{name}[{}]", first.bar);
            found.issues.push(Issue::new(place, "look_ahead", message));
        }
    }
    Ok(found)
}

/// Tests a function on the bars of a run with one more call, on about half of them; returns what to warn of.
///
/// # Errors
/// `CLOSED`; a function that fails on fewer bars is no reason to fail the run.
pub(super) async fn glance(
    call: &Call,
    whole: &Signals,
    bars: &Arc<Bars>,
) -> Result<Option<String>> {
    let kept = middle_cut(whole, bars.len());
    if kept == 0 || kept >= bars.len() {
        return Ok(None);
    }
    let first = match call.signals(&Arc::new(bars.slice(0..kept))).await {
        Ok(cut) => differences(whole, &cut, kept).into_iter().next(),
        Err(error) if error.code == Code::InvalidArgument => None,
        Err(error) => return Err(error),
    };
    let Some(peek) = first else { return Ok(None) };
    // A function that answers differently each time would look the same.
    if let Ok(again) = call.signals(bars).await
        && let Some(difference) = differences(whole, &again, bars.len()).first()
    {
        return Ok(Some(not_repeatable(difference, bars)));
    }
    Ok(Some(format!("look-ahead: {}", peek.describe(bars))))
}

/// A signal that is not the same in two answers.
#[derive(Debug, PartialEq, Eq)]
struct Difference {
    column: &'static str,
    bar: usize,
    /// The signal with all bars.
    whole: bool,
    /// How many bars the other answer was for.
    kept: usize,
}

impl Difference {
    fn describe(&self, bars: &Bars) -> String {
        format!(
            "{} at bar {} ({}) is {} with all {} bars and {} with those up to {} alone",
            self.column,
            self.bar,
            date(bars, self.bar),
            u8::from(self.whole),
            bars.len(),
            u8::from(!self.whole),
            date(bars, self.kept.saturating_sub(1)),
        )
    }
}

fn not_repeatable(difference: &Difference, bars: &Bars) -> String {
    format!(
        "generateSignals is not repeatable: called twice on the same bars it gave different {} at bar {} ({})",
        difference.column,
        difference.bar,
        date(bars, difference.bar)
    )
}

fn date(bars: &Bars, bar: usize) -> String {
    bars.timestamps().get(bar).map_or_else(String::new, |moment| time::short(*moment))
}

fn columns(signals: &Signals) -> [(&'static str, Option<&Bits>); 4] {
    [
        ("entries", Some(&signals.entries)),
        ("exits", Some(&signals.exits)),
        ("shortEntries", signals.short_entries.as_ref()),
        ("shortExits", signals.short_exits.as_ref()),
    ]
}

/// Returns the first difference of each column within the first `kept` bars; a missing column is one without signals.
fn differences(whole: &Signals, cut: &Signals, kept: usize) -> Vec<Difference> {
    let is_set = |bits: Option<&Bits>, bar| bits.is_some_and(|bits| bits.get(bar));
    let pairs = columns(whole).into_iter().zip(columns(cut));
    pairs
        .filter_map(|((column, of_whole), (_, of_cut))| {
            let bar = (0..kept).find(|bar| is_set(of_whole, *bar) != is_set(of_cut, *bar))?;
            Some(Difference { column, bar, whole: is_set(of_whole, bar), kept })
        })
        .collect()
}

/// Returns after how many bars to cut: at quarters, and after some bars with and without a signal, spread evenly.
fn cuts(whole: &Signals, bars: usize) -> BTreeSet<usize> {
    let mut cuts = BTreeSet::from([bars / 4, bars / 2, bars * 3 / 4, bars.saturating_sub(1)]);
    for bits in columns(whole).into_iter().filter_map(|(_, bits)| bits) {
        for wanted in [true, false] {
            let with: Vec<usize> = (0..bars).filter(|bar| bits.get(*bar) == wanted).collect();
            let spread = (0..CUTS).filter_map(|cut| with.get(cut * with.len() / CUTS));
            cuts.extend(spread.map(|bar| bar + 1));
        }
    }
    cuts.retain(|kept| *kept > 0 && *kept < bars);
    cuts
}

/// Returns a cut right after the signal nearest to the middle, or in the middle where there is none.
fn middle_cut(whole: &Signals, bars: usize) -> usize {
    let middle = bars / 2;
    let nearest = columns(whole)
        .into_iter()
        .filter_map(|(_, bits)| bits)
        .flat_map(Bits::ones)
        .min_by_key(|bar| (bar.abs_diff(middle), *bar));
    nearest.map_or(middle, |bar| bar + 1)
}

/// Makes up daily bars whose close wanders by up to 3 % a day, from a fixed seed.
fn random_walk(count: u32) -> Result<Bars> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    // Xorshift; the upper half of a state as a number from -1 to 1.
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f64::from(u32::try_from(state >> 32).unwrap_or(0)) / f64::from(u32::MAX) * 2.0 - 1.0
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
    fn differences_beyond_the_bars_that_were_kept_do_not_count() {
        let whole = signals(&[3, 7], 10);
        assert_eq!(differences(&whole, &signals(&[3], 7), 7), []);
        let found = differences(&whole, &signals(&[3], 8), 8);
        assert_eq!(found, [Difference { column: "entries", bar: 7, whole: true, kept: 8 }]);
        // A short column that is missing is one without signals.
        let short = Signals { short_entries: Some(Bits::zeros(10)), ..whole.clone() };
        assert_eq!(differences(&short, &whole, 10), []);
    }

    #[test]
    fn histories_are_cut_after_bars_with_and_without_a_signal() {
        let cuts = cuts(&signals(&[8, 30], 40), 40);
        assert!(cuts.contains(&9) && cuts.contains(&31), "{cuts:?}");
        assert!(cuts.iter().any(|kept| !matches!(kept, 9 | 31 | 10 | 20 | 30 | 39)), "{cuts:?}");
        assert!(cuts.iter().all(|kept| (1..40).contains(kept)), "{cuts:?}");
        assert_eq!(middle_cut(&signals(&[8, 30], 40), 40), 31);
        assert_eq!(middle_cut(&signals(&[], 40), 40), 20);
    }

    #[test]
    fn the_made_up_bars_wander_and_are_always_the_same() {
        let bars = random_walk(TEST_BARS).unwrap();
        assert_eq!(bars, random_walk(TEST_BARS).unwrap());
        let rises = bars.close().windows(2).filter(|pair| pair[1] > pair[0]).count();
        assert!((200..400).contains(&rises), "{rises}");
    }
}
