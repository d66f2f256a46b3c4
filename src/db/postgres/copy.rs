//! Rows in the binary format of `COPY … FROM STDIN`.

use std::pin::Pin;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::SinkExt;
use tokio_postgres::CopyInSink;

use super::failure::Failure;
use super::timestamp::Timestamp;

/// How much is sent at once, bytes.
const BLOCK: usize = 64 * 1024;

/// Sends rows, one field after the other; dropped before [`Self::finish`], it has sent nothing.
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
    /// Begins.
    pub fn new(sink: CopyInSink<Bytes>) -> Self {
        let mut block = BytesMut::with_capacity(BLOCK + 1024);
        block.put_slice(b"PGCOPY\n\xff\r\n\0");
        // No flags, no extension of the head.
        block.put_i64(0);
        Self { sink: Box::pin(sink), block }
    }

    /// Begins a row of so many fields.
    pub async fn row(&mut self, fields: i16) -> Result<(), Failure> {
        if self.block.len() >= BLOCK {
            let block = self.block.split().freeze();
            self.block.reserve(BLOCK + 1024);
            self.sink.feed(block).await?;
        }
        self.block.put_i16(fields);
        Ok(())
    }

    /// Adds a number.
    pub fn float(&mut self, value: f64) {
        self.block.put_i32(8);
        self.block.put_f64(value);
    }

    /// Adds a number of four bytes.
    pub fn integer(&mut self, value: i32) {
        self.block.put_i32(4);
        self.block.put_i32(value);
    }

    /// Adds a text.
    pub fn text(&mut self, value: &str) -> Result<(), Failure> {
        self.block.put_i32(
            i32::try_from(value.len()).map_err(|_| crate::Error::internal("a text of 2 GiB"))?,
        );
        self.block.put_slice(value.as_bytes());
        Ok(())
    }

    /// Adds a moment.
    pub fn timestamp(&mut self, milliseconds: i64) {
        self.block.put_i32(8);
        self.block.put_i64(Timestamp(milliseconds).to_wire());
    }

    /// Adds nothing.
    pub fn null(&mut self) {
        self.block.put_i32(-1);
    }

    /// Ends the copy; returns the number of rows.
    pub async fn finish(mut self) -> Result<u64, Failure> {
        self.block.put_i16(-1);
        self.sink.feed(self.block.split().freeze()).await?;
        Ok(self.sink.as_mut().finish().await?)
    }
}
