use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
    Float64Array, Int32Array, Int64Array, StringArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow::record_batch::RecordBatch;

use super::testing::to_ipc;
use super::*;
use crate::market::{Bars, Column};
use crate::observer::NoObserver;

fn from_ipc(bytes: &[u8]) -> Result<Bars> {
    from_ipc_up_to(bytes, 1_000_000)
}

fn from_ipc_up_to(bytes: &[u8], rows: u64) -> Result<Bars> {
    let options = ReadOptions::default();
    super::from_ipc(bytes, Limit::of_run(rows), &options, &NoObserver).map(|noted| noted.bars)
}

fn column(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

/// Writes two valid bars with the given time column.
fn with_time(name: &str, time: ArrayRef) -> Vec<u8> {
    let prices = [
        ("open", [10.0, 11.0]),
        ("high", [12.0, 12.0]),
        ("low", [9.0, 10.0]),
        ("close", [11.0, 12.0]),
    ];
    let mut columns = vec![(name, time)];
    columns.extend(prices.iter().map(|(name, values)| (*name, column(values))));
    stream(columns)
}

fn sample(volume: bool) -> Bars {
    let prices = |shift: f64| {
        (0..1000_i32).map(|bar| 100.0 + f64::from(bar % 37) + shift).collect::<Column>()
    };
    let timestamps = (0..1000).map(|bar| bar * 60_000).collect();
    Bars::new(
        timestamps,
        prices(0.25),
        prices(1.0),
        prices(-1.0),
        prices(0.125),
        volume.then(|| prices(0.0)),
    )
    .unwrap()
}

#[test]
fn bars_are_read_as_they_were_written() {
    for volume in [true, false] {
        assert_eq!(from_ipc(&to_ipc(&sample(volume)).unwrap()).unwrap(), sample(volume));
    }
}

#[test]
fn files_and_compressed_files_of_several_batches_are_read() {
    for compression in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let bytes = to_ipc(&sample(true)).unwrap();
        let batch =
            StreamReader::try_new(Cursor::new(bytes), None).unwrap().next().unwrap().unwrap();
        let mut writer =
            FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
        writer.write(&batch.slice(0, 300)).unwrap();
        writer.write(&batch.slice(300, 700)).unwrap();
        assert_eq!(
            from_ipc(&writer.into_inner().unwrap()).unwrap(),
            sample(true),
            "{compression:?}"
        );
    }
}

#[test]
fn every_kind_of_time_column_is_read() {
    let expected = [86_400_000, 172_800_000];
    let kinds: Vec<(&str, ArrayRef)> = vec![
        ("Date", Arc::new(Date32Array::from(vec![1, 2]))),
        (
            "time",
            Arc::new(
                TimestampSecondArray::from(vec![86_400, 172_800]).with_timezone("Europe/Berlin"),
            ),
        ),
        (
            "ts",
            Arc::new(TimestampNanosecondArray::from(vec![86_400_000_000_000, 172_800_000_000_999])),
        ),
        ("timestamp", Arc::new(Int64Array::from(vec![86_400_000, 172_800_000]))),
        ("timestamps", column(&[86_400_000.0, 172_800_000.0])),
        ("day", Arc::new(StringArray::from(vec!["1970-01-02", "1970-01-03T00:00:00Z"]))),
        (
            "date",
            Arc::new(
                vec!["1970-01-02", "1970-01-03"]
                    .into_iter()
                    .collect::<DictionaryArray<Int32Type>>(),
            ),
        ),
        ("Open Time", Arc::new(UInt64Array::from(vec![86_400_000, 172_800_000]))),
    ];
    for (name, array) in kinds {
        assert_eq!(from_ipc(&with_time(name, array)).unwrap().timestamps(), expected, "{name}");
    }
}

#[test]
fn every_kind_of_number_is_read() {
    let decimals = Decimal128Array::from(vec![1001, 1101]).with_precision_and_scale(15, 2).unwrap();
    let bars = from_ipc(&stream(vec![
        ("date", Arc::new(Date32Array::from(vec![1, 2]))),
        ("open", Arc::new(decimals)),
        ("high", Arc::new(Int32Array::from(vec![12, 13]))),
        ("low", Arc::new(Float32Array::from(vec![9.5, 10.5]))),
        ("close", column(&[11.0, 12.0])),
        ("Volume", Arc::new(UInt64Array::from(vec![5, 6]))),
    ]))
    .unwrap();
    assert_eq!(&**bars.open(), [10.01, 11.01]);
    assert_eq!(&**bars.low(), [9.5, 10.5]);
    assert_eq!(&**bars.volume().unwrap(), [5.0, 6.0]);
}

#[test]
fn faults_are_reported_with_column_and_row() {
    let time: ArrayRef = Arc::new(Date32Array::from(vec![1, 2]));
    let cases: Vec<(ArrayRef, &str)> = vec![
        (
            Arc::new(Float64Array::from(vec![Some(1.0), None])),
            r#"column "close" has a null in row 1"#,
        ),
        (
            Arc::new(BooleanArray::from(vec![true, false])),
            r#"column "close" must contain numbers, was of type Boolean"#,
        ),
        (column(&[11.0, f64::NAN]), "close must be a finite price above 0, was NaN"),
    ];
    for (close, expected) in cases {
        let columns = vec![
            ("date", time.clone()),
            ("open", column(&[10.0, 11.0])),
            ("high", column(&[12.0, 12.0])),
            ("low", column(&[9.0, 10.0])),
            ("close", close),
        ];
        let error = from_ipc(&stream(columns)).unwrap_err();
        assert_eq!(error.code, Code::BadData);
        assert!(error.message.contains(expected), "{}", error.message);
    }
    let error = from_ipc(&with_time("timestamps", column(&[1e12, 1e12 + 0.5]))).unwrap_err();
    assert!(error.message.contains("must contain whole numbers, row 1"), "{}", error.message);
    let error =
        from_ipc(&with_time("date", Arc::new(StringArray::from(vec!["1970-01-02", "soon"]))))
            .unwrap_err();
    assert!(
        error.message.contains(r#"must contain dates or times, row 1 (counted from 0) has "soon""#),
        "{}",
        error.message
    );
    let error = from_ipc(&stream(vec![("date", time), ("open", column(&[1.0, 2.0]))])).unwrap_err();
    assert!(error.message.starts_with("no column for high, low, close"), "{}", error.message);
}

#[test]
fn broken_bytes_are_bad_data() {
    let whole = to_ipc(&sample(true)).unwrap();
    let mut cases: Vec<Vec<u8>> =
        (0..whole.len()).step_by(97).map(|len| whole[..len].to_vec()).collect();
    cases.push(b"not arrow at all".to_vec());
    cases.push(b"ARROW1\0\0nothing after it".to_vec());
    cases.push(b"FEA1....".to_vec());
    for bytes in cases {
        assert_eq!(from_ipc(&bytes).unwrap_err().code, Code::BadData, "{} bytes", bytes.len());
    }
}

/// Returns bars in a compressed file, and the offsets of the declared lengths of its buffers.
fn compressed(compression: CompressionType) -> (Vec<u8>, Vec<usize>) {
    let options = IpcWriteOptions::default().try_with_compression(Some(compression)).unwrap();
    let bytes = to_ipc(&sample(true)).unwrap();
    let batch = StreamReader::try_new(Cursor::new(bytes), None).unwrap().next().unwrap().unwrap();
    let mut writer =
        FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
    writer.write(&batch).unwrap();
    let bytes = writer.into_inner().unwrap();
    let magic: [u8; 4] = match compression {
        CompressionType::ZSTD => [0x28, 0xB5, 0x2F, 0xFD],
        _ => [0x04, 0x22, 0x4D, 0x18],
    };
    let wanted = [8000_i64.to_le_bytes().as_slice(), &magic].concat();
    let places = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&wanted)).collect();
    (bytes, places)
}

#[test]
fn declared_lengths_of_compressed_buffers_are_checked() {
    for compression in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        let (whole, places) = compressed(compression);
        assert!(places.len() >= 5, "{places:?}");
        assert_eq!(from_ipc(&whole).unwrap(), sample(true));
        for at in places {
            for bit in 0..64 {
                let mut bytes = whole.clone();
                bytes[at + bit / 8] ^= 1 << (bit % 8);
                let error = from_ipc(&bytes).unwrap_err();
                assert_eq!(error.code, Code::BadData, "bit {bit}");
            }
        }
    }
}

#[test]
fn rows_are_counted_before_they_are_read() {
    for bytes in [to_ipc(&sample(true)).unwrap(), compressed(CompressionType::ZSTD).0] {
        assert!(from_ipc_up_to(&bytes, 1000).is_ok());
        let error = from_ipc_up_to(&bytes, 999).unwrap_err();
        assert_eq!(error.code, Code::LimitExceeded);
        assert_eq!(
            error.message,
            "the run has more than 999 bars, the limit maxDataPoints (MAX_DATA_POINTS) is 999"
        );
    }
    // A batch that declares more rows than it has bytes for.
    let whole = to_ipc(&sample(true)).unwrap();
    let mut bytes = whole.clone();
    for at in 0..whole.len() - 8 {
        if whole[at..at + 8] == 1000_i64.to_le_bytes() {
            bytes[at..at + 8].copy_from_slice(&500_000_i64.to_le_bytes());
        }
    }
    let error = from_ipc(&bytes).unwrap_err();
    assert!(error.message.contains("its rows need 4000000"), "{}", error.message);
}

#[test]
fn a_few_long_strings_do_not_become_many() {
    let long = "x".repeat(1 << 20);
    let texts = vec![long.as_str(); 2];
    let cases: [ArrayRef; 4] = [
        Arc::new(texts.iter().copied().collect::<DictionaryArray<Int32Type>>()),
        Arc::new(StringArray::from(texts.clone())),
        Arc::new(arrow::array::LargeStringArray::from(texts.clone())),
        Arc::new(arrow::array::StringViewArray::from(texts)),
    ];
    for texts in cases {
        let kind = texts.data_type().clone();
        let error = from_ipc(&with_time("date", texts)).unwrap_err();
        assert_eq!(error.code, Code::BadData, "{kind}");
        assert!(error.message.len() < 400, "{kind}: {}", error.message);
    }
}

#[test]
fn columns_that_bars_do_not_need_are_skipped() {
    let nested = arrow::array::ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
        Some(vec![Some(1), None]),
        None,
    ]);
    let views = arrow::array::StringViewArray::from(vec!["a text of more than twelve bytes"; 2]);
    let nulls = arrow::array::NullArray::new(2);
    let others: [ArrayRef; 3] = [Arc::new(nested), Arc::new(views), Arc::new(nulls)];
    for other in others {
        let time: ArrayRef = Arc::new(Date32Array::from(vec![1, 2]));
        let bars = from_ipc(&stream(vec![
            ("other", other),
            ("date", time),
            ("open", column(&[10.0, 11.0])),
            ("high", column(&[12.0, 12.0])),
            ("low", column(&[9.0, 10.0])),
            ("close", column(&[11.0, 12.0])),
        ]))
        .unwrap();
        assert_eq!(&**bars.close(), [11.0, 12.0]);
    }
}
