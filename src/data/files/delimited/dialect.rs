//! The delimiter of a text, and texts of other kinds.

use super::cells::bad;
use crate::error::Result;
use crate::market::column_names::{ColumnNames, ColumnPositions};

/// How many of the first lines are looked at.
const LINES: usize = 20;

/// The delimiters. Commas come last: they also occur in numbers.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];

/// Fails if the first bytes of a text are those of another format.
///
/// # Errors
/// `BAD_DATA` naming the format, and what to do.
pub(super) fn check_is_text(head: &[u8]) -> Result<()> {
    let starts_with = |text: &str| {
        let head = head.trim_ascii_start();
        head.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text.as_bytes()))
    };
    let other = if head.starts_with(&[0x1F, 0x8B]) {
        "gzip; name the file .csv.gz"
    } else if head.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) {
        "Zstandard; name the file .csv.zst"
    } else if head.starts_with(b"PK\x03\x04") {
        "a ZIP archive or a workbook; extract the text, or save the sheet as CSV"
    } else if head.starts_with(b"PAR1") {
        "Parquet; name the file .parquet"
    } else if starts_with("<!doctype html") || starts_with("<html") {
        "a page of HTML; download the file itself"
    } else if starts_with("{") || starts_with("[{") || starts_with("[[") {
        "JSON; pass the columns as arrays instead of the path"
    } else {
        return Ok(());
    };
    Err(bad(format!("the content is {other}")))
}

/// Returns the delimiter of a text by its first bytes: that which gives a header, else that which gives the most lines the same
/// number of cells.
pub(super) fn delimiter(head: &[u8], stated: &ColumnNames) -> u8 {
    let lines: Vec<&[u8]> = head
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .take(LINES)
        .collect();
    let has_header = |delimiter: u8| {
        lines.iter().any(|line| {
            let Ok(line) = std::str::from_utf8(line) else { return false };
            let names: Vec<&str> = line
                .split(char::from(delimiter))
                .map(|name| name.trim().trim_matches('"'))
                .collect();
            names.len() > 1 && ColumnPositions::find(&names, stated).is_ok()
        })
    };
    if let Some(delimiter) = DELIMITERS.into_iter().find(|delimiter| has_header(*delimiter)) {
        return delimiter;
    }
    // The number of cells that most lines have, after the number of those lines.
    let regularity = |delimiter: u8| {
        let mut counts: Vec<usize> = lines
            .iter()
            .map(|line| line.iter().filter(|byte| **byte == delimiter).count() + 1)
            .filter(|cells| *cells > 1)
            .collect();
        counts.sort_unstable();
        counts.chunk_by(PartialEq::eq).map(|same| (same.len(), same[0])).max().unwrap_or((0, 0))
    };
    let commas = regularity(b',');
    let is_better = |delimiter: &u8| {
        let (lines, cells) = regularity(*delimiter);
        (lines, cells) > commas || lines >= commas.0 && cells >= 5
    };
    DELIMITERS.into_iter().filter(|delimiter| *delimiter != b',').find(is_better).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_commas_and_other_text_do_not_hide_the_delimiter() {
        let cases = [
            ("Date;Open;High;Low;Close;Volume\n02.01.2020;1,5;1,5;1,5;1,5;2,5\n", b';'),
            ("02.01.2020;1,5;1,5;1,5;1,5;2,5\n03.01.2020;1,5;1,5;1,5;1,5;2,5\n", b';'),
            ("02.01.2020 00:00:00,000;1,5;1,5;1,5;1,5\n", b';'),
            ("Date,Open,High,Low,Close,Note\n2020-01-02,1,1,1,1,a;b;c;d;e;f;g\n", b','),
            ("Price,Close,High\nTicker,A,A\nDate,,\n", b','),
            ("# a; b; c; d; e; f\nx,y\n1,2\n", b','),
            ("a|b|c|d|e\n1|2|3|4|5\n", b'|'),
            ("t\to\th\tl\tc\n", b'\t'),
            ("\"Date\";\"Open\";\"High\";\"Low\";\"Close\"\n", b';'),
            ("", b','),
        ];
        for (text, expected) in cases {
            assert_eq!(delimiter(text.as_bytes(), &ColumnNames::default()), expected, "{text}");
        }
    }

    #[test]
    fn other_formats_are_named() {
        for (head, expected) in [
            (&b"PK\x03\x04..."[..], "workbook"),
            (b"\x1f\x8b\x08", ".csv.gz"),
            (b"  <!DOCTYPE html>", "HTML"),
            (b"[[1577923200000,1", "JSON"),
        ] {
            let error = check_is_text(head).unwrap_err();
            assert!(error.message.contains(expected), "{}", error.message);
        }
        assert!(check_is_text(b"<DATE>,<OPEN>").is_ok());
    }
}
