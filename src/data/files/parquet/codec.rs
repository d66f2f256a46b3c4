//! Decompresses pages, never to more bytes than declared.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use lz4_flex::{block, frame};
use parquet::basic::Compression;
use zstd::bulk::Decompressor;

use super::errors::broken;
use crate::error::Result;

/// Decompresses bytes into `out`. The result must fill it exactly.
pub(super) fn decompress(codec: Compression, bytes: &[u8], out: &mut [u8]) -> Result<()> {
    let length = out.len();
    let decompressed = match codec {
        Compression::SNAPPY => {
            snap::raw::Decoder::new().decompress(bytes, out).map_err(|error| error.to_string())
        }
        Compression::GZIP(_) => read_exactly(MultiGzDecoder::new(bytes), out),
        Compression::ZSTD(_) => Decompressor::new()
            .and_then(|mut decoder| decoder.decompress_to_buffer(bytes, out))
            .map_err(|error| error.to_string()),
        Compression::LZ4_RAW => lz4_block(bytes, out),
        // This codec was never specified; three framings are in use.
        Compression::LZ4 => lz4_hadoop(bytes, out)
            .or_else(|_| read_exactly(frame::FrameDecoder::new(bytes), out))
            .or_else(|_| lz4_block(bytes, out)),
        other => return Err(broken(&format!("compression {other} is not supported"))),
    };
    match decompressed {
        Ok(count) if count == length => Ok(()),
        Ok(_) => Err(broken(&format!("a page does not have the declared {length} bytes"))),
        Err(error) => Err(broken(&format!("a compressed page cannot be read: {error}"))),
    }
}

fn read_exactly(mut decoder: impl Read, out: &mut [u8]) -> Result<usize, String> {
    decoder.read_exact(out).map_err(|error| error.to_string())?;
    match decoder.read(&mut [0]) {
        Ok(0) => Ok(out.len()),
        Ok(_) => Err("there are more bytes than declared".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn lz4_block(bytes: &[u8], out: &mut [u8]) -> Result<usize, String> {
    block::decompress_into(bytes, out).map_err(|error| error.to_string())
}

/// Decompresses the framing of Hadoop: blocks, each after its length and its compressed length, both big-endian.
fn lz4_hadoop(mut bytes: &[u8], out: &mut [u8]) -> Result<usize, String> {
    let mut filled = 0;
    while let Some((length, rest)) = bytes.split_first_chunk::<4>()
        && let Some((compressed, rest)) = rest.split_first_chunk::<4>()
    {
        let length = u32::from_be_bytes(*length) as usize;
        let compressed = u32::from_be_bytes(*compressed) as usize;
        let block = rest.get(..compressed).ok_or("a block is truncated")?;
        let target = out.get_mut(filled..).and_then(|rest| rest.get_mut(..length));
        if lz4_block(block, target.ok_or("a block is too long")?)? != length {
            return Err("a block does not have the declared length".into());
        }
        filled += length;
        bytes = rest.get(compressed..).unwrap_or(&[]);
    }
    if bytes.is_empty() { Ok(filled) } else { Err("there are bytes after the last block".into()) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use parquet::basic::{GzipLevel, ZstdLevel};

    use super::*;

    #[test]
    fn pages_decompress_to_the_declared_length_or_fail() {
        let zeros = vec![0_u8; 10_000_000];
        let gzip = |level| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(&zeros).unwrap();
            encoder.finish().unwrap()
        };
        let frame = || {
            let mut encoder = frame::FrameEncoder::new(Vec::new());
            encoder.write_all(&zeros).unwrap();
            encoder.finish().unwrap()
        };
        let cases = [
            (Compression::GZIP(GzipLevel::default()), gzip(flate2::Compression::fast())),
            (Compression::ZSTD(ZstdLevel::default()), zstd::bulk::compress(&zeros, 1).unwrap()),
            (Compression::SNAPPY, snap::raw::Encoder::new().compress_vec(&zeros).unwrap()),
            (Compression::LZ4_RAW, block::compress(&zeros)),
            (Compression::LZ4, frame()),
        ];
        for (codec, bytes) in cases {
            for length in [0, 100, zeros.len() - 1, zeros.len() + 1] {
                let error = decompress(codec, &bytes, &mut vec![1; length]).unwrap_err();
                assert!(error.message.starts_with("broken Parquet: "), "{codec}: {error}");
            }
            let mut out = vec![1; zeros.len()];
            decompress(codec, &bytes, &mut out).unwrap();
            assert!(out == zeros, "{codec}");
        }
    }
}
