//! The header of a text, in one line or three, or none at all.

use csv::StringRecord;

use super::cells::{NumberedRecord, bad, is_comment, is_time};
use super::shape;
use crate::error::{Error, Result};
use crate::market::column_names::{ColumnNames, ColumnPositions};
use crate::note::Note;
use crate::quote::quoted;

/// The header must be among the first lines that are no comments. Files of `CryptoDataDownload` start with a URL.
const HEADER_LINES: usize = 10;

/// The columns of a text, and where its rows begin.
#[derive(Debug)]
pub(super) struct Layout {
    /// The names of the columns, without empty ones at the end.
    pub names: Vec<String>,
    pub columns: ColumnPositions,
    /// How many of the first records come before the header.
    pub before: usize,
    /// The index of the first row among the first records.
    pub first_row: usize,
    pub note: Option<Note>,
}

impl Layout {
    /// Finds the header among the first records, or recognizes the columns by their values.
    ///
    /// # Errors
    /// `BAD_DATA` if there is no header, and the values do not show the columns.
    pub fn find(records: &[NumberedRecord], stated: &ColumnNames) -> Result<Self> {
        let mut first: Option<(usize, Error)> = None;
        let mut tried = 0;
        for (place, NumberedRecord { record, .. }) in records.iter().enumerate() {
            let names: Vec<&str> = record.iter().collect();
            // pandas writes neither the name of an index nor those of the levels of columns.
            let is_unnamed = names.first().is_some_and(|name| name.trim().is_empty());
            if is_unnamed && let Some(layout) = Self::stacked(records, place, stated)? {
                return Ok(layout);
            }
            match ColumnPositions::find(&names, stated) {
                Ok(_) => return Self::new(&names, stated, place, place + 1),
                Err(error) if !is_comment(record) => {
                    // The error is about the first line, unless that has only one cell.
                    let is_first =
                        first.as_ref().is_none_or(|(cells, _)| *cells == 1 && names.len() > 1);
                    if is_first {
                        first = Some((names.len(), error));
                    }
                    tried += 1;
                }
                Err(_) => {}
            }
            if let Some(layout) = Self::stacked(records, place, stated)? {
                return Ok(layout);
            }
            if tried == HEADER_LINES {
                break;
            }
        }
        let Some((_, error)) = first else { return Err(bad("there is no header line")) };
        let start = records.iter().position(|record| !is_comment(&record.record)).unwrap_or(0);
        match shape::recognize(records.get(start..).unwrap_or(&[]), stated)? {
            Some((names, note)) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Ok(Self { note: Some(note), ..Self::new(&names, stated, start, start)? })
            }
            None => Err(with_way_out(error)),
        }
    }

    fn new(names: &[&str], stated: &ColumnNames, before: usize, first_row: usize) -> Result<Self> {
        let columns = ColumnPositions::find(names, stated)?;
        let width =
            names.iter().rposition(|name| !name.trim().is_empty()).map_or(0, |last| last + 1);
        let names = names.iter().take(width).map(|name| (*name).to_owned()).collect();
        Ok(Self { names, columns, before, first_row, note: None })
    }

    /// Recognizes the header that pandas writes for a table of several assets, as yfinance returns it: the names of the
    /// columns and the ticker of each, in either order, and then the name of the first column alone.
    fn stacked(
        records: &[NumberedRecord],
        place: usize,
        stated: &ColumnNames,
    ) -> Result<Option<Self>> {
        let Some([first, second, third]) = records.get(place..place + 3) else { return Ok(None) };
        let time = third.record.get(0).unwrap_or("").trim();
        let is_alone = third.record.iter().skip(1).all(|cell| cell.trim().is_empty());
        let lines = [first, second, third];
        let is_table = lines
            .iter()
            .all(|line| line.record.len() == third.record.len() && !is_comment(&line.record));
        if time.is_empty() || is_time(time, None) || !is_alone || !is_table {
            return Ok(None);
        }
        for (names, tickers) in [(first, second), (second, first)] {
            if !has_bar_names(&names.record) {
                continue;
            }
            let mut assets: Vec<&str> = Vec::new();
            for ticker in tickers.record.iter().skip(1).map(str::trim) {
                if !ticker.is_empty() && !assets.contains(&ticker) {
                    assets.push(ticker);
                }
            }
            if assets.len() > 1 {
                return Err(two_assets(&assets, tickers.line));
            }
            let merged: Vec<&str> =
                std::iter::once(time).chain(names.record.iter().skip(1)).collect();
            if ColumnPositions::find(&merged, stated).is_ok() {
                return Self::new(&merged, stated, place, place + 3).map(Some);
            }
        }
        Ok(None)
    }
}

/// Returns whether a record has the names of all prices.
fn has_bar_names(record: &StringRecord) -> bool {
    ["open", "high", "low", "close"]
        .iter()
        .all(|name| record.iter().skip(1).any(|cell| cell.trim().eq_ignore_ascii_case(name)))
}

fn two_assets(assets: &[&str], line: u64) -> Error {
    let named: Vec<String> = assets.iter().take(5).map(|asset| quoted(asset)).collect();
    let more = if assets.len() > named.len() { ", …" } else { "" };
    let message = format!(
        "there are columns of {} assets: {}{more} (line {line}); write the columns of each asset to a file of its own",
        assets.len(),
        named.join(", ")
    );
    Error::bad_data(format!("line {line}"), "symbol", message)
}

/// Adds to the error of a missing column how to name it.
fn with_way_out(error: Error) -> Error {
    if !error.issues.iter().any(|issue| issue.path == "header" && issue.code == "required") {
        return error;
    }
    let way_out = "; name them in columns: { timestamp: …, open: …, high: …, low: …, close: … }";
    let mut issues = error.issues;
    for issue in issues.iter_mut().filter(|issue| issue.path == "header") {
        issue.message.push_str(way_out);
    }
    Error::with_issues(error.code, issues)
}
