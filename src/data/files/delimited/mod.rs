//! Bars from delimited text. docs/importing.md lists what is read.

mod cells;
mod dialect;
mod header;
mod input;
mod numbers;
mod records;
mod shape;
mod skipped;
mod table;

#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod tests;

use std::io::{BufRead, Read};

use csv::StringRecord;

use crate::error::{Error, Result};
use crate::market::Limit;
use crate::market::raw::{NotedBars, ReadOptions};
use crate::observer::ProgressObserver;
use cells::{NumberedRecord, is_comment};
use header::Layout;
use records::{OBSERVER_INTERVAL, Records};
use table::Table;

/// How many bytes are looked at to find the delimiter.
const HEAD: u64 = 1 << 16;
/// How many records are looked at to find the columns, comments aside.
const SAMPLE: usize = 32;
/// How many records these are with comments.
const SAMPLE_WITH_COMMENTS: usize = 1000;
/// The maximum size of these records, bytes; the last one may exceed it.
const SAMPLE_LEN: usize = 1 << 20;

/// Reads bars from text. `fraction` returns how much of the input was read, 0 to 1. Bars in descending order are reversed.
///
/// # Errors
/// `BAD_DATA` for text that is not read as bars; `LIMIT_EXCEEDED` for more rows than allowed; the error of cancelled work.
pub(super) fn read(
    input: Box<dyn BufRead + '_>,
    fraction: &dyn Fn() -> f64,
    limit: Limit,
    options: &ReadOptions,
    observer: &dyn ProgressObserver,
) -> Result<NotedBars> {
    let failed = |error: std::io::Error| records::failure(&error, 1);
    let mut input = input::decoded(input).map_err(failed)?;
    let mut head = Vec::new();
    input.by_ref().take(HEAD).read_to_end(&mut head).map_err(failed)?;
    dialect::check_is_text(&head)?;
    let delimiter = dialect::delimiter(&head, &options.columns);
    let input = head.as_slice().chain(input).chain(&b"\n"[..]);
    let mut records = Records::new(input, delimiter, limit, observer);
    let sample = read_sample(&mut records)?;
    let layout = Layout::find(&sample, &options.columns)?;
    let (before, first_row) = (layout.before, layout.first_row);
    let mut table = Table::new(layout, limit);
    for NumberedRecord { record, line } in sample.iter().take(before) {
        table.skip(record, *line);
    }
    for NumberedRecord { record, line } in sample.iter().skip(first_row) {
        table.push(record, *line)?;
    }
    drop(sample);
    let mut record = StringRecord::new();
    let mut count = 0_u64;
    while let Some(line) = records.read(&mut record)? {
        count += 1;
        if count.is_multiple_of(OBSERVER_INTERVAL) {
            if observer.is_cancelled() {
                return Err(Error::cancelled());
            }
            observer.on_read(fraction(), table.len());
        }
        table.push(&record, line)?;
    }
    table.finish(options)
}

/// Reads the first records.
fn read_sample(records: &mut Records<'_, impl Read>) -> Result<Vec<NumberedRecord>> {
    let mut sample = Vec::new();
    let (mut rows, mut bytes) = (0, 0);
    while rows < SAMPLE && sample.len() < SAMPLE_WITH_COMMENTS && bytes < SAMPLE_LEN {
        let mut record = StringRecord::new();
        let Some(line) = records.read(&mut record)? else { break };
        rows += usize::from(!is_comment(&record));
        bytes += record.as_slice().len();
        sample.push(NumberedRecord { record, line });
    }
    Ok(sample)
}
