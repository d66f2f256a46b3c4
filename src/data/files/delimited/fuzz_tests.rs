//! Texts that are damaged at random: none may panic, and none may become bars that its lines do not state.
//!
//! `FUZZ_CASES` sets how many texts are tried.

use super::tests::{bar, codes, options, read, read_bytes};
use super::*;
use crate::error::Code;
use crate::market::{Bars, Timeframe};
use crate::note::NoteCode;

/// Numbers that look random but are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % end.max(1)
    }
}

/// Valid texts of several forms, each of 12 bars.
fn valid_texts() -> Vec<String> {
    let rows = |row: &dyn Fn(usize) -> String| (0..12).map(row).collect::<String>();
    let comma = |value: f64| format!("{value:.2}").replace('.', ",");
    let price = |row: usize| 1000.0 + 2.5 * ((row * 7) % 5) as f64 + row as f64;
    let day = |row: usize| format!("2020-01-{:02}", row + 10);
    let plain = |row: usize| {
        let p = price(row);
        format!("{},{p},{},{},{},{}\n", day(row), p + 3.25, p - 2.75, p + 1.5, 100 + row)
    };
    vec![
        format!("Date,Open,High,Low,Close,Volume\n{}", rows(&plain)),
        rows(&plain),
        format!(
            "Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDate,,,,,\n{}",
            rows(&|row| {
                let p = price(row);
                format!("{},{},{},{},{p},{}\n", day(row), p + 1.5, p + 3.25, p - 2.75, 100 + row)
            })
        ),
        format!(
            "Date;Open;High;Low;Close;Volume\r\n{}Total;;;;;1\r\n",
            rows(&|row| {
                let p = price(row);
                let prices = [p, p + 3.25, p - 2.75, p + 1.5].map(comma).join(";");
                format!("{}.01.2020;{prices};{}\r\n", row + 10, 100 + row)
            })
        ),
        rows(&|row| {
            let p = price(row);
            let time = 1_578_614_400_000_i64 + 86_400_000 * i64::try_from(row).unwrap();
            format!(
                "{time},{p},{},{},{},{},{},1,2,3,4,0\n",
                p + 3.25,
                p - 2.75,
                p + 1.5,
                100 + row,
                time + 86_399_999
            )
        }),
    ]
}

/// Reads mutated text, and returns the result if it is one.
fn survive(bytes: &[u8]) -> Option<NotedBars> {
    let read = read_bytes(bytes, &options(Timeframe::D1));
    let shown = String::from_utf8_lossy(bytes);
    if let Err(error) = &read {
        assert_eq!(error.code, Code::BadData, "{error}\n{shown}");
        assert!(error.message.len() < 2000 && !error.message.is_empty(), "{shown}");
    }
    read.ok()
}

#[test]
fn moved_doubled_and_missing_lines_never_make_other_bars() {
    let cases = std::env::var("FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let originals: Vec<(String, Bars)> = valid_texts()
        .into_iter()
        .map(|text| {
            (text.clone(), read(&text).unwrap_or_else(|error| panic!("{text}{error}")).bars)
        })
        .collect();
    let junk = [
        "# note",
        "Total,,,",
        "Open,High,Low,Close",
        "end",
        ",,,,,,",
        "2020-01-25,null,null,null,null,null",
        "\"",
        "1,2",
        "x;y;z",
    ];
    let mut accepted = 0;
    for case in 0..cases.unwrap_or(4000) {
        let (text, bars) = &originals[case % originals.len()];
        assert_eq!(bars.len(), 12);
        let mut lines: Vec<&str> = text.lines().collect();
        let mut deleted = 0;
        for _ in 0..=random.below(3) {
            let (from, to) = (random.below(lines.len()), random.below(lines.len()));
            match random.below(5) {
                0 => lines.swap(from, to),
                1 => lines.insert(to, lines[from]),
                2 => {
                    lines.remove(from);
                    deleted += 1;
                }
                3 => lines.insert(to, junk[random.below(junk.len())]),
                _ => lines.truncate(lines.len() - random.below(3)),
            }
        }
        let mutated = lines.join("\n");
        let Some(read) = survive(mutated.as_bytes()) else { continue };
        accepted += 1;
        let present = lines.iter().filter(|line| text.lines().any(|known| known == **line)).count();
        let notes = codes(&read.notes);
        // Without its header, the columns of a table may be others; that is said.
        let is_guess = notes.contains(&NoteCode::HeaderMissing);
        for row in 0..read.bars.len() {
            let found = bar(&read.bars, row);
            let is_known = (0..bars.len()).any(|row| bar(bars, row) == found);
            assert!(is_known || is_guess, "{found:?} {:?}\n{mutated}", read.notes);
        }
        let is_whole = read.bars.len() + 3 >= present.min(12);
        assert!(is_whole || deleted > 0 || !notes.is_empty(), "{mutated}");
    }
    assert!(accepted > 100, "{accepted}");
}

#[test]
fn changed_bytes_never_panic() {
    let cases = std::env::var("FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    let mut random = Random(0xD1B5_4A32_D192_ED03);
    let texts = valid_texts();
    let bytes = b",;\t\"\n\r\0 .-#0123456789eEKM'\xff\xfe\xa0\xc2ax";
    for case in 0..cases.unwrap_or(6000) {
        let text = &texts[case % texts.len()];
        let mut mutated = if case % 7 == 0 {
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            [0xFF, 0xFE].into_iter().chain(units).collect()
        } else {
            text.as_bytes().to_vec()
        };
        for _ in 0..=random.below(4) {
            let place = random.below(mutated.len());
            let byte = bytes[random.below(bytes.len())];
            match random.below(6) {
                0 => mutated.insert(place, byte),
                1 => drop(mutated.remove(place)),
                2 => mutated[place] = byte,
                3 => mutated.truncate(place.max(1)),
                4 => {
                    let part = mutated[place..(place + 40).min(mutated.len())].to_vec();
                    let to = random.below(mutated.len());
                    mutated.splice(to..to, part);
                }
                _ => {
                    let count = random.below(40_000);
                    mutated.splice(place..place, std::iter::repeat_n(byte, count));
                }
            }
            if mutated.is_empty() {
                mutated.push(byte);
            }
        }
        if let Some(read) = survive(&mutated) {
            assert!(!read.bars.is_empty());
        }
    }
}
