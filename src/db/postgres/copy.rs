//! Rows in the binary format of `COPY … FROM STDIN`.

use std::pin::Pin;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use tokio_postgres::CopyInSink;

use super::failure::Failure;
use super::timestamp::Timestamp;

/// How many bytes are sent at once.
const BLOCK_LEN: usize = 64 * 1024;

/// Writes rows, field by field. If it is dropped before [`Self::finish`], the server discards all rows.
pub(crate) struct CopyWriter {
    sink: Pin<Box<CopyInSink<Bytes>>>,
    block: BytesMut,
}

impl std::fmt::Debug for CopyWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CopyWriter")
    }
}

impl CopyWriter {
    /// Writes the header.
    pub fn new(sink: CopyInSink<Bytes>) -> Self {
        let mut block = BytesMut::with_capacity(BLOCK_LEN + 1024);
        block.put_slice(b"PGCOPY\n\xff\r\n\0");
        // No flags and no extension of the header.
        block.put_i64(0);
        Self { sink: Box::pin(sink), block }
    }

    /// Begins a row with a number of fields.
    pub async fn row(&mut self, fields: i16) -> Result<(), Failure> {
        if self.block.len() >= BLOCK_LEN {
            let block = self.block.split().freeze();
            self.block.reserve(BLOCK_LEN + 1024);
            self.sink.feed(block).await?;
        }
        self.block.put_i16(fields);
        Ok(())
    }

    /// Writes a `double precision`.
    pub fn float(&mut self, value: f64) {
        self.block.put_i32(8);
        self.block.put_f64(value);
    }

    /// Writes an `integer`.
    pub fn integer(&mut self, value: i32) {
        self.block.put_i32(4);
        self.block.put_i32(value);
    }

    /// Writes a `text`.
    pub fn text(&mut self, value: &str) -> Result<(), Failure> {
        self.block.put_i32(
            i32::try_from(value.len()).map_err(|_| crate::Error::internal("a text of 2 GiB"))?,
        );
        self.block.put_slice(value.as_bytes());
        Ok(())
    }

    /// Writes a `timestamptz`.
    pub fn timestamp(&mut self, milliseconds: i64) {
        self.block.put_i32(8);
        self.block.put_i64(Timestamp(milliseconds).to_wire());
    }

    /// Writes NULL.
    pub fn null(&mut self) {
        self.block.put_i32(-1);
    }

    /// Ends the copy. Returns the number of rows.
    pub async fn finish(mut self) -> Result<u64, Failure> {
        self.block.put_i16(-1);
        self.sink.feed(self.block.split().freeze()).await?;
        Ok(self.sink.as_mut().finish().await?)
    }
}

#[cfg(test)]
mod bench_tests {
    use super::*;
    use tokio_postgres::binary_copy::BinaryCopyInWriter;
    use tokio_postgres::types::{ToSql, Type};

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "temporary"]
    async fn compare() {
        let url = std::env::var("TEST_DATABASE_URL").unwrap();
        let (client, _) = crate::db::postgres::testing::pool(&url).await.connect().await.unwrap();
        client.batch_execute("CREATE TEMP TABLE b (s text NOT NULL, t text NOT NULL, ts timestamptz NOT NULL, o float8, h float8, l float8, c float8, v float8)").await.unwrap();
        let cpu = || { let s = std::fs::read_to_string("/proc/self/stat").unwrap(); let f: Vec<&str> = s.split_whitespace().collect(); f[13].parse::<u64>().unwrap() + f[14].parse::<u64>().unwrap() };
        for round in 0..5 {
            for kind in 0..2 {
                client.batch_execute("TRUNCATE b").await.unwrap();
                let start = std::time::Instant::now();
                let c0 = cpu();
                let sink = client.copy_in("COPY b FROM STDIN (FORMAT binary)").await.unwrap();
                if kind == 0 {
                    let mut rows = CopyWriter::new(sink);
                    for at in 0..500_000_i64 {
                        rows.row(8).await.unwrap();
                        rows.text("BTC/USD").unwrap();
                        rows.text("1m").unwrap();
                        rows.timestamp(at * 60_000);
                        for _ in 0..5 { rows.float(at as f64); }
                    }
                    rows.finish().await.unwrap();
                } else {
                    let types = [Type::TEXT, Type::TEXT, Type::TIMESTAMPTZ, Type::FLOAT8, Type::FLOAT8, Type::FLOAT8, Type::FLOAT8, Type::FLOAT8];
                    let mut writer = Box::pin(BinaryCopyInWriter::new(sink, &types));
                    for at in 0..500_000_i64 {
                        let x = at as f64;
                        let row: [&(dyn ToSql + Sync); 8] = [&"BTC/USD", &"1m", &Timestamp(at * 60_000), &x, &x, &x, &x, &x];
                        writer.as_mut().write(&row).await.unwrap();
                    }
                    writer.as_mut().finish().await.unwrap();
                }
                println!("round {round} kind {kind} {:?} cpu {}", start.elapsed(), cpu() - c0);
            }
        }
    }
}
