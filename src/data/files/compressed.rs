//! Compressed text: gzip and Zstandard, decompressed while it is read.

use std::io::{BufRead, BufReader, Error as IoError, Read, Result as IoResult};

use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder;

/// The largest window of a Zstandard frame, as a power of two. Frames of `zstd -22` need it; only `--long` exceeds it.
const WINDOW_LOG: u32 = 27;
/// The size of the buffer of decompressed text, bytes.
const BUFFER: usize = 1 << 16;

/// A compression of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    /// `.gz`
    Gzip,
    /// `.zst`
    Zstandard,
}

/// A compressed text is damaged or truncated.
#[derive(Debug, thiserror::Error)]
#[error("the {name} data are damaged or truncated ({cause}); compress or download the file again")]
pub(super) struct BrokenCompression {
    name: &'static str,
    cause: String,
}

impl Compression {
    /// Returns the compression with this extension.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "gz" => Some(Self::Gzip),
            "zst" => Some(Self::Zstandard),
            _ => None,
        }
    }

    /// Decompresses while the result is read. Concatenated members and frames are read one after another.
    pub fn decompress<'a>(self, input: impl BufRead + 'a) -> IoResult<Box<dyn BufRead + 'a>> {
        match self {
            Self::Gzip => Ok(buffered("gzip", MultiGzDecoder::new(input))),
            Self::Zstandard => {
                let mut decoder = Decoder::with_buffer(input)?;
                decoder.window_log_max(WINDOW_LOG)?;
                Ok(buffered("Zstandard", decoder))
            }
        }
    }
}

fn buffered<'a>(name: &'static str, decoder: impl Read + 'a) -> Box<dyn BufRead + 'a> {
    Box::new(BufReader::with_capacity(BUFFER, Checked { name, decoder }))
}

/// Marks errors of a decoder as those of its data.
struct Checked<R> {
    name: &'static str,
    decoder: R,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        self.decoder.read(buffer).map_err(|error| {
            IoError::other(BrokenCompression { name: self.name, cause: error.to_string() })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstandard(text: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(text, 1).unwrap()
    }

    fn read(compression: Compression, bytes: &[u8]) -> IoResult<Vec<u8>> {
        let mut out = Vec::new();
        compression.decompress(bytes)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn concatenated_parts_are_read_and_truncated_ones_refused() {
        let (first, second) = (b"some text\n".repeat(500), b"more text\n".repeat(70_000));
        for (compression, compress) in
            [(Compression::Gzip, gzip as fn(&[u8]) -> Vec<u8>), (Compression::Zstandard, zstandard)]
        {
            let parts = [compress(&first), compress(&second)].concat();
            assert!(read(compression, &parts).unwrap() == [first.clone(), second.clone()].concat());
            for length in [1, 5, compress(&first).len() - 1, parts.len() - 9, parts.len() - 1] {
                let error = read(compression, &parts[..length]).unwrap_err();
                let inner = error.get_ref().unwrap();
                assert!(inner.is::<BrokenCompression>(), "{error}");
            }
            assert!(read(compression, b"Date,Open,High,Low,Close\n").is_err());
        }
    }
}
