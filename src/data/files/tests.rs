use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::arrow::array::{ArrayRef, Float64Array, TimestampMicrosecondArray};
use ::arrow::record_batch::RecordBatch;
use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, GzipLevel, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use tempfile::TempDir;

use crate::error::{Code, Result};
use crate::market::raw::ReadOptions;
use crate::market::{Bars, Limit, time};
use crate::observer::{NoObserver, ProgressObserver};

const LIMIT: u64 = 100_000;

fn read(path: &Path, observer: &dyn ProgressObserver) -> Result<Bars> {
    let options = ReadOptions::default();
    super::read(path, Limit::of_import(LIMIT), &options, observer).map(|noted| noted.bars)
}

fn read_at_most(path: &Path, rows: u64) -> Result<Bars> {
    let limit = Limit::of_import(rows);
    super::read(path, limit, &ReadOptions::default(), &NoObserver).map(|noted| noted.bars)
}

/// Writes a file into a new folder and reads it.
fn read_text(text: &str) -> Result<Bars> {
    read_bytes("bars.csv", text.as_bytes()).map(|(_, bars)| bars)
}

fn read_bytes(name: &str, bytes: &[u8]) -> Result<(PathBuf, Bars)> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    read(&path, &NoObserver).map(|bars| (path, bars))
}

fn fault(text: &str) -> String {
    let error = read_text(text).unwrap_err();
    assert_eq!(error.code, Code::BadData, "{}", error.message);
    error.message.split_once("bars.csv: ").unwrap().1.to_owned()
}

#[test]
fn delimiters_byte_order_marks_quotes_and_blank_lines_do_not_matter() {
    let texts = [
        "Date,Open,High,Low,Close,Volume\n2020-01-02,10,12,9,11,5\n2020-01-03,11,13,10,12,6\n",
        "\u{feff}date;open;high;low;close;volume\r\n\r\n2020-01-02;10;12;9;11;5\r\n\r\n2020-01-03;11;13;10;12;6",
        "TIME\tO\tH\tL\tC\tVOL\n1577923200\t10\t12\t9\t11\t5\n1578009600\t11\t13\t10\t12\t6\n",
        "\"Open Time\",\"Open\",\"High\",\"Low\",\"Close\",\"Volume\"\n\"2020-01-02\",\"10\",\"12\",\"9\",\"11\",\"5\"\n\"2020-01-03\", 11 ,13,10,12,6\n,,,,,\n",
        // The newest bar first.
        "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-03,11,13,10,12,1,6\n2020-01-02,10,12,9,11,1,5\n",
        // A line before the header, additional columns, an empty column at the end.
        "https://www.CryptoDataDownload.com\nunix,date,symbol,open,high,low,close,Volume BTC,Volume USD\n1577923200000,x,B,10,12,9,11,5,1,\n1578009600000,x,B,11,13,10,12,6,1\n",
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<VOL>\n2020.01.02\t00:00:00\t10\t12\t9\t11\t5\n2020.01.03\t00:00:00\t11\t13\t10\t12\t6\n",
        // A quoted field with the delimiter.
        "name,Date,Open,High,Low,Close,Volume\n\"Apple, Inc.\",02.01.2020,10,12,9,11,5\n\"Apple, Inc.\",03.01.2020,11,13,10,12,6\n",
    ];
    for text in texts {
        let bars = read_text(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(
            bars.timestamps(),
            [time::parse("2020-01-02").unwrap(), time::parse("2020-01-03").unwrap()],
            "{text}"
        );
        assert_eq!(
            (&**bars.open(), &**bars.close()),
            (&[10.0, 11.0][..], &[11.0, 12.0][..]),
            "{text}"
        );
        assert_eq!(
            (&**bars.high(), &**bars.low()),
            (&[12.0, 13.0][..], &[9.0, 10.0][..]),
            "{text}"
        );
        assert_eq!(&**bars.volume().unwrap(), [5.0, 6.0], "{text}");
    }
}

#[test]
fn faults_name_line_and_column() {
    let head = "Date,Open,High,Low,Close,Volume\n2020-01-02,10,12,9,11,5\n";
    let cases = [
        ("2020-01-03,11,13,,12,6\n", r#"line 3, column "Low" must be a number, is empty"#),
        (
            "\n2020-01-03,11,13,10,null,6\n",
            r#"line 4, column "Close" must be a number, was "null""#,
        ),
        ("2020-01-03,11,13,10,NaN,6\n", r#"line 3, column "Close" must be a number, was "NaN""#),
        ("2020-01-03,11,13,10,12,x\n", r#"line 3, column "Volume" must be a number, was "x""#),
        (
            "soon,11,13,10,12,6\n",
            r#"line 3, column "Date" must be a date or a time such as 2020-01-31 14:30, was "soon""#,
        ),
        ("2020-01-03,11,1", "line 3 has 3 fields, the header has 6"),
        (
            "2020-01-03,1,100,13,10,12,6\n",
            "line 3 has 7 fields, the header has 6; write a number or text that contains the delimiter in quotes",
        ),
        (
            "2020-01-02,11,13,10,12,6\n",
            "line 3: bar 1 (2020-01-02): the timestamp equals that of the previous bar (duplicate)",
        ),
        ("2020-01-03,11,9,10,12,6\n", "line 3: bar 1 (2020-01-03): low 10 is above high 9"),
    ];
    for (line, expected) in cases {
        assert_eq!(fault(&format!("{head}{line}")), expected);
        assert_eq!(fault(&format!("{head}{line}").replace('\n', "\r\n")), expected);
    }
    assert_eq!(fault(""), "the file is empty");
    assert_eq!(fault("\n\n"), "there is no header line");
    assert_eq!(fault("Date,Open,High,Low,Close\n"), "there are no bars below the header");
    assert!(
        fault("Date,Price\n2020-01-02,11\n")
            .starts_with("no column for open, high, low; the columns are")
    );
    assert!(
        fault("Date,Open,High,Low,Close\n03/04/2020,1,1,1,1\n")
            .contains("may be DD/MM/YYYY or MM/DD/YYYY")
    );
    let latin = b"Date,Open,High,Low,Close\n2020-01-02,1,1,1,1,\xe9\n";
    assert!(
        read_bytes("bars.csv", latin)
            .unwrap_err()
            .message
            .ends_with("line 2 is not UTF-8; save the file as UTF-8")
    );
}

fn parquet_bytes(compression: Compression) -> Vec<u8> {
    let column = |values: [f64; 2]| -> ArrayRef { Arc::new(Float64Array::from(values.to_vec())) };
    let time: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
        1_577_923_200_000_000,
        1_578_009_600_000_000,
    ]));
    let batch = RecordBatch::try_from_iter([
        ("Volume", column([5.0, 6.0])),
        ("Adj Close", column([1.0, 1.0])),
        ("Close", column([11.0, 12.0])),
        ("Open", column([10.0, 11.0])),
        ("High", column([12.0, 13.0])),
        ("Low", column([9.0, 10.0])),
        ("Date", time),
    ])
    .unwrap();
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

#[test]
fn parquet_is_read_with_every_compression() {
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::GZIP(GzipLevel::default()),
    ];
    for codec in codecs.into_iter().chain([Compression::ZSTD(ZstdLevel::default())]) {
        let (_, bars) = read_bytes("bars.PARQUET", &parquet_bytes(codec)).unwrap();
        assert_eq!(
            bars.timestamps(),
            [time::parse("2020-01-02").unwrap(), time::parse("2020-01-03").unwrap()]
        );
        assert_eq!(
            (&**bars.open(), &**bars.close()),
            (&[10.0, 11.0][..], &[11.0, 12.0][..]),
            "{codec}"
        );
        assert_eq!(&**bars.volume().unwrap(), [5.0, 6.0]);
    }
}

#[test]
fn broken_parquet_and_arrow_are_bad_data_and_name_the_path() {
    let whole = parquet_bytes(Compression::SNAPPY);
    for len in (1..whole.len()).step_by(41) {
        let error = read_bytes("bars.parquet", &whole[..len]).unwrap_err();
        assert_eq!(error.code, Code::BadData, "{len} bytes");
        assert!(error.message.contains("bars.parquet: "), "{}", error.message);
    }
    // A flipped byte leads to bars or an error, never to a panic.
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0xFF;
        if let Err(error) = read_bytes("bars.parquet", &bytes) {
            assert_eq!(error.code, Code::BadData, "byte {place}");
        }
    }
    assert_eq!(read_bytes("bars.feather", b"ARROW1\0\0junk").unwrap_err().code, Code::BadData);
}

#[test]
fn arrow_files_are_read_under_each_extension() {
    let (_, bars) = read_bytes("bars.parquet", &parquet_bytes(Compression::SNAPPY)).unwrap();
    for name in ["bars.arrow", "bars.feather", "bars.ipc"] {
        let bytes = crate::market::arrow::testing::to_ipc(&bars).unwrap();
        assert_eq!(read_bytes(name, &bytes).unwrap().1, bars);
    }
}

#[test]
fn files_that_cannot_be_opened_are_invalid_arguments() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("folder.csv")).unwrap();
    fs::write(folder.path().join("bars.xlsx"), "x").unwrap();
    let cases = [
        ("none.csv", "the file does not exist"),
        ("folder.csv", "this is a folder, not a file"),
        (
            "bars.xlsx",
            "unknown extension .xlsx, must be .csv, .tsv or .txt (each also with .gz or .zst), .parquet, .arrow, .feather or .ipc",
        ),
        (
            "bars.xlsx.gz",
            "unknown extension .xlsx.gz, must be .csv, .tsv or .txt (each also with .gz or .zst), .parquet, .arrow, .feather or .ipc",
        ),
        (
            "bars",
            "the name has no extension, must be .csv, .tsv or .txt (each also with .gz or .zst), .parquet, .arrow, .feather or .ipc",
        ),
    ];
    for (name, expected) in cases {
        let path = folder.path().join(name);
        let error = read(&path, &NoObserver).unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument);
        assert_eq!(error.message, format!("{}: {expected}", path.display()));
    }
}

#[test]
fn a_cancelled_read_stops() {
    struct Cancelled;
    impl ProgressObserver for Cancelled {
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let rows: Vec<String> =
        (0..20_000).map(|bar| format!("{},10,12,9,11\n", 1_577_923_200 + bar * 60)).collect();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bars.csv");
    fs::write(&path, format!("time,open,high,low,close\n{}", rows.concat())).unwrap();
    assert_eq!(read(&path, &Cancelled).unwrap_err().code, Code::Cancelled);
    assert_eq!(read(&path, &NoObserver).unwrap().len(), 20_000);
}

/// Returns lines of CSV, one bar per minute.
fn lines(bars: i64) -> String {
    let lines = (0..bars).map(|bar| format!("{},10,12,9,11\n", 1_577_923_200 + bar * 60));
    lines.collect::<Vec<_>>().concat()
}

#[test]
fn rows_beyond_the_limit_are_rejected() {
    let rows = lines(200);
    let text = format!("time,open,high,low,close\n{rows}");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bars.csv");
    fs::write(&path, text).unwrap();
    assert_eq!(read_at_most(&path, 200).unwrap().len(), 200);
    let error = read_at_most(&path, 199).unwrap_err();
    assert_eq!(error.code, Code::LimitExceeded);
    assert!(error.message.ends_with(
        "the import has more than 199 rows, the limit maxImportRows (MAX_IMPORT_ROWS) is 199"
    ));
    let path = folder.path().join("bars.parquet");
    fs::write(&path, parquet_bytes(Compression::SNAPPY)).unwrap();
    assert_eq!(read_at_most(&path, 1).unwrap_err().code, Code::LimitExceeded);
}

#[test]
fn a_record_without_an_end_is_rejected() {
    let head = "date,open,high,low,close\n2020-01-02,1,1,1,1\n";
    for long in ["\"", "x", "\0", ",,,,,,,,", "\n\n\n"] {
        // The number of quotes is odd, so the last one stays open.
        let text = format!("{head}{}", long.repeat((3 << 20) / long.len() + 1));
        let found = fault(&text);
        assert!(
            found.starts_with("the record that starts in line 3 is longer than 1048576 bytes"),
            "{found}"
        );
    }
    let found = fault(&format!("{head}{}", ",".repeat(20_000)));
    assert_eq!(found, "line 3 has 20001 fields, more than the maximum of 10000");
}

#[test]
fn a_file_that_changes_while_it_is_read_is_rejected() {
    struct Writer<'a>(&'a Path, u64);
    impl ProgressObserver for Writer<'_> {
        fn is_cancelled(&self) -> bool {
            false
        }
        fn on_read(&self, _: f64, _: usize) {
            let file = fs::OpenOptions::new().write(true).open(self.0).unwrap();
            file.set_len(self.1).unwrap();
        }
    }
    let rows = lines(50_000);
    let text = format!("time,open,high,low,close\n{rows}");
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bars.csv");
    for length in [text.len() as u64 / 2, text.len() as u64 * 2] {
        fs::write(&path, &text).unwrap();
        let error = read(&path, &Writer(&path, length)).unwrap_err();
        assert_eq!(error.code, Code::BadData, "{error}");
    }
}

#[cfg(unix)]
#[test]
fn only_regular_files_are_opened() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe.csv");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let device = folder.path().join("zero.parquet");
    std::os::unix::fs::symlink("/dev/zero", &device).unwrap();
    let socket = folder.path().join("socket.arrow");
    let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let cases =
        [(pipe, "a named pipe (FIFO)"), (device, "a character device"), (socket, "a socket")];
    for (path, kind) in cases {
        let error = read(&path, &NoObserver).unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument);
        assert_eq!(error.message, format!("{}: this is {kind}, not a file", path.display()));
    }
}
