//! Timeframes as other people's tables spell them.

use crate::market::Timeframe;

/// Reads a timeframe: `1h`, `60m`, `1 hour`, `60min`, `01:00:00`, `D`. A lone capital M is a month, which is none of ours.
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

/// Returns the coarsest timeframe that is not longer than a distance in milliseconds; the finest for any shorter one.
pub(super) fn at_most(step: i64) -> Timeframe {
    let mut coarsest_first = Timeframe::ALL.iter().rev().map(|(_, timeframe)| *timeframe);
    coarsest_first.find(|timeframe| timeframe.milliseconds() <= step).unwrap_or(Timeframe::M1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_other_tables_are_understood() {
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
        assert_eq!(at_most(86_400_000), Timeframe::D1);
        assert_eq!(at_most(86_399_999), Timeframe::H12);
        assert_eq!(at_most(5), Timeframe::M1);
    }
}
