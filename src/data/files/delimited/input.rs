//! The bytes of a text as UTF-8 whose lines end with a line feed.

use std::io::{BufRead, BufReader, Error as IoError, Read, Result as IoResult};

/// The size of the buffers of decoded text, bytes.
const BUFFER: usize = 1 << 16;

/// The text is UTF-16, but some bytes are not.
#[derive(Debug, thiserror::Error)]
#[error("the text is UTF-16 with a broken character")]
pub(super) struct NotUtf16;

/// Decodes a text: UTF-16 becomes UTF-8, a byte order mark is removed, and every line ends with a line feed.
pub(super) fn decoded<'a>(mut input: Box<dyn BufRead + 'a>) -> IoResult<Box<dyn Read + 'a>> {
    let head = input.fill_buf()?;
    let is_big_endian = match head {
        [0xFE, 0xFF, ..] => Some(true),
        [0xFF, 0xFE, ..] => Some(false),
        // ASCII in UTF-16 without a byte order mark.
        [0, second, ..] if *second != 0 => Some(true),
        [first, 0, ..] if *first != 0 => Some(false),
        _ => None,
    };
    if let Some(is_big_endian) = is_big_endian {
        let text = Utf16 { input, is_big_endian, odd: None, high: None, out: Vec::new(), read: 0 };
        return Ok(Box::new(Lines { input: BufReader::with_capacity(BUFFER, text) }));
    }
    if head.starts_with(b"\xEF\xBB\xBF") {
        input.consume(3);
    }
    Ok(Box::new(Lines { input }))
}

/// Ends every line with a line feed: a carriage return without one becomes a line feed.
struct Lines<R> {
    input: R,
}

impl<R: BufRead> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let read = self.input.read(buffer)?;
        let Some(bytes) = buffer.get_mut(..read) else { return Ok(read) };
        if !bytes.contains(&b'\r') {
            return Ok(read);
        }
        let next = if bytes.last() == Some(&b'\r') {
            self.input.fill_buf()?.first().copied()
        } else {
            None
        };
        for place in 0..read {
            if bytes.get(place) == Some(&b'\r') {
                let after = bytes.get(place + 1).copied().or(next);
                if let Some(byte) = bytes.get_mut(place).filter(|_| after != Some(b'\n')) {
                    *byte = b'\n';
                }
            }
        }
        Ok(read)
    }
}

/// Decodes UTF-16 to UTF-8.
struct Utf16<R> {
    input: R,
    is_big_endian: bool,
    /// The first byte of a unit that is not complete yet.
    odd: Option<u8>,
    /// The first unit of a pair that is not complete yet.
    high: Option<u16>,
    /// Decoded text, and how much of it was read.
    out: Vec<u8>,
    read: usize,
}

impl<R: BufRead> Utf16<R> {
    /// Decodes what the input has at hand. Returns false at its end.
    fn decode_more(&mut self) -> IoResult<bool> {
        let bytes = self.input.fill_buf()?;
        let bytes = bytes.get(..bytes.len().min(BUFFER)).unwrap_or(bytes);
        if bytes.is_empty() {
            let is_complete = self.odd.is_none() && self.high.is_none();
            return if is_complete { Ok(false) } else { Err(IoError::other(NotUtf16)) };
        }
        self.out.clear();
        self.read = 0;
        for byte in bytes {
            let Some(first) = self.odd.take() else {
                self.odd = Some(*byte);
                continue;
            };
            let unit = if self.is_big_endian {
                u16::from_be_bytes([first, *byte])
            } else {
                u16::from_le_bytes([first, *byte])
            };
            let is_high = (0xD800..0xDC00).contains(&unit);
            match (self.high.take(), is_high) {
                (None, true) => self.high = Some(unit),
                (high, _) => {
                    let units = high.into_iter().chain([unit]);
                    for char in char::decode_utf16(units) {
                        let char = char.map_err(|_| IoError::other(NotUtf16))?;
                        let is_mark = char == '\u{FEFF}';
                        if !is_mark {
                            let mut utf8 = [0; 4];
                            self.out.extend_from_slice(char.encode_utf8(&mut utf8).as_bytes());
                        }
                    }
                }
            }
        }
        let count = bytes.len();
        self.input.consume(count);
        Ok(true)
    }
}

impl<R: BufRead> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        while self.read >= self.out.len() {
            if !self.decode_more()? {
                return Ok(0);
            }
        }
        let rest = self.out.get(self.read..).unwrap_or(&[]);
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.read += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
            let count = self.1.min(buffer.len());
            self.0.read(buffer.get_mut(..count).unwrap_or(&mut []))
        }
    }

    fn decode(bytes: &[u8], step: usize) -> IoResult<String> {
        let input = BufReader::with_capacity(step, Drip(bytes, step));
        let mut text = String::new();
        decoded(Box::new(input))?.read_to_string(&mut text)?;
        Ok(text)
    }

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn every_encoding_and_line_end_gives_the_same_text() {
        let text = "\u{feff}Dätum,😀\rb\r\n\r\nc\n\rd\r";
        for step in 2..9 {
            for bytes in [
                text.as_bytes().to_vec(),
                utf16(text, u16::to_le_bytes),
                utf16(text, u16::to_be_bytes),
            ] {
                assert_eq!(decode(&bytes, step.max(4)).unwrap(), "Dätum,😀\nb\r\n\r\nc\n\nd\n");
            }
        }
        assert_eq!(decode(&utf16("ab", u16::to_le_bytes), 4).unwrap(), "ab");
        assert_eq!(decode(&utf16("ab", u16::to_be_bytes), 4).unwrap(), "ab");
    }

    #[test]
    fn broken_utf16_is_an_error() {
        for bytes in
            [&b"\xff\xfea"[..], b"\xff\xfe\x00\xd8", b"\xff\xfe\x00\xd8a\0", b"\xff\xfe\x00\xdc"]
        {
            let error = decode(bytes, 4).unwrap_err();
            assert!(error.get_ref().unwrap().is::<NotUtf16>(), "{error}");
        }
    }
}
