//! Random numbers that are the same on every platform and in every version.

/// `SplitMix64` (Steele, Lea and Flood 2014): the same numbers for a seed on every platform and in every version.
#[derive(Debug, Clone)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// Starts with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Starts with a seed and the number of a sequence, so that sequences can be drawn in any order and on any thread.
    #[must_use]
    pub fn keyed(seed: u64, number: u64) -> Self {
        let key = number.wrapping_add(1).wrapping_mul(0xd1b5_4a32_d192_ed03);
        Self::new(Self::new(seed.wrapping_add(key)).next())
    }

    /// Returns 64 random bits.
    #[expect(
        clippy::should_implement_trait,
        reason = "the numbers never end, and an iterator would wrap them"
    )]
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`, each with the same probability: the high half of the product of 64 random bits and the
    /// bound, without the products that would make some numbers more frequent (Lemire 2019). A bound of 0 returns 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        loop {
            let product = u128::from(self.next()) * u128::from(bound);
            #[expect(clippy::cast_possible_truncation, reason = "the halves of the product")]
            let (high, low) = ((product >> 64) as u64, product as u64);
            if low >= bound || low >= bound.wrapping_neg() % bound.max(1) {
                return high;
            }
        }
    }

    /// Returns a multiple of 2⁻⁵³ from 0 to below 1, each with the same probability.
    pub fn unit(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let numerator = (self.next() >> 11) as f64;
        numerator / 9_007_199_254_740_992.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_reference_implementation() {
        // The first outputs of splitmix64.c (Vigna) for the seed 1234567.
        let mut random = SplitMix64::new(1_234_567);
        let numbers: Vec<u64> = (0..5).map(|_| random.next()).collect();
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
    }

    #[test]
    fn sequences_differ_by_seed_and_number() {
        let first = |seed, number| SplitMix64::keyed(seed, number).next();
        let mut all: Vec<u64> =
            (0..20).flat_map(|seed| (0..20).map(move |number| first(seed, number))).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 400);
        assert_eq!(first(7, 3), first(7, 3));
    }

    #[test]
    fn units_are_uniform() {
        let mut random = SplitMix64::new(5);
        let mut counts = [0_u32; 10];
        for _ in 0..100_000 {
            let unit = random.unit();
            assert!((0.0..1.0).contains(&unit));
            counts[(unit * 10.0) as usize] += 1;
        }
        // Five standard deviations.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 475), "{counts:?}");
    }

    #[test]
    fn numbers_below_a_bound_are_uniform() {
        let mut random = SplitMix64::new(7);
        for bound in [1, 3, 10, 1 << 40, (1 << 63) - 25] {
            let mut counts = [0_u32; 3];
            for _ in 0..30_000 {
                let value = random.below(bound);
                assert!(value < bound);
                counts[(u128::from(value) * 3 / u128::from(bound)) as usize] += 1;
            }
            if bound >= 3 {
                let expected = |third: u64| {
                    let cut = |third: u64| bound as f64 * third as f64 / 3.0;
                    ((cut(third + 1).ceil() - cut(third).ceil()) / bound as f64) * 30_000.0
                };
                for (third, count) in counts.iter().enumerate() {
                    let expected = expected(third as u64);
                    // Five standard deviations.
                    assert!(
                        (f64::from(*count) - expected).abs() < 5.0 * expected.sqrt(),
                        "{bound}: {counts:?}"
                    );
                }
            }
        }
    }
}
