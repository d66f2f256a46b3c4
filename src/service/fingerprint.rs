//! A hash of everything that a simulation reads of bars.

use xxhash_rust::xxh3::Xxh3;

use crate::market::{Bars, Interval};

/// Returns the hash, which is the same on every machine.
pub(super) fn fingerprint(bars: &Bars, interval: Interval) -> String {
    let mut hash = Xxh3::new();
    hash.update(interval.as_str().as_bytes());
    // Hashing large blocks is faster than hashing single values.
    let mut block = Vec::with_capacity(8 * 1024);
    let mut feed = |values: &mut dyn Iterator<Item = [u8; 8]>| {
        for value in values {
            block.extend_from_slice(&value);
            if block.len() == block.capacity() {
                hash.update(&block);
                block.clear();
            }
        }
        hash.update(&block);
        block.clear();
    };
    feed(&mut bars.timestamps().iter().map(|value| value.to_le_bytes()));
    for column in
        [Some(bars.open()), Some(bars.high()), Some(bars.low()), Some(bars.close()), bars.volume()]
            .into_iter()
            .flatten()
    {
        feed(&mut column.iter().map(|value| value.to_le_bytes()));
    }
    format!("xxh3-128:{:032x}", hash.digest128())
}
