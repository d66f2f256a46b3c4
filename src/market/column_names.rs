//! The names of bar columns in files and tables.

use crate::error::{Code, Error, Issue, Result};
use crate::quote::quoted;

/// Names of the timestamp column, the most reliable first: numbers are exact, dates as text may lack their time zone.
const TIMES: [&str; 20] = [
    "timestamp",
    "timestamps",
    "unix",
    "unixtimestamp",
    "unixtime",
    "epoch",
    "ts",
    "opentime",
    "datetime",
    "datetimeutc",
    "timestamputc",
    "timeutc",
    "dateutc",
    "gmttime",
    "date",
    "day",
    "time",
    "localtime",
    "timestampms",
    // The name that pandas gives to an unnamed index.
    "indexlevel0",
];

const PRICES: [(&str, [&str; 3]); 4] = [
    ("open", ["open", "o", "openprice"]),
    ("high", ["high", "h", "highprice"]),
    ("low", ["low", "l", "lowprice"]),
    ("close", ["close", "c", "closeprice"]),
];

const VOLUMES: [&str; 4] = ["volume", "vol", "v", "tickvol"];

/// Positions of the bar columns in a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnPositions {
    /// The timestamp or date.
    pub time: usize,
    /// The time of day, if it has a column of its own.
    pub clock: Option<usize>,
    /// Open.
    pub open: usize,
    /// High.
    pub high: usize,
    /// Low.
    pub low: usize,
    /// Close. Never an adjusted close, which does not match the other prices.
    pub close: usize,
    /// Volume.
    pub volume: Option<usize>,
}

impl ColumnPositions {
    /// Finds the bar columns by name, ignoring case, spaces and punctuation.
    ///
    /// # Errors
    /// `BAD_DATA` listing missing and duplicate columns, and the columns of the header.
    pub fn find(header: &[&str]) -> Result<Self> {
        let names: Vec<String> = header.iter().map(|name| normalized(name)).collect();
        let mut issues = Vec::new();
        let time = position(&names, &TIMES, "time", &mut issues);
        let [open, high, low, close] =
            PRICES.map(|(name, aliases)| position(&names, &aliases, name, &mut issues));
        let mut missing: Vec<&str> = Vec::new();
        let wanted = [
            ("time (timestamp, date, …)", time),
            ("open", open),
            ("high", high),
            ("low", low),
            ("close", close),
        ];
        missing.extend(wanted.iter().filter(|(_, place)| place.is_none()).map(|(name, _)| *name));
        if !missing.is_empty() {
            let found: Vec<String> =
                header.iter().take(30).map(|name| quoted(name.trim())).collect();
            let message = format!(
                "no column for {}; the columns are {}",
                missing.join(", "),
                found.join(", ")
            );
            issues.insert(0, Issue::new("header", "required", message));
        }
        let volume = position(&names, &VOLUMES, "volume", &mut issues).or_else(|| {
            header.iter().position(|name| {
                name.len() <= MAX_NAME_LENGTH && name.trim().to_lowercase().starts_with("volume ")
            })
        });
        match (time, open, high, low, close) {
            (Some(time), Some(open), Some(high), Some(low), Some(close)) if issues.is_empty() => {
                let clock = (names.get(time).is_some_and(|name| name == "date"))
                    .then(|| names.iter().position(|name| name == "time"))
                    .flatten();
                Ok(Self { time, clock, open, high, low, close, volume })
            }
            _ => Err(Error::with_issues(Code::BadData, issues)),
        }
    }

    /// Returns the positions of the prices with their names.
    pub fn prices(&self) -> [(&'static str, usize); 4] {
        [("open", self.open), ("high", self.high), ("low", self.low), ("close", self.close)]
    }
}

/// The longest name that is compared, bytes.
const MAX_NAME_LENGTH: usize = 256;

/// Reduces a name to its lower-case letters and digits: `<Open Time>` becomes `opentime`. A name that is too long becomes
/// empty.
fn normalized(name: &str) -> String {
    if name.len() > MAX_NAME_LENGTH {
        return String::new();
    }
    name.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn position(
    names: &[String],
    aliases: &[&str],
    field: &str,
    issues: &mut Vec<Issue>,
) -> Option<usize> {
    let alias = aliases.iter().find(|alias| names.iter().any(|name| name == *alias))?;
    let mut places =
        names.iter().enumerate().filter(|(_, name)| name == alias).map(|(place, _)| place);
    let first = places.next()?;
    if let Some(second) = places.next() {
        let message = format!(
            "two columns are named {alias:?} ({field}): columns {} and {}",
            first + 1,
            second + 1
        );
        issues.push(Issue::new("header", "duplicate", message));
    }
    Some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(header: &str) -> Result<ColumnPositions> {
        ColumnPositions::find(&header.split(',').collect::<Vec<_>>())
    }

    #[test]
    fn headers_of_common_exports_are_recognized() {
        let cases = [
            // Yahoo, Binance, CryptoDataDownload, MetaTrader, short names, pandas.
            ("Date,Open,High,Low,Close,Adj Close,Volume", (0, None, [1, 2, 3, 4], Some(6))),
            (
                "Open time,Open,High,Low,Close,Volume,Close time,Quote asset volume",
                (0, None, [1, 2, 3, 4], Some(5)),
            ),
            (
                "unix,date,symbol,open,high,low,close,Volume BTC,Volume USD",
                (0, None, [3, 4, 5, 6], Some(7)),
            ),
            (
                "<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<TICKVOL>,<VOL>",
                (0, Some(1), [2, 3, 4, 5], Some(7)),
            ),
            ("t s,C,O,H,L", (0, None, [2, 3, 4, 1], None)),
            ("open,high,low,close,__index_level_0__", (4, None, [0, 1, 2, 3], None)),
        ];
        for (header, (time, clock, prices, volume)) in cases {
            let places = find(header).unwrap();
            assert_eq!(
                (places.time, places.clock, places.volume),
                (time, clock, volume),
                "{header}"
            );
            assert_eq!(places.prices().map(|(_, place)| place), prices, "{header}");
        }
    }

    #[test]
    fn an_adjusted_close_is_not_a_close() {
        let error = find("Date,Open,High,Low,Adj Close,Volume").unwrap_err();
        assert_eq!(
            error.message,
            r#"no column for close; the columns are "Date", "Open", "High", "Low", "Adj Close", "Volume""#
        );
    }

    #[test]
    fn a_duplicate_column_is_refused() {
        assert!(
            find("Date,Open,High,Low,Close,close")
                .unwrap_err()
                .message
                .contains(r#"two columns are named "close""#)
        );
    }
}
