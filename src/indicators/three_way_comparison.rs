//! Compares two series 64 bars at a time.

/// Number of bars in a block: the bits of a word.
pub const BLOCK_BARS: usize = 64;

/// On which bars one series is above and below another, and on which both have a value.
///
/// Each word holds the bits of [`BLOCK_BARS`] bars, the first bar in the lowest bit. Bits after the last bar are
/// unspecified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreeWayComparison {
    above: Vec<u64>,
    below: Vec<u64>,
    defined: Vec<u64>,
    bars: usize,
}

impl ThreeWayComparison {
    /// Creates an empty comparison with capacity for that many bars.
    pub fn with_capacity(bars: usize) -> Self {
        let words = bars.div_ceil(BLOCK_BARS);
        Self {
            above: Vec::with_capacity(words),
            below: Vec::with_capacity(words),
            defined: Vec::with_capacity(words),
            bars,
        }
    }

    /// Creates a comparison from its words.
    pub fn from_words(above: Vec<u64>, below: Vec<u64>, defined: Vec<u64>, bars: usize) -> Self {
        Self { above, below, defined, bars }
    }

    /// Returns the comparison of the second series with the first.
    #[must_use]
    pub fn swapped(self) -> Self {
        Self { above: self.below, below: self.above, ..self }
    }

    /// Appends the comparison of one block of values. Only the last block may be shorter than [`BLOCK_BARS`].
    #[inline(always)]
    pub fn push_block(&mut self, a: &[f64], b: &[f64]) {
        self.above.push(compare_block(a, b, |a, b| a > b));
        self.below.push(compare_block(a, b, |a, b| a < b));
        self.defined.push(compare_block(a, b, |a, b| !a.is_nan() & !b.is_nan()));
    }

    /// Appends a full block in which both series have a value and differ on every bar.
    #[inline(always)]
    pub fn push_unequal_block(&mut self, above: u64) {
        self.above.push(above);
        self.below.push(!above);
        self.defined.push(u64::MAX);
    }

    /// Appends a block in which neither series has a value.
    pub fn push_undefined_block(&mut self) {
        self.above.push(0);
        self.below.push(0);
        self.defined.push(0);
    }

    /// Returns the number of bars.
    pub fn bars(&self) -> usize {
        self.bars
    }

    /// Returns the words of the bars on which the first series is above the second.
    pub fn above(&self) -> &[u64] {
        &self.above
    }

    /// Returns the words of the bars on which the first series is below the second.
    pub fn below(&self) -> &[u64] {
        &self.below
    }

    /// Returns the words of the bars on which both series have a value.
    pub fn defined(&self) -> &[u64] {
        &self.defined
    }
}

/// Returns a word with one bit per bar: whether `holds` is true for the two values. The blocks have at most 64 bars.
#[inline]
pub fn compare_block(a: &[f64], b: &[f64], holds: impl Fn(f64, f64) -> bool) -> u64 {
    let mut flags = [0_u8; BLOCK_BARS];
    if let (Ok(a), Ok(b)) = (<&[f64; BLOCK_BARS]>::try_from(a), <&[f64; BLOCK_BARS]>::try_from(b)) {
        // The constant length lets the compiler vectorize the comparison.
        for bar in 0..BLOCK_BARS {
            flags[bar] = u8::from(holds(a[bar], b[bar]));
        }
    } else {
        for ((flag, a), b) in flags.iter_mut().zip(a).zip(b) {
            *flag = u8::from(holds(*a, *b));
        }
    }
    pack(&flags)
}

/// Packs 64 bytes that are 0 or 1 into the bits of a word.
#[inline]
fn pack(flags: &[u8; BLOCK_BARS]) -> u64 {
    // The product moves the low bit of byte i to bit 56 + i; no two partial products meet there.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (bytes, _) = flags.as_chunks::<8>();
    bytes.iter().enumerate().fold(0, |word, (index, eight)| {
        word | (u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56) << (8 * index)
    })
}
