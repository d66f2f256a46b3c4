//! How columns of numbers become bytes, and how damaged bytes are detected.

mod checksum;
mod columns;
mod damage;

pub(crate) use checksum::{checksum, legacy_checksum};
pub(crate) use columns::{
    decode_floats, decode_timestamps, encode_floats, encode_timestamps, timestamp_count,
};
pub(crate) use damage::{Damage, damaged};
