//! Hostile files, each generated from its number: valid files of many kinds, most of which are then damaged.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array,
    Float64Array, Int32Array, Int64Array, LargeStringArray, ListArray, StringArray,
    StringViewArray, StructArray, TimestampMicrosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int32Type};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

/// A file by its extension and content.
pub struct Input {
    pub extension: &'static str,
    pub bytes: Vec<u8>,
    /// Whether the file is undamaged.
    pub is_sound: bool,
}

/// A generator of random numbers (`SplitMix64`).
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// Generates the file with a number.
pub fn make(case: u64) -> Input {
    let mut random = Random(case.wrapping_mul(0xd134_2543_de82_ef95));
    let random = &mut random;
    let (extension, mut bytes) = sound(random);
    let is_sound = random.below(12) == 0;
    if !is_sound {
        for _ in 0..=random.below(4) {
            damage(random, extension, &mut bytes);
        }
    }
    Input { extension, bytes, is_sound }
}

fn sound(random: &mut Random) -> (&'static str, Vec<u8>) {
    let rows = match random.below(20) {
        0 => 1,
        1 => 2,
        2 => 900,
        _ => 3 + random.below(120),
    };
    match random.below(10) {
        0 | 1 => ("csv", text(random, rows)),
        2..=5 => ("parquet", parquet(random, rows)),
        _ => ("arrow", ipc(random, rows)),
    }
}

const DAY: i64 = 86_400_000;

fn timestamp(row: usize) -> i64 {
    1_577_836_800_000 + row as i64 * DAY
}

fn price(row: usize, column: usize) -> f64 {
    100.0 + (row % 37) as f64 * 0.25 + [0.25, 1.0, -1.0, 0.125, 5.0][column % 5]
}

fn iso(row: usize) -> String {
    chrono::DateTime::from_timestamp_millis(timestamp(row))
        .map_or_else(String::new, |date| date.format("%Y-%m-%d").to_string())
}

fn text(random: &mut Random, rows: usize) -> Vec<u8> {
    let delimiter = random.pick(&[",", ";", "\t"]);
    let end = random.pick(&["\n", "\r\n", "\r"]);
    let form = random.below(4);
    let mut text = String::new();
    if random.below(6) == 0 {
        text += "\u{feff}";
    }
    if random.below(8) == 0 {
        text += &format!("https://example.com{end}");
    }
    text += &["Date", "Open", "High", "Low", "Close", "Volume", "Note"].join(delimiter);
    text += end;
    for row in 0..rows {
        let date = match form {
            0 => iso(row),
            1 => (timestamp(row) / 1000).to_string(),
            2 => format!("\"{}T00:00:00Z\"", iso(row)),
            _ => format!("{} 00:00", iso(row)),
        };
        text += &date;
        for column in 0..5 {
            let _ = write!(text, "{delimiter}{}", price(row, column));
        }
        let _ = write!(
            text,
            "{delimiter}\"a {} note\"{end}",
            if form == 3 { "\"\"fine\"\"" } else { "x" }
        );
    }
    text.into_bytes()
}

fn times(random: &mut Random, rows: usize) -> ArrayRef {
    let all = || (0..rows).map(timestamp);
    let texts = || (0..rows).map(iso);
    match random.below(12) {
        0 => Arc::new(TimestampSecondArray::from_iter_values(all().map(|time| time / 1000))),
        1 | 2 => Arc::new(TimestampMillisecondArray::from_iter_values(all()).with_timezone("UTC")),
        3 => Arc::new(TimestampMicrosecondArray::from_iter_values(all().map(|time| time * 1000))),
        4 => {
            Arc::new(TimestampNanosecondArray::from_iter_values(all().map(|time| time * 1_000_000)))
        }
        5 => Arc::new(Date32Array::from_iter_values(all().map(|time| (time / DAY) as i32))),
        6 => Arc::new(Int64Array::from_iter_values(all())),
        7 => Arc::new(Float64Array::from_iter_values(all().map(|time| time as f64))),
        8 => Arc::new(StringArray::from_iter_values(texts())),
        9 => Arc::new(LargeStringArray::from_iter_values(texts())),
        10 => {
            Arc::new(StringViewArray::from_iter_values(texts().map(|text| text + "T00:00:00.000Z")))
        }
        _ => {
            let texts: Vec<String> = texts().collect();
            Arc::new(texts.iter().map(String::as_str).collect::<DictionaryArray<Int32Type>>())
        }
    }
}

fn numbers(random: &mut Random, rows: usize, column: usize) -> ArrayRef {
    let all = || (0..rows).map(|row| price(row, column));
    match random.below(8) {
        0 => Arc::new(Float32Array::from_iter_values(all().map(|price| price as f32))),
        1 => {
            let cents = all().map(|price| (price * 1000.0) as i128);
            Arc::new(
                Decimal128Array::from_iter_values(cents).with_precision_and_scale(18, 3).unwrap(),
            )
        }
        2 => {
            let keys = Int32Array::from_iter_values((0..rows).map(|row| (row % 37) as i32));
            let values = Float64Array::from_iter_values((0..37).map(|row| price(row, column)));
            Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values)).unwrap())
        }
        _ => Arc::new(Float64Array::from_iter_values(all())),
    }
}

/// Columns that bars do not need, some of them nested.
fn other(random: &mut Random, rows: usize) -> ArrayRef {
    match random.below(5) {
        0 => Arc::new((0..rows).map(|row| Some(row % 3 == 0)).collect::<BooleanArray>()),
        1 => Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("note {row}")))),
        2 => Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(
            (0..rows).map(|row| (row % 2 == 0).then(|| vec![Some(1.0), None, Some(row as f64)])),
        )),
        3 => Arc::new(StructArray::from(vec![(
            Arc::new(Field::new("inner", DataType::Int64, true)),
            Arc::new(
                (0..rows).map(|row| (row % 2 == 0).then_some(row as i64)).collect::<Int64Array>(),
            ) as ArrayRef,
        )])),
        _ => Arc::new(UInt64Array::from_iter_values((0..rows).map(|row| row as u64))),
    }
}

fn batch(random: &mut Random, rows: usize) -> RecordBatch {
    let mut columns: Vec<(&str, ArrayRef)> = vec![("timestamp", times(random, rows))];
    for (column, name) in ["open", "high", "low", "close", "volume"].into_iter().enumerate() {
        if name != "volume" || random.below(2) == 0 {
            columns.push((name, numbers(random, rows, column)));
        }
    }
    for name in ["extra", "note"] {
        if random.below(2) == 0 {
            let at = random.below(columns.len() + 1);
            columns.insert(at, (name, other(random, rows)));
        }
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

fn ipc(random: &mut Random, rows: usize) -> Vec<u8> {
    let batch = batch(random, rows);
    let compression =
        random.pick(&[None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)]);
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let cut = random.below(rows + 1);
    let parts = [batch.slice(0, cut), batch.slice(cut, rows - cut)];
    if random.below(2) == 0 {
        let mut writer =
            FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
        // A file may not replace dictionaries.
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    } else {
        let mut writer =
            StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
        for part in parts.iter().filter(|part| part.num_rows() > 0) {
            writer.write(part).unwrap();
        }
        writer.into_inner().unwrap()
    }
}

fn parquet(random: &mut Random, rows: usize) -> Vec<u8> {
    let batch = batch(random, rows);
    let codecs = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::LZ4_RAW,
        Compression::LZ4,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ];
    let version = random.pick(&[WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0]);
    let statistics =
        random.pick(&[EnabledStatistics::None, EnabledStatistics::Chunk, EnabledStatistics::Page]);
    let mut properties = WriterProperties::builder()
        .set_compression(random.pick(&codecs))
        .set_writer_version(version)
        .set_statistics_enabled(statistics)
        .set_dictionary_enabled(random.below(2) == 0)
        .set_data_page_row_count_limit(random.pick(&[10, 50, 20_000]))
        .set_write_batch_size(10)
        .set_max_row_group_row_count(Some(random.pick(&[7, 100, 1_000_000])));
    if random.below(3) == 0 {
        let kind = batch.column_by_name("timestamp").map(|column| column.data_type().clone());
        let encoding = match kind {
            Some(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => {
                random.pick(&[Encoding::DELTA_BYTE_ARRAY, Encoding::DELTA_LENGTH_BYTE_ARRAY])
            }
            Some(DataType::Float64) => Encoding::BYTE_STREAM_SPLIT,
            Some(DataType::Dictionary(..)) | None => Encoding::PLAIN,
            _ => Encoding::DELTA_BINARY_PACKED,
        };
        properties = properties
            .set_column_dictionary_enabled("timestamp".into(), false)
            .set_column_encoding("timestamp".into(), encoding);
    }
    let mut writer =
        ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

const LENGTHS: [u64; 16] = [
    0,
    1,
    7,
    255,
    0x7FFF,
    0xFFFF,
    0x10_0000,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x1_0000_0000,
    0xFF_FFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    0x8000_0000_0000_0000,
    0xFFFF_FFFF_FFFF_FFF8,
    0xFFFF_FFFF_FFFF_FFFF,
];

const TOKENS: [&str; 22] = [
    "\"",
    "\"\"",
    ",",
    ";;;;",
    "\n",
    "\r",
    "\0",
    "NaN",
    "inf",
    "-1",
    "1e999",
    "1e-400",
    "9999999999999999999999",
    "99999-99-99",
    "2020-13-45",
    "01/02/2020",
    "31/01/2020 25:61 PM",
    "\u{feff}",
    "\u{202e}",
    "Date,Open,High,Low,Close\n",
    "9223372036854775807",
    "-9223372036854775808",
];

/// Changes a file in one place.
fn damage(random: &mut Random, extension: &str, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    // Metadata is where the lengths are: at the end of files, at the beginning of streams.
    let at = match random.below(3) {
        0 => random.below(bytes.len()),
        1 => random.below(bytes.len().min(1500)),
        _ => bytes.len() - 1 - random.below(bytes.len().min(2500)),
    };
    let end = (at + 1 + random.below(64)).min(bytes.len());
    match random.below(if extension == "csv" { 12 } else { 10 }) {
        0 | 1 => bytes[at] ^= 1 << random.below(8),
        2 => bytes[at] = random.next().to_le_bytes()[0],
        3 => bytes.truncate(at),
        4 | 5 => {
            let width = random.pick(&[1, 2, 4, 8]);
            let at = if random.below(2) == 0 { at / width * width } else { at };
            let length = random.pick(&LENGTHS).to_le_bytes();
            for (to, from) in bytes[at..].iter_mut().zip(&length[..width]) {
                *to = *from;
            }
        }
        6 => {
            // A long number of Thrift.
            for to in &mut bytes[at..end.min(at + 10)] {
                *to |= 0x80;
            }
        }
        7 => drop(bytes.drain(at..end)),
        8 => {
            let (_, other) = sound(random);
            let from = random.below(other.len());
            let part = other[from..(from + 1 + random.below(400)).min(other.len())].to_vec();
            if random.below(2) == 0 {
                bytes.splice(at..at, part);
            } else {
                let until = (at + part.len()).min(bytes.len());
                bytes.splice(at..until, part);
            }
        }
        9 => {
            let copies = if random.below(30) == 0 { 3000 } else { 3 };
            let part = bytes[at..end].repeat(copies);
            bytes.splice(at..at, part);
        }
        _ => {
            let token = random.pick(&TOKENS);
            let copies = if random.below(40) == 0 { 40_000 } else { 1 };
            bytes.splice(at..at, token.repeat(copies).into_bytes());
        }
    }
}
