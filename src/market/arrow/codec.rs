//! Compressed buffers: the length that one declares is checked before memory is made for it.

use std::io::Read;

use arrow::buffer::Buffer;
use arrow::ipc::CompressionType;
use lz4_flex::frame::FrameDecoder;
use zstd::bulk::Decompressor;

use super::input::zeroed;
use super::ipc;
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
            other => Err(ipc(format!("unknown compression {other:?}"))),
        }
    }

    /// Returns the bytes, which must be exactly as many as declared.
    pub(super) fn decompress(self, bytes: &[u8], declared: usize) -> Result<Buffer> {
        let mut out = zeroed(declared)?;
        let is_whole = match self {
            Self::Lz4 => {
                let mut decoder = FrameDecoder::new(bytes);
                decoder.read_exact(&mut out).map_err(|error| ipc(format!("LZ4: {error}")))?;
                // What follows the frame may be padding, which is no further frame.
                !matches!(decoder.read(&mut [0]), Ok(1))
            }
            Self::Zstd => {
                Decompressor::new()
                    .and_then(|mut decoder| decoder.decompress_to_buffer(bytes, &mut out[..]))
                    .map_err(|error| ipc(format!("Zstandard: {error}")))?
                    == declared
            }
        };
        if is_whole {
            return Ok(out.into());
        }
        Err(ipc(format!("a buffer does not have the {declared} bytes that it declares")))
    }
}
