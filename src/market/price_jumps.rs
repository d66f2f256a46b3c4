//! Prices that jump like an unadjusted split.

use super::bars::formatted;
use super::time;
use crate::compute::multiversion::multiversion;
use crate::note::{Note, NoteCode};

/// The usual ratios of splits. Smaller ones, such as 5:4, cannot be told from bad news.
const RATIOS: [f64; 9] = [1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0];

/// How far an opening may be from a ratio, as a fraction: prices also move overnight. The larger the ratio, the less likely is
/// another cause.
const fn tolerance(ratio: f64) -> f64 {
    if ratio < 2.0 {
        0.03
    } else if ratio < 3.0 {
        0.06
    } else {
        0.12
    }
}

/// Any larger factor is a split, or a change of scale.
const LARGEST_MOVE: f64 = 12.0;

/// How far the close of the bar may be from its open. Prices that fall by half and go on falling are a crash.
const CALM: f64 = 0.15;

/// Returns a note if an opening price is, compared with the close before it, like that after a split that was not adjusted.
///
/// Without opening prices, closes are compared. `timestamps` may be empty.
pub fn price_jumps(open: Option<&[f64]>, close: &[f64], timestamps: &[i64]) -> Option<Note> {
    let open = open.unwrap_or(close);
    if !has_jump(open, close) {
        return None;
    }
    let mut jumps = open.get(1..)?.iter().zip(close).zip(close.get(1..)?).enumerate().filter_map(
        |(bar, ((open, before), close))| {
            let ratio = split_ratio(open / before)?;
            ((close / open - 1.0).abs() < CALM).then_some((bar + 1, ratio))
        },
    );
    let (bar, ratio) = jumps.next()?;
    let count = 1 + jumps.count();
    let (before, after) = (close.get(bar - 1)?, open.get(bar)?);
    let timestamp = timestamps.get(bar).copied();
    let place =
        timestamp.map_or_else(|| format!("on bar {bar}"), |at| format!("at {}", time::short(at)));
    let direction = if after < before { "falls" } else { "rises" };
    let (more, fewer) = if ratio.fract() == 0.0 { (ratio, 1) } else { (2.0 * ratio, 2) };
    let more = rounded(more);
    let ratio = if after < before { format!("{more}:{fewer}") } else { format!("{fewer}:{more}") };
    let first = if count == 1 {
        String::new()
    } else {
        format!("{count} jumps like an unadjusted split, the first: ")
    };
    let text = format!(
        "{first}the price {direction} from {} to {} {place}, like an unadjusted split of {ratio}; if it was one, adjust the prices",
        rounded(*before),
        rounded(*after)
    );
    let note = Note::new(NoteCode::PriceJumps, text).with("bars", count);
    Some(match timestamp {
        Some(at) => note.with("first", time::format(at)),
        None => note,
    })
}

/// Formats a price with six significant digits.
fn rounded(price: f64) -> String {
    let text = format!("{price:.5e}");
    text.parse::<f64>().map_or(text, formatted)
}

/// Returns the ratio of a split that multiplies prices by `factor`.
fn split_ratio(factor: f64) -> Option<f64> {
    let factor = factor.max(1.0 / factor);
    if !factor.is_finite() {
        return None;
    }
    // Nothing but a change of scale moves prices so far overnight.
    if factor > LARGEST_MOVE {
        return Some(factor.round());
    }
    let off = |ratio: f64| (factor / ratio - 1.0).abs();
    let nearest = RATIOS.into_iter().min_by(|a, b| off(*a).total_cmp(&off(*b)))?;
    (off(nearest) <= tolerance(nearest)).then_some(nearest)
}

multiversion! {
    /// Returns whether any opening price differs from the close before it by the smallest ratio.
    fn has_jump(open: &[f64], close: &[f64]) -> bool {
        const SMALLEST: f64 = RATIOS[0] * (1.0 - tolerance(RATIOS[0]));
        let pairs = open.get(1..).unwrap_or(&[]).iter().zip(close);
        pairs.fold(false, |has_jump, (open, before)| {
            has_jump | (*open > before * SMALLEST) | (open * SMALLEST < *before)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note_on(opens: &[f64], closes: &[f64]) -> Option<String> {
        let timestamps: Vec<i64> =
            (0..).map(|day: i64| day * time::DAY).take(opens.len()).collect();
        price_jumps(Some(opens), closes, &timestamps).map(|note| note.text)
    }

    #[test]
    fn splits_in_both_directions_are_found() {
        assert_eq!(
            note_on(&[400.0, 401.0, 101.0], &[400.0, 402.0, 102.0]).as_deref(),
            Some(
                "the price falls from 402 to 101 at 1970-01-03, like an unadjusted split of 4:1; if it was one, adjust the prices"
            )
        );
        let text = note_on(&[1.0, 10.1, 10.0, 30.0], &[1.0, 10.0, 10.0, 30.0]).unwrap();
        assert!(
            text.starts_with(
                "2 jumps like an unadjusted split, the first: the price rises from 1 to 10.1"
            ),
            "{text}"
        );
        assert!(text.contains("of 1:10;"), "{text}");
    }

    #[test]
    fn crashes_and_moves_within_a_bar_are_not_splits() {
        assert_eq!(note_on(&[100.0, 50.0], &[100.0, 40.0]), None);
        assert_eq!(note_on(&[100.0, 100.0], &[100.0, 50.0]), None);
        assert_eq!(note_on(&[100.0, 57.0], &[100.0, 57.0]), None);
        assert_eq!(note_on(&[100.0], &[100.0]), None);
    }
}
