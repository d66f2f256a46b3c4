//! The names of bar columns in files and tables.

use crate::error::{Code, Error, Issue, Result};
use crate::note::{Note, NoteCode};
use crate::quote::quoted;

/// Names of the timestamp column, the most reliable first: numbers are exact, dates as text may lack their time zone.
const TIMES: [&str; 22] = [
    "timestamp",
    "timestamps",
    "unix",
    "unixtimestamp",
    "unixtime",
    "epoch",
    "ts",
    "t",
    "opentime",
    // Polygon's files of aggregates.
    "windowstart",
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

const PRICES: [(&str, &[&str]); 4] = [
    ("open", &["open", "o", "openprice"]),
    ("high", &["high", "h", "highprice"]),
    ("low", &["low", "l", "lowprice"]),
    // Investing.com names the close "Price".
    ("close", &["close", "c", "closeprice", "closelast", "last", "price"]),
];

const VOLUMES: [&str; 3] = ["volume", "vol", "v"];
const TICK_VOLUMES: [&str; 2] = ["tickvol", "tickvolume"];
const ADJUSTED_CLOSES: [&str; 4] = ["adjclose", "adjustedclose", "closeadj", "closeadjusted"];
const SYMBOLS: [&str; 18] = [
    "symbol",
    "ticker",
    "instrument",
    "secid",
    "asset",
    "tic",
    "sym",
    "isin",
    "code",
    "stock",
    "security",
    "contract",
    "pair",
    "coin",
    "productid",
    "permno",
    "name",
    "company",
];

/// Names of columns that the caller states. A column without a name is found by its usual ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnNames {
    /// The timestamp, or the date if `clock` is stated too.
    pub time: Option<String>,
    /// The time of day.
    pub clock: Option<String>,
    /// Open, high, low, close.
    pub prices: [Option<String>; 4],
    /// The adjusted close.
    pub adjusted_close: Option<String>,
    /// The volume.
    pub volume: Option<String>,
}

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
    /// The number of ticks, if there is a volume too.
    pub tick_volume: Option<usize>,
    /// Adjusted close.
    pub adjusted_close: Option<usize>,
    /// The symbol of the asset.
    pub symbol: Option<usize>,
}

impl ColumnPositions {
    /// Finds the bar columns: those that the caller names by their names, the others by their usual ones, ignoring case, spaces
    /// and punctuation.
    ///
    /// # Errors
    /// `BAD_DATA` listing missing and duplicate columns, and the columns of the header.
    pub fn find(header: &[&str], stated: &ColumnNames) -> Result<Self> {
        let mut search = Search {
            header,
            names: header.iter().map(|name| normalized(name)).collect(),
            issues: Vec::new(),
        };
        let time = search.column("timestamp", stated.time.as_deref(), &TIMES);
        // pandas writes its index without a name.
        let has_index = header.first().is_some_and(|name| name.trim().is_empty());
        let time = time.or_else(|| (stated.time.is_none() && has_index).then_some(0));
        let mut prices = [None; 4];
        for (place, ((name, aliases), stated)) in
            prices.iter_mut().zip(PRICES.iter().zip(&stated.prices))
        {
            *place = search.column(name, stated.as_deref(), aliases);
        }
        let [open, high, low, close] = prices;
        let wanted = [
            ("time (timestamp, date, …)", time),
            ("open", open),
            ("high", high),
            ("low", low),
            ("close", close),
        ];
        let missing: Vec<&str> =
            wanted.iter().filter(|(_, place)| place.is_none()).map(|(name, _)| *name).collect();
        if !missing.is_empty() && search.issues.is_empty() {
            let message = format!("no column for {}; {}", missing.join(", "), search.listed());
            search.issues.insert(0, Issue::new("header", "required", message));
        }
        let volume = search
            .column("volume", stated.volume.as_deref(), &VOLUMES)
            .or_else(|| header.iter().position(|name| is_volume_in_unit(name)));
        let tick_volume = search.column("volume", None, &TICK_VOLUMES);
        let adjusted_close =
            search.column("adjustedClose", stated.adjusted_close.as_deref(), &ADJUSTED_CLOSES);
        let symbol = search.column("symbol", None, &SYMBOLS);
        let clock = match (&stated.clock, time) {
            (Some(clock), _) => search.column("time", Some(clock), &[]),
            (None, Some(time))
                if stated.time.is_none()
                    && search.names.get(time).is_some_and(|name| name == "date") =>
            {
                search.names.iter().position(|name| name == "time")
            }
            _ => None,
        };
        match (time, open, high, low, close) {
            (Some(time), Some(open), Some(high), Some(low), Some(close))
                if search.issues.is_empty() =>
            {
                let (volume, tick_volume) = match volume {
                    Some(volume) => (Some(volume), tick_volume),
                    None => (tick_volume, None),
                };
                Ok(Self {
                    time,
                    clock,
                    open,
                    high,
                    low,
                    close,
                    volume,
                    tick_volume,
                    adjusted_close,
                    symbol,
                })
            }
            _ => Err(Error::with_issues(Code::BadData, search.issues)),
        }
    }

    /// Returns the positions of all columns that were found.
    pub fn all(&self) -> Vec<usize> {
        let mut all = vec![self.time, self.open, self.high, self.low, self.close];
        let optional =
            [self.clock, self.volume, self.tick_volume, self.adjusted_close, self.symbol];
        all.extend(optional.into_iter().flatten());
        all
    }

    /// Returns the positions of the prices with their names.
    pub fn prices(&self) -> [(&'static str, usize); 4] {
        [("open", self.open), ("high", self.high), ("low", self.low), ("close", self.close)]
    }
}

/// Returns whether a name is that of a volume in a currency or unit: `Volume BTC`, `Volume_(BTC)`, `Volume (Shares)`. `Volume MA`
/// and `Volume RSI` are indicators.
fn is_volume_in_unit(name: &str) -> bool {
    const INDICATORS: [&str; 9] = ["MA", "SMA", "EMA", "WMA", "RSI", "OSC", "ROC", "VWAP", "AVG"];
    let name = name.trim();
    let Some((start, unit)) = name.split_at_checked("volume".len()) else { return false };
    let unit = unit.trim_matches([' ', '_']);
    let is_in_brackets = unit.starts_with('(') && unit.ends_with(')');
    let is_code = (2..=6).contains(&unit.len())
        && unit.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && !INDICATORS.contains(&unit);
    start.eq_ignore_ascii_case("volume") && (is_in_brackets || is_code)
}

/// Returns a note if no column is a volume, and some columns are not used: one of them may be.
pub fn unused_columns(header: &[&str], places: &ColumnPositions) -> Option<Note> {
    if places.volume.is_some() {
        return None;
    }
    let used = places.all();
    let unused: Vec<String> = header
        .iter()
        .enumerate()
        .filter(|(place, name)| !used.contains(place) && !name.trim().is_empty())
        .map(|(_, name)| quoted(name.trim()))
        .collect();
    let listed = unused.get(..unused.len().min(10)).unwrap_or(&[]).join(", ");
    (!unused.is_empty()).then(|| {
        let (these_are, is_volume) = if unused.len() == 1 {
            ("this one is", "it is the volume")
        } else {
            ("these are", "it is one of them")
        };
        let text = format!(
            "no column was taken as the volume, and {these_are} not used: {listed}; name it in columns.volume if {is_volume}"
        );
        Note::new(NoteCode::ColumnsUnused, text).with("columns", unused.len())
    })
}

/// Creates the error of a table with the bars of two assets. `row` is where the second one begins.
pub fn two_symbols(first: &str, second: &str, row: &str) -> Error {
    let message = format!(
        "there are bars of two assets: of {}, and from {row} on of {}; import the rows of each symbol by themselves",
        quoted(first),
        quoted(second)
    );
    Error::bad_data(row, "symbol", message)
}

/// A search for columns in a header.
struct Search<'a> {
    header: &'a [&'a str],
    names: Vec<String>,
    issues: Vec<Issue>,
}

impl Search<'_> {
    /// Finds the column with the stated name, or with one of the usual names.
    fn column(&mut self, field: &str, stated: Option<&str>, aliases: &[&str]) -> Option<usize> {
        let Some(stated) = stated else { return self.usual(field, aliases) };
        let found = self.header.iter().position(|name| name.trim() == stated.trim());
        if found.is_none() {
            let message = format!(
                "columns.{field} names a column {} that does not exist; {}",
                quoted(stated),
                self.listed()
            );
            self.issues.push(Issue::new(format!("columns.{field}"), "required", message));
        }
        found
    }

    fn usual(&mut self, field: &str, aliases: &[&str]) -> Option<usize> {
        let alias = aliases.iter().find(|alias| self.names.iter().any(|name| name == *alias))?;
        let mut places =
            self.names.iter().enumerate().filter(|(_, name)| name == alias).map(|(place, _)| place);
        let first = places.next()?;
        if let Some(second) = places.next() {
            let message = format!(
                "two columns are named {alias:?} ({field}): columns {} and {}; name one in columns",
                first + 1,
                second + 1
            );
            self.issues.push(Issue::new("header", "duplicate", message));
        }
        Some(first)
    }

    fn listed(&self) -> String {
        let names: Vec<String> =
            self.header.iter().take(30).map(|name| quoted(name.trim())).collect();
        format!("the columns are {}", names.join(", "))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn find(header: &str) -> Result<ColumnPositions> {
        ColumnPositions::find(&header.split(',').collect::<Vec<_>>(), &ColumnNames::default())
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
