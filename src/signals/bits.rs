//! A set of bars: one bit per bar, 64 per word.

/// One bit per bar. Bits beyond the length are 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    /// Creates an empty set over `len` bars.
    pub fn zeros(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// Creates a set over `len` bars, with those for which `is_set` returns true.
    pub fn from_fn(len: usize, mut is_set: impl FnMut(usize) -> bool) -> Self {
        let mut words = Vec::with_capacity(len.div_ceil(64));
        let mut start = 0;
        while start < len {
            let mut word = 0_u64;
            for bit in 0..64.min(len - start) {
                word |= u64::from(is_set(start + bit)) << bit;
            }
            words.push(word);
            start += 64;
        }
        Self { words, len }
    }

    /// Creates a set from one 0 or 1 per bar; `None` if there is any other value.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // Multiplying gathers the lowest bits of eight bytes in the highest byte, the first of them lowest.
        const GATHER: u64 = 0x0102_0408_1020_4080;
        let mut others = 0_u64;
        let mut pack = |eight: [u8; 8]| {
            let lanes = u64::from_le_bytes(eight);
            others |= lanes & !0x0101_0101_0101_0101;
            lanes.wrapping_mul(GATHER) >> 56
        };
        let (whole, rest) = bytes.as_chunks::<64>();
        let mut words = Vec::with_capacity(bytes.len().div_ceil(64));
        for block in whole {
            let (eights, _) = block.as_chunks::<8>();
            words.push(
                eights
                    .iter()
                    .enumerate()
                    .fold(0, |word, (at, &eight)| word | pack(eight) << (8 * at)),
            );
        }
        if !rest.is_empty() {
            let mut block = [0_u8; 64];
            block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            let (eights, _) = block.as_chunks::<8>();
            words.push(
                eights
                    .iter()
                    .enumerate()
                    .fold(0, |word, (at, &eight)| word | pack(eight) << (8 * at)),
            );
        }
        (others == 0).then_some(Self { words, len: bytes.len() })
    }

    /// Creates a set over `len` bars from words. Surplus bits and words are dropped, missing ones are 0.
    pub fn from_words(mut words: Vec<u64>, len: usize) -> Self {
        words.resize(len.div_ceil(64), 0);
        if !len.is_multiple_of(64)
            && let Some(last) = words.last_mut()
        {
            *last &= (1 << (len % 64)) - 1;
        }
        Self { words, len }
    }

    /// Returns the bits from one on.
    #[must_use]
    pub fn after(&self, bits: usize) -> Self {
        let len = self.len.saturating_sub(bits);
        let (words, shift) = (bits / 64, bits % 64);
        let word = |index: usize| self.words.get(words + index).copied().unwrap_or(0);
        let shifted = |index: usize| match shift {
            0 => word(index),
            _ => word(index) >> shift | word(index + 1) << (64 - shift),
        };
        Self::from_words((0..len.div_ceil(64)).map(shifted).collect(), len)
    }

    /// Returns the number of bars.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no bars at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns whether a bar is in the set; bars beyond the end are not.
    #[inline]
    pub fn get(&self, bar: usize) -> bool {
        self.words.get(bar / 64).is_some_and(|word| word >> (bar % 64) & 1 == 1)
    }

    /// Adds a bar to the set or removes it. Bars beyond the end are ignored.
    pub fn set(&mut self, bar: usize, value: bool) {
        if bar < self.len
            && let Some(word) = self.words.get_mut(bar / 64)
        {
            *word = (*word & !(1 << (bar % 64))) | (u64::from(value) << (bar % 64));
        }
    }

    /// Returns the number of bars in the set.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Returns the words, the first bar in the lowest bit of the first.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Returns the bars of the set in order.
    pub fn ones(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            std::iter::successors(Some(word), |rest| Some(rest & rest.wrapping_sub(1)))
                .take_while(|rest| *rest != 0)
                .map(move |rest| index * 64 + rest.trailing_zeros() as usize)
        })
    }

    /// Combines two sets word by word. The result has the length of `self`.
    #[must_use]
    pub fn zip(&self, other: &Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        let words = self
            .words
            .iter()
            .enumerate()
            .map(|(index, &word)| combine(word, other.words.get(index).copied().unwrap_or(0)));
        Self::from_words(words.collect(), self.len)
    }

    /// Returns the bars that are not in the set.
    #[must_use]
    pub fn not(&self) -> Self {
        Self::from_words(self.words.iter().map(|word| !word).collect(), self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ones_agree_with_get() {
        let bits = Bits::from_fn(200, |bar| bar % 7 == 3 || bar == 199);
        let expected: Vec<usize> = (0..200).filter(|&bar| bits.get(bar)).collect();
        assert_eq!(bits.ones().collect::<Vec<_>>(), expected);
        assert_eq!(bits.count(), expected.len());
    }

    #[test]
    fn bytes_are_packed_in_order_and_must_be_0_or_1() {
        for len in [0, 1, 7, 8, 63, 64, 65, 200] {
            let bytes: Vec<u8> = (0..len).map(|bar| u8::from(bar * bar % 7 == 2)).collect();
            let expected = Bits::from_fn(len, |bar| bytes[bar] == 1);
            assert_eq!(Bits::from_bytes(&bytes), Some(expected));
        }
        for bad in [2, 128, 255] {
            let mut bytes = vec![1; 100];
            bytes[70] = bad;
            assert_eq!(Bits::from_bytes(&bytes), None);
        }
    }

    #[test]
    fn not_keeps_the_tail_clear() {
        assert_eq!(Bits::zeros(70).not().count(), 70);
        let mut bits = Bits::zeros(3);
        bits.set(1, true);
        bits.set(64, true);
        assert_eq!(bits.not().ones().collect::<Vec<_>>(), [0, 2]);
    }
}
