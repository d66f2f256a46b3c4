//! A column of signals as a caller passes it: one 0 or 1, or boolean, for each bar.

use crate::request::Input;
use crate::signals::Bits;

/// What a column of signals is, for messages.
pub(super) const EXPECTED: &str = "a Uint8Array or an array of 0 and 1 or of booleans";

/// A column of signals, not checked against the bars yet.
#[derive(Debug)]
pub(super) struct SignalColumn {
    /// The number of values.
    pub(super) length: usize,
    /// The signals, if all values are valid.
    pub(super) bits: Option<Bits>,
    /// The index and the description of the first invalid value.
    pub(super) invalid: Option<(usize, String)>,
}

impl SignalColumn {
    /// Reads a column; `None` if the value is not one.
    pub(super) fn read(input: &Input) -> Option<Self> {
        let (length, bits, invalid) = match input {
            Input::Bits(bits) | Input::Flags(bits) => (bits.len(), Some(bits.clone()), None),
            Input::Mixed(mixed) => (mixed.length, None, Some((mixed.index, mixed.item.describe()))),
            Input::Bytes(bytes) => {
                let other = bytes.iter().enumerate().find(|(_, byte)| **byte > 1);
                let invalid = other.map(|(bar, byte)| (bar, byte.to_string()));
                (bytes.len(), Bits::from_bytes(bytes), invalid)
            }
            Input::List(items) => {
                let other = items.iter().enumerate().find(|(_, item)| as_bit(item).is_none());
                let invalid = other.map(|(bar, item)| (bar, item.describe()));
                let is_set = |bar| items.get(bar).and_then(as_bit) == Some(true);
                (items.len(), Some(Bits::from_fn(items.len(), is_set)), invalid)
            }
            _ => return None,
        };
        Some(Self { length, bits, invalid })
    }
}

/// Returns what to write instead of a value that is no column of signals, as the end of a message.
pub(super) fn way_out(input: &Input) -> &'static str {
    match input {
        // `close.map(price => price > 100)` is the usual cause.
        Input::Floats(_) | Input::Prices(_) | Input::Timestamps(_) => {
            "; Float64Array.map returns a Float64Array, use Uint8Array.from(close, …)"
        }
        Input::Singles(_) => {
            "; Float32Array.map returns a Float32Array, use Uint8Array.from(close, …)"
        }
        _ => "",
    }
}

#[expect(clippy::float_cmp, reason = "only exactly 0 and 1 are valid")]
fn as_bit(input: &Input) -> Option<bool> {
    match input {
        Input::Bool(value) => Some(*value),
        Input::Number(value) if *value == 0.0 => Some(false),
        Input::Number(value) if *value == 1.0 => Some(true),
        _ => None,
    }
}
