//! Labels of timeframes in the tables of other applications.

use crate::market::Timeframe;

/// Parses a label: `1h`, `60m`, `1 hour`, `60min`, `01:00:00`, `D`. A capital M stands for months, which are not supported.
pub(super) fn parse(text: &str) -> Option<Timeframe> {
    let text = text.trim();
    if let Some(timeframe) = Timeframe::parse(text) {
        return Some(timeframe);
    }
    if text.contains(':') {
        let mut seconds = 0_i64;
        for part in text.split(':') {
            seconds = seconds.checked_mul(60)?.checked_add(part.parse().ok()?)?;
        }
        return Timeframe::from_milliseconds(seconds.checked_mul(1000)?);
    }
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = (text.get(..unit_at)?, text.get(unit_at..)?.trim());
    let number: i64 = if number.is_empty() { 1 } else { number.parse().ok()? };
    if unit == "M" {
        return None;
    }
    let unit = match unit.to_ascii_lowercase().trim_end_matches('s') {
        "m" | "min" | "minute" | "t" => 60_000,
        "h" | "hr" | "hour" => 3_600_000,
        "d" | "day" => 86_400_000,
        "w" | "wk" | "week" => 7 * 86_400_000,
        _ => return None,
    };
    Timeframe::from_milliseconds(number.checked_mul(unit)?)
}

/// Returns the coarsest timeframe that is not longer than `step` milliseconds, or else the finest one.
pub(super) fn not_longer_than(step: i64) -> Timeframe {
    let mut coarsest_first = Timeframe::ALL.iter().rev().map(|(_, timeframe)| *timeframe);
    coarsest_first.find(|timeframe| timeframe.milliseconds() <= step).unwrap_or(Timeframe::M1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_labels_are_parsed() {
        for (text, expected) in [
            ("1h", Some(Timeframe::H1)),
            ("60m", Some(Timeframe::H1)),
            ("1H", Some(Timeframe::H1)),
            ("60min", Some(Timeframe::H1)),
            ("1 hour", Some(Timeframe::H1)),
            ("4 hours", Some(Timeframe::H4)),
            ("01:00:00", Some(Timeframe::H1)),
            ("D", Some(Timeframe::D1)),
            ("1 day", Some(Timeframe::D1)),
            ("1W", Some(Timeframe::W1)),
            ("1M", None),
            ("", None),
            ("tick", None),
            ("7m", None),
        ] {
            assert_eq!(parse(text), expected, "{text:?}");
        }
        assert_eq!(not_longer_than(86_400_000), Timeframe::D1);
        assert_eq!(not_longer_than(86_399_999), Timeframe::H12);
        assert_eq!(not_longer_than(5), Timeframe::M1);
    }
}
