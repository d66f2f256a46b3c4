//! Compressed buffers. The caller checks the declared length before memory is allocated for it.

use std::io::Read;

use arrow::buffer::Buffer;
use arrow::ipc::CompressionType;
use lz4_flex::frame::FrameDecoder;
use zstd::bulk::Decompressor;

use super::invalid_ipc;
use super::random_access::zeroed;
use crate::error::Result;

/// How the buffers of a batch are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Lz4,
    Zstd,
}

impl Codec {
    pub(super) fn of(kind: CompressionType) -> Result<Self> {
        match kind {
            CompressionType::LZ4_FRAME => Ok(Self::Lz4),
            CompressionType::ZSTD => Ok(Self::Zstd),
            other => Err(invalid_ipc(format!("unknown compression {other:?}"))),
        }
    }

    /// Decompresses a buffer, which must have exactly the declared length.
    pub(super) fn decompress(self, bytes: &[u8], declared: usize) -> Result<Buffer> {
        let mut out = zeroed(declared)?;
        let is_complete = match self {
            Self::Lz4 => {
                let mut decoder = FrameDecoder::new(bytes);
                decoder
                    .read_exact(&mut out)
                    .map_err(|error| invalid_ipc(format!("LZ4: {error}")))?;
                // Padding may follow the frame, but no second frame.
                !matches!(decoder.read(&mut [0]), Ok(1))
            }
            Self::Zstd => {
                Decompressor::new()
                    .and_then(|mut decoder| decoder.decompress_to_buffer(bytes, &mut out[..]))
                    .map_err(|error| invalid_ipc(format!("Zstandard: {error}")))?
                    == declared
            }
        };
        if is_complete {
            return Ok(out.into());
        }
        Err(invalid_ipc(format!("a buffer does not decompress to its declared {declared} bytes")))
    }
}
