use std::io::{BufReader, Write};

use super::*;
use crate::data::files::compressed::Compression;
use crate::error::Code;
use crate::market::raw::TimeUnit;
use crate::market::time_zone::TimeZone;
use crate::market::{Bars, Timeframe, time};
use crate::note::{Note, NoteCode};
use crate::observer::NoObserver;

pub(super) fn read_bytes(bytes: &[u8], options: &ReadOptions) -> Result<NotedBars> {
    super::read(Box::new(bytes), &|| 0.0, Limit::of_import(100_000), options, &NoObserver)
}

pub(super) fn options(timeframe: Timeframe) -> ReadOptions {
    ReadOptions { timeframe: Some(timeframe), is_series: true, ..ReadOptions::default() }
}

pub(super) fn read(text: &str) -> Result<NotedBars> {
    read_bytes(text.as_bytes(), &options(Timeframe::D1))
}

fn fault(text: &str) -> String {
    let error = read(text).expect_err(text);
    assert_eq!(error.code, Code::BadData, "{}", error.message);
    error.message
}

/// Returns the time, open, high, low, close and volume of a bar. There is no volume if it is NaN.
pub(super) fn bar(bars: &Bars, row: usize) -> (String, [f64; 4], f64) {
    let prices = [bars.open(), bars.high(), bars.low(), bars.close()].map(|column| column[row]);
    let volume = bars.volume().map_or(f64::NAN, |volume| volume[row]);
    (time::short(bars.timestamps()[row]), prices, volume)
}

/// Asserts that two bars are 2020-01-02 with 100, 102, 99, 101 and volume 10, and 2020-01-03 with 101, 103, 100, 102 and 11,
/// and returns the notes.
#[track_caller]
fn two_bars(text: &str) -> Vec<Note> {
    let NotedBars { bars, notes } = read(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
    assert_eq!(bars.len(), 2, "{text}");
    let expected = ("2020-01-02".to_owned(), [100.0, 102.0, 99.0, 101.0], 10.0);
    assert_eq!(bar(&bars, 0), expected, "{text}");
    let expected = ("2020-01-03".to_owned(), [101.0, 103.0, 100.0, 102.0], 11.0);
    assert_eq!(bar(&bars, 1), expected, "{text}");
    notes
}

pub(super) fn codes(notes: &[Note]) -> Vec<NoteCode> {
    notes.iter().map(|note| note.code).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of texts")]
fn exports_with_a_header_are_read() {
    let cases = [
        (
            "Yahoo",
            "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,100,102,99,101,101,10\n2020-01-03,101,103,100,102,102,11\n",
        ),
        (
            "yfinance",
            "Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDate,,,,,\n2020-01-02,101,102,99,100,10\n2020-01-03,102,103,100,101,11\n",
        ),
        (
            "yfinance, grouped by ticker",
            "Ticker,A,A,A,A,A\nPrice,Open,High,Low,Close,Volume\nDate,,,,,\n2020-01-02,100,102,99,101,10\n2020-01-03,101,103,100,102,11\n",
        ),
        (
            "yfinance, levels without names",
            ",Volume,Adj Close,Close,High,Low,Open\n,A,A,A,A,A,A\nDate,,,,,,\n2020-01-02,10,101,101,102,99,100\n2020-01-03,11,102,102,103,100,101\n",
        ),
        (
            "Polygon",
            "v,vw,o,c,h,l,t,n\n10,1,100,101,102,99,1577923200000,3\n11,1,101,102,103,100,1578009600000,3\n",
        ),
        (
            "Polygon, flat file",
            "ticker,volume,open,close,high,low,window_start,transactions\nA,10,100,101,102,99,1577923200000000000,1\nA,11,101,102,103,100,1578009600000000000,1\n",
        ),
        ("Nasdaq", "Date,Close/Last,Volume,Open,High,Low\n01/13/2020,$101.00,1,$100,$102,$99\n"),
        (
            "Stooq",
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\nX.US,D,20200102,000000,100,102,99,101,10,0\nX.US,D,20200103,000000,101,103,100,102,11,0\n",
        ),
        (
            "Dukascopy",
            "Gmt time,Open,High,Low,Close,Volume\n02.01.2020 00:00:00.000,100,102,99,101,10\n03.01.2020 00:00:00.000,101,103,100,102,11\n",
        ),
        (
            "Dukascopy, local",
            "Local time,Open,High,Low,Close,Volume\n02.01.2020 00:00:00.000 GMT+0100,100,102,99,101,10\n03.01.2020 00:00:00.000 GMT+0100,101,103,100,102,11\n",
        ),
        (
            "TradingView",
            "time,open,high,low,close,Volume,Volume MA,Plot\n2020-01-02T00:00:00Z,100,102,99,101,10,NaN,\n2020-01-03T00:00:00Z,101,103,100,102,11,10.5,\n",
        ),
        (
            "MetaTrader 5",
            "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n2020.01.02\t100\t102\t99\t101\t10\t0\t7\n2020.01.03\t101\t103\t100\t102\t11\t0\t7\n",
        ),
        (
            "comma more in the header",
            "Date,Open,High,Low,Close,Volume,\n2020-01-02,100,102,99,101,10\n2020-01-03,101,103,100,102,11\n",
        ),
        (
            "comma more in the rows",
            "Date,Open,High,Low,Close,Volume\n2020-01-02,100,102,99,101,10,\n2020-01-03,101,103,100,102,11,,\n",
        ),
        (
            "semicolons",
            "Date;Open;High;Low;Close;Volume\n02.01.2020;100,0;102,0;99,0;101,0;10\n03.01.2020;101;103;100;102;11\n",
        ),
        (
            "pipes",
            "Date|Open|High|Low|Close|Volume\n2020-01-02|100|102|99|101|10\n2020-01-03|101|103|100|102|11\n",
        ),
        (
            "Excel",
            "sep=;\nDate;Open;High;Low;Close;Volume\n2020-01-02;100;102;99;101;10\n2020-01-03;101;103;100;102;11\n",
        ),
    ];
    for (name, text) in cases {
        if name == "Nasdaq" {
            let bars = read(text).unwrap().bars;
            assert_eq!(bar(&bars, 0), ("2020-01-13".to_owned(), [100.0, 102.0, 99.0, 101.0], 1.0));
            continue;
        }
        let notes = two_bars(text);
        let expected = match name {
            "MetaTrader 5" => vec![NoteCode::TickVolumeUsed],
            "Excel" => vec![NoteCode::RowsSkipped],
            "Dukascopy, local" => vec![NoteCode::LocalDays],
            _ => vec![],
        };
        assert_eq!(codes(&notes), expected, "{name}");
        for line_end in ["\r\n", "\r"] {
            assert_eq!(codes(&two_bars(&text.replace('\n', line_end))), expected, "{name}");
        }
        let mixed = text.replacen('\n', "\r", 2).replacen('\n', "\r\n", 1);
        assert_eq!(codes(&two_bars(&format!("\u{feff}{mixed}"))), expected, "{name}");
    }
}

#[test]
fn investing_com_is_read() {
    let text = "\u{feff}\"Date\",\"Price\",\"Open\",\"High\",\"Low\",\"Vol.\",\"Change %\"\n\
                \"Jan 03, 2020\",\"1,102.00\",\"1,101.00\",\"1,103.00\",\"1,100.00\",\"-\",\"0.50%\"\n\
                \"Jan 02, 2020\",\"101.00\",\"100.00\",\"102.00\",\"99.00\",\"1.25M\",\"0.50%\"\n";
    let NotedBars { bars, notes } = read(text).unwrap();
    assert_eq!(bar(&bars, 0), ("2020-01-02".to_owned(), [100.0, 102.0, 99.0, 101.0], 1_250_000.0));
    assert_eq!(bar(&bars, 1).1, [1101.0, 1103.0, 1100.0, 1102.0]);
    assert!(bar(&bars, 1).2.is_nan());
    let expected = [NoteCode::RowsReversed, NoteCode::VolumesMissing, NoteCode::PriceJumps];
    assert_eq!(codes(&notes), expected);
    let slashed = text.replace("Jan 02, 2020", "01/30/2020").replace("Jan 03, 2020", "02/03/2020");
    assert_eq!(bar(&read(&slashed).unwrap().bars, 1).0, "2020-02-03");
}

#[test]
fn decimal_commas_and_thousands_are_read_by_the_whole_file() {
    let head = "Date;Open;High;Low;Close;Volume\n";
    let cases = [
        // Each with the open and the volume of the first bar.
        ("2020-01-02;100,5;102,5;99,5;101,5;1.234\n", 100.5, 1234.0),
        ("2020-01-02;1.100,5;1.102,5;1.099,5;1.101,5;1\n", 1100.5, 1.0),
        (
            "2020-01-02;1 100,5;1\u{a0}102,5;1\u{202f}099,5;1\u{a0}101,5;1 234 567\n",
            1100.5,
            1_234_567.0,
        ),
        ("2020-01-02;1'100.5;1'102.5;1'099.5;1'101.5;1'234\n", 1100.5, 1234.0),
        ("2020-01-02;1,100.5;1,102.5;1,099.5;1,101.5;1,234,567\n", 1100.5, 1_234_567.0),
        // The first row alone could be both; the second one decides.
        ("2020-01-02;1,100;1,102;1,099;1,101;1,234\n2020-01-03;1,1;1,1;1,1;1,1;1\n", 1.1, 1.234),
        (
            "2020-01-02;1,100;1,102;1,099;1,101;1,234\n2020-01-03;999.5;999.5;999.5;999.5;1\n",
            1100.0,
            1234.0,
        ),
        (
            "2020-01-02;1.100;1.102;1.099;1.101;1.234\n2020-01-03;1,1;1,1;1,1;1,1;1\n",
            1100.0,
            1234.0,
        ),
        ("2020-01-02;1.100;1.102;1.099;1.101;1.234.567\n", 1100.0, 1_234_567.0),
        // The order of prices decides.
        ("2020-01-02;998;1,002;995;1,001;7\n", 998.0, 7.0),
        ("2020-01-02;998;1.002;995;1.001;7\n", 998.0, 7.0),
        ("2020-01-02;2;2,900;1,100;2;7\n", 2.0, 7.0),
        // Points are decimals if nothing contradicts.
        ("2020-01-02;109.123;109.500;109.001;109.200;7\n", 109.123, 7.0),
    ];
    for (rows, open, volume) in cases {
        let bars =
            read(&format!("{head}{rows}")).unwrap_or_else(|error| panic!("{rows}: {error}")).bars;
        assert_eq!((bars.open()[0], bars.volume().unwrap()[0]), (open, volume), "{rows}");
        let rows = rows.replace('.', "_").replace(';', "\t").replace('_', ".");
        let bars = read(&format!("{}{rows}", head.replace(';', "\t"))).unwrap().bars;
        assert_eq!((bars.open()[0], bars.volume().unwrap()[0]), (open, volume), "{rows}");
    }
    let quoted = "Date,Open,High,Low,Close\n2020-01-02,\"1,5\",\"2,5\",1,\"1,25\"\n";
    assert_eq!(bar(&read(quoted).unwrap().bars, 0).1, [1.5, 2.5, 1.0, 1.25]);
    assert_eq!(
        fault(&format!("{head}2020-01-02;1,100;1,102;1,099;1,101;1,234\n")),
        "line 2 has \"1,100\", which may be 1100 or 1.100, and no number of the file shows which; write numbers without \
         separators of thousands, and decimals with a point"
    );
    assert_eq!(
        fault(&format!("{head}2020-01-02;1,5;1,5;1,5;1,5;1\n2020-01-03;1,5;1.5;1,5;1,5;1\n")),
        "line 3, column \"High\" must be a number, was \"1.5\": line 2 has \"1,5\", so decimals have a comma in this file"
    );
    assert_eq!(
        fault("Date,Open,High,Low,Close\n02.01.2020,100,5,102,5,99,5,101,5\n"),
        "line 2 has 9 fields, the header has 5; write a number or text that contains the delimiter in quotes"
    );
}

#[test]
fn two_tickers_are_refused_with_their_names() {
    let text = "Price,Close,Close,High,High,Low,Low,Open,Open\nTicker,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT,AAPL,MSFT\nDate,,,,,,,,\n2020-01-02,1,1,1,1,1,1,1,1\n";
    assert_eq!(
        fault(text),
        "there are columns of 2 assets: \"AAPL\", \"MSFT\" (line 2); write the columns of each asset to a file of its own"
    );
    let rows = "date,symbol,open,high,low,close\n2020-01-02,AAA,1,1,1,1\n2020-01-03,BBB,1,1,1,1\n";
    assert!(fault(rows).contains("of \"AAA\", and from line 3 on of \"BBB\""), "{}", fault(rows));
}

#[test]
fn rows_without_a_header_are_recognized_by_their_values() {
    let binance = |ms: &str| {
        format!(
            "1577923200{ms},100,102,99,101,10,1578009599{ms},5,7,1,2,0\n1578009600{ms},101,103,100,102,11,1578095999{ms},5,7,1,2,0\n"
        )
    };
    let cases = [
        binance("000"),
        binance("000000"),
        "1577923200,100,102,99,101,10,7\n1578009600,101,103,100,102,11,7\n".to_owned(),
        "2020-01-02,100,102,99,101,10\n2020-01-03,101,103,100,102,11\n".to_owned(),
        "2020.01.02,00:00,100,102,99,101,10\n2020.01.03,00:00,101,103,100,102,11\n".to_owned(),
        "20200102 000000;100;102;99;101;10\n20200103 000000;101;103;100;102;11\n".to_owned(),
        "02.01.2020;100,0;102,0;99,0;101,0;10,0\n03.01.2020;101,0;103,0;100,0;102,0;11,0\n"
            .to_owned(),
        "# no header\n2020-01-03,101,103,100,102,11,\n2020-01-02,100,102,99,101,10,\nEnd of data\n"
            .to_owned(),
    ];
    for text in cases {
        let notes = two_bars(&text);
        assert_eq!(notes[0].code, NoteCode::HeaderMissing, "{text}");
        assert!(notes[0].text.contains("open, high, low, close, volume"), "{}", notes[0].text);
    }
    let note = &two_bars(&binance("000"))[0];
    assert_eq!(
        note.text,
        "there is no header line; by their values, the columns are timestamp, open, high, low, close, volume, column 7 and \
         later are not used; add a header line to decide otherwise"
    );
    let no_volume = read("2020-01-02,100,102,99,101\n").unwrap().bars;
    assert!(no_volume.volume().is_none());
}

#[test]
fn rows_of_other_shapes_are_refused_with_the_first_line() {
    let cases = [
        // Bitfinex: open, close, high, low.
        (
            "1577923200000,100,101,102,99,10\n1578009600000,101,102,103,100,11\n",
            "columns 2 to 5 are not open, high, low and close in 2 of 2 rows",
        ),
        // Coinbase: low, high, open, close.
        ("1577923200,99,102,100,101,10\n", "are not open, high, low and close"),
        ("AAPL,20200102,100,102,99,101,10\n", "the first column is no time"),
        // Yahoo without its header: an adjusted close.
        ("2020-01-02,100,102,99,101,100.5,10\n", "7 columns are no known export"),
        ("20200102,100,102,99,101,50.5,10\n", "7 columns are no known export"),
        ("2020-01-02,100,102,99,101,100.5\n", "column 6 may be a volume or a price"),
        ("1577923200,100,102,99,101,100.5,10,7\n", "8 columns are no known export"),
        (
            "2020-01-02,101,102,99,100,5\n2020-01-03,103,103,100,101,5\n2020-01-04,104,105,102,103,5\n2020-01-05,106,107,102,104,5\n",
            "column 2 looks like the close, and column 5 like the open",
        ),
    ];
    for (text, expected) in cases {
        let found = fault(text);
        assert!(found.contains(expected), "{found}");
        let first = text.split(',').next().unwrap();
        assert!(
            found.starts_with(&format!(
                "there is no header line, and the values of line 1 (\"{first},"
            )),
            "{found}"
        );
        assert!(
            found.contains("add a header line, or name the columns by their numbers"),
            "{found}"
        );
    }
    let mut stated = options(Timeframe::D1);
    stated.columns.time = Some("1".into());
    stated.columns.prices = ["2", "4", "5", "3"].map(|name| Some(name.into()));
    stated.columns.volume = Some("6".into());
    let read = read_bytes(cases[0].0.as_bytes(), &stated).unwrap();
    assert_eq!(bar(&read.bars, 0), ("2020-01-02".to_owned(), [100.0, 102.0, 99.0, 101.0], 10.0));
    assert_eq!(codes(&read.notes), [NoteCode::HeaderMissing]);
    assert!(
        fault("Datum,Eröffnung,Hoch,Tief,Schluss\n2020-01-02,1,1,1,1\n").ends_with(
            "name them in columns: { timestamp: …, open: …, high: …, low: …, close: … }"
        )
    );
}

#[test]
fn rows_that_are_no_bars_are_skipped_and_counted() {
    let text = "# made by a tool\n\nhttps://www.example.com\nDate,Open,High,Low,Close,Volume\n# daily\n2020-01-02,100,102,99,101,10\n\n\
                2020-01-04,null,null,null,null,null\n2020-01-05,,,,,0\nDate,Open,High,Low,Close,Volume\n2020-01-03,101,103,100,102,11\n\
                ,,,,,\nTotal,,,,,21\nTotal,,,\nData provided by Example\n# end\n";
    let notes = two_bars(text);
    assert_eq!(codes(&notes), [NoteCode::RowsSkipped]);
    assert_eq!(
        notes[0].text,
        "8 rows that are no bars were skipped: line 1 (\"# made by a tool\"), line 3 (\"https://www.example.com\"), line 5 (\"# daily\"), \
         …; 2 rows without any price were skipped: line 8 (\"2020-01-04\"), line 9 (\"2020-01-05\")"
    );
    assert_eq!(notes[0].data["rows"], 10);
    assert_eq!(notes[0].data["lines"].as_array().unwrap().len(), 10);
    assert_eq!(notes[0].data["lines"][9], 16);
    assert_eq!(
        codes(&two_bars(
            "# Date,Open,High,Low,Close,Volume\n2020-01-02,100,102,99,101,10\n2020-01-03,101,103,100,102,11\n"
        )),
        []
    );
}

#[test]
fn damaged_bars_are_refused() {
    let head = "Date,Open,High,Low,Close,Volume\n2020-01-02,10,12,9,11,5\n";
    let cases = [
        ("2020-01-03,11,13,,12,6\n", r#"line 3, column "Low" must be a number, is empty"#),
        ("2020-01-03,,,,12,6\n", r#"line 3, column "Open" must be a number, is empty"#),
        ("2020-01-03,,,,,6\n", r#"line 3, column "Open" must be a number, is empty"#),
        ("2020-01-03,null,null,null,null\n", "line 3 has 5 fields, the header has 6"),
        ("2020-01-03,x,x,x,x,6\n", r#"line 3, column "Open" must be a number, was "x""#),
        ("2020-01-03,11,13K,10,12,6\n", r#"line 3, column "High" must be a number, was "13K""#),
        ("2020-01-03\n", "line 3 has 1 field, the header has 6"),
        ("2020-01-\n", "line 3 has 1 field, the header has 6"),
        ("2\n", "line 3 has 1 field, the header has 6"),
        (
            "Total,1,2,3,4,5\n",
            r#"line 3, column "Date" must be a date or a time such as 2020-01-31 14:30, was "Total""#,
        ),
        ("\0\0\0\0\0\0\0\0", "line 3 has 1 field, the header has 6"),
        (",,,,,5\n", r#"line 3, column "Open" must be a number, is empty"#),
        ("2020-01-32,,,,,\n", r#"line 3, column "Open" must be a number, is empty"#),
    ];
    for (line, expected) in cases {
        assert_eq!(fault(&format!("{head}{line}")), expected);
    }
    let stooq = "<TICKER>,<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>\nX.US,20200102,1,1,1,1\nX.US\n";
    assert_eq!(fault(stooq), "line 3 has 1 field, the header has 6");
    let polygon = "v,o,c,h,l,t\n1,1,1,1,1,1577923200000\n1,1\n";
    assert_eq!(fault(polygon), "line 3 has 2 fields, the header has 6");
}

#[test]
fn other_encodings_are_read_or_named() {
    let text = "Date,Open,High,Low,Close,Volume,Größe 😀\r\n2020-01-02,100,102,99,101,10,a\r\n2020-01-03,101,103,100,102,11,b\r\n";
    for to_bytes in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
        let encoded = |text: &str| text.encode_utf16().flat_map(to_bytes).collect::<Vec<_>>();
        for bytes in [encoded(&format!("\u{feff}{text}")), encoded(text)] {
            let bars = read_bytes(&bytes, &options(Timeframe::D1)).unwrap().bars;
            assert_eq!(bar(&bars, 1).2, 11.0);
        }
        let mut broken = encoded(&format!("\u{feff}{text}"));
        broken.pop();
        let error = read_bytes(&broken, &options(Timeframe::D1)).unwrap_err();
        assert!(error.message.contains("UTF-16 with a broken character"), "{error}");
    }
    let latin = b"Date,Open,High,Low,Close,Gr\xf6\xdfe\n2020-01-02,1,1,1,1,1\n";
    let error = read_bytes(latin, &ReadOptions::default()).unwrap_err();
    assert_eq!(error.message, "line 1 is not UTF-8; save the file as UTF-8");
}

/// Compresses text, or returns it as it is.
fn compressed(text: &str, compression: Compression) -> Vec<u8> {
    match compression {
        Compression::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        }
        Compression::Zstandard => zstd::stream::encode_all(text.as_bytes(), 9).unwrap(),
    }
}

#[test]
fn compressed_text_has_the_same_limits() {
    let read = |bytes: &[u8], compression: Compression| {
        let input = compression.decompress(BufReader::new(bytes)).unwrap();
        super::read(input, &|| 0.0, Limit::of_import(1000), &ReadOptions::default(), &NoObserver)
    };
    let head = "time,open,high,low,close\n";
    let row = |number: i64| format!("{},1,1,1,1\n", 1_577_923_200 + number);
    for compression in [Compression::Gzip, Compression::Zstandard] {
        let parts =
            [compressed(head, compression), compressed(&(row(0) + &row(1)), compression)].concat();
        assert_eq!(read(&parts, compression).unwrap().bars.len(), 2);
        let error = read(&parts[..parts.len() - 3], compression).unwrap_err();
        assert!(error.message.contains("are damaged or truncated"), "{error}");
        // Each decompresses to 64 MB.
        for (filling, expected) in [
            ("x", "is longer than 1048576 bytes"),
            ("\n", "is longer than 1048576 bytes"),
            (",,,,\n", "more than 1000 rows"),
            ("# x\n", "more than 1000 rows"),
            ("5,1,1,1,1\n", "more than 1000 rows"),
        ] {
            let bomb = compressed(
                &format!("{head}{}", filling.repeat((64 << 20) / filling.len())),
                compression,
            );
            let error = read(&bomb, compression).unwrap_err();
            assert!(error.message.contains(expected), "{error}");
        }
    }
}

#[test]
fn statements_of_the_caller_decide() {
    let hour =
        ReadOptions { timezone: TimeZone::parse("America/New_York"), ..options(Timeframe::H1) };
    let text = "date,time,O,H,L,C\n20200102,0930,1,1,1,1\n20200102,1030,1,1,1,1\n";
    let bars = read_bytes(text.as_bytes(), &hour).unwrap().bars;
    assert_eq!(time::short(bars.timestamps()[0]), "2020-01-02T14:30:00.000Z");
    let seconds = ReadOptions { time_unit: Some(TimeUnit::Seconds), ..options(Timeframe::D1) };
    let bars = read_bytes(b"t,o,h,l,c\n20200102,1,1,1,1\n", &seconds).unwrap().bars;
    assert_eq!(time::short(bars.timestamps()[0]), "1970-08-22T19:08:22.000Z");
    let mut stated = options(Timeframe::D1);
    stated.columns.prices[3] = Some("Settle".into());
    let text = "Date,Open,High,Low,Close,Settle\n2020-01-02,1,2,1,1,1.5\n";
    assert_eq!(bar(&read_bytes(text.as_bytes(), &stated).unwrap().bars, 0).1[3], 1.5);
}
