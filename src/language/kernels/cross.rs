//! Crossings of two series.
//!
//! a crosses above b on a bar where a > b, if a ≤ b on the bar before and a < b on some earlier bar since the last bar
//! on which either had no value. So two series that touch and part again have not crossed.

use super::Operand;
use super::compare::word;
use crate::compute::multiversion::{F64x4, Lanes, Simd, simd_multiversion};
use crate::indicators::{BLOCK, SmaPair, Written};
use crate::signals::Bits;

/// On which side of another series a series is.
#[derive(Debug, Clone, PartialEq)]
pub struct Sides {
    above: Vec<u64>,
    below: Vec<u64>,
    /// Where both have a value.
    known: Vec<u64>,
    bars: usize,
}

impl Sides {
    /// Compares two simple moving averages of complete series without keeping them.
    pub fn of_averages(a: (&[f64], usize), b: (&[f64], usize), bars: usize) -> Self {
        of_averages(a, b, bars)
    }

    /// Compares two series.
    pub fn of(a: Operand<'_>, b: Operand<'_>, bars: usize) -> Self {
        let words = bars.div_ceil(64);
        let mut sides = Self {
            above: Vec::with_capacity(words),
            below: Vec::with_capacity(words),
            known: Vec::with_capacity(words),
            bars,
        };
        match (a, b) {
            (Operand::Column(a), Operand::Column(b)) => {
                a.chunks(64).zip(b.chunks(64)).for_each(|(a, b)| sides.push(a, b));
            }
            (Operand::Column(a), Operand::Constant(b)) => {
                a.chunks(64).for_each(|a| sides.push(a, &[b; 64]));
            }
            (Operand::Constant(a), Operand::Column(b)) => {
                b.chunks(64).for_each(|b| sides.push(&[a; 64], b));
            }
            (Operand::Constant(_), Operand::Constant(_)) => {
                sides.above.resize(words, 0);
                sides.below.resize(words, 0);
                sides.known.resize(words, 0);
            }
        }
        sides
    }

    #[inline(always)]
    fn push(&mut self, a: &[f64], b: &[f64]) {
        self.above.push(word(a, b, |a, b| a > b));
        self.below.push(word(a, b, |a, b| a < b));
        self.known.push(word(a, b, |a, b| !a.is_nan() & !b.is_nan()));
    }

    /// Returns the bars on which the first series crosses above the second, or below it.
    pub fn crossed(&self, above: bool) -> Bits {
        let (over, under) =
            if above { (&self.above, &self.below) } else { (&self.below, &self.above) };
        // Whether the series has been on the other side since the last missing value, and whether it was not yet on
        // this side on the bar before.
        let mut is_armed = false;
        let mut was_not_over = 0_u64;
        let mut words = Vec::with_capacity(over.len());
        for ((&over, &under), &known) in over.iter().zip(under).zip(&self.known) {
            let not_over = known & !over;
            let candidates = over & (not_over << 1 | was_not_over);
            was_not_over = not_over >> 63;
            if known == u64::MAX {
                let first_under = if is_armed { 0 } else { under.trailing_zeros() };
                // Everything from the bar after the first one on the other side.
                let later = if is_armed {
                    u64::MAX
                } else {
                    u64::MAX.checked_shl(first_under).map_or(0, |mask| mask << 1)
                };
                words.push(candidates & later);
                is_armed |= under != 0;
                continue;
            }
            let mut word = 0;
            for bit in 0..64 {
                let here = 1_u64 << bit;
                if known & here == 0 {
                    is_armed = false;
                    continue;
                }
                if is_armed {
                    word |= candidates & here;
                }
                is_armed |= under & here != 0;
            }
            words.push(word);
        }
        Bits::from_words(words, self.bars)
    }
}

simd_multiversion! {
    fn of_averages(
        simd,
        a: (&[f64], usize),
        b: (&[f64], usize),
        bars: usize,
    ) -> Sides {
        let words = bars.div_ceil(BLOCK);
        let mut sides = Sides {
            above: Vec::with_capacity(words),
            below: Vec::with_capacity(words),
            known: Vec::with_capacity(words),
            bars,
        };
        let mut pair = SmaPair::new([a.0, b.0], [a.1, b.1]);
        let compared = Compared::new(simd, pair.periods());
        let (mut first, mut second) = ([[f64::NAN; BLOCK]; 2], [[f64::NAN; BLOCK]; 2]);
        // A block is compared while the next one is made.
        let (mut now, mut before) = (&mut first, &mut second);
        let mut is_waiting = false;
        loop {
            let mut comparison = compared;
            let [of_a, of_b] = &mut *now;
            let written = pair.next(of_a, of_b, |four| comparison.take(before, four));
            if is_waiting {
                if written != Some(Written::Totals) {
                    (0..BLOCK / 4).for_each(|four| comparison.take(before, four));
                }
                if let Some(above) = comparison.plainly_above() {
                    sides.above.push(above);
                    sides.below.push(!above);
                    sides.known.push(u64::MAX);
                } else {
                    let [of_a, of_b] = &mut *before;
                    pair.divide(of_a, of_b);
                    sides.push(of_a, of_b);
                }
            }
            is_waiting = written == Some(Written::Totals);
            match written {
                None => break,
                Some(Written::Totals) => std::mem::swap(&mut now, &mut before),
                // The tail of the last block is of no bar; `Bits` drops it.
                Some(Written::Averages(_)) => sides.push(&now[0], &now[1]),
            }
        }
        sides
    }
}

/// Where the averages a ÷ `period_a` of a block are above b ÷ `period_b`, without dividing, which takes many times longer
/// than multiplying.
#[derive(Clone, Copy)]
struct Compared<P: Simd> {
    simd: P,
    periods: [P::F64x4; 2],
    zero: P::F64x4,
    apart: P::F64x4,
    least: P::F64x4,
    above: u64,
    are_apart: u64,
}

impl<P: Simd> Compared<P> {
    #[inline(always)]
    fn new(simd: P, periods: [f64; 2]) -> Self {
        // Thousands of times what rounding can make of products and quotients.
        const APART: f64 = 1e-12;
        // Quotients of what is far above the smallest numbers are rounded no worse.
        const LEAST: f64 = 1e-280;
        Self {
            simd,
            periods: periods.map(|period| simd.splat(period)),
            zero: simd.splat(0.0),
            apart: simd.splat(APART),
            least: simd.splat(LEAST),
            above: 0,
            are_apart: 0b1111,
        }
    }

    /// Compares four bars of a block, after those before them.
    #[inline(always)]
    fn take(&mut self, [a, b]: &[[f64; BLOCK]; 2], four: usize) {
        let ((a, _), (b, _)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
        let (Some(a), Some(b)) = (a.get(four), b.get(four)) else { return };
        let x = self.simd.load(a) * self.periods[1];
        let y = self.simd.load(b) * self.periods[0];
        let size = |value: P::F64x4| (self.zero - value).pmax(value);
        let distance = size(x - y);
        self.above |= x.gt_mask(y) << (4 * four);
        // What is not finite is apart from nothing.
        self.are_apart &= distance.gt_mask(self.apart * size(x)) & distance.gt_mask(self.least);
    }

    /// Returns the bars on which a is above b, if on every bar they are so far apart that no rounding of the quotients
    /// could say otherwise.
    #[inline(always)]
    fn plainly_above(&self) -> Option<u64> {
        (self.are_apart == 0b1111).then_some(self.above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::SMA;
    use proptest::prelude::*;

    const NONE: f64 = f64::NAN;

    /// The rule of the module's documentation, word for word.
    fn by_the_rule(a: &[f64], b: &[f64]) -> Vec<bool> {
        (0..a.len())
            .map(|bar| {
                let start =
                    (0..=bar).rev().take_while(|&at| !a[at].is_nan() && !b[at].is_nan()).last();
                let Some(start) = start else { return false };
                bar > start
                    && a[bar] > b[bar]
                    && a[bar - 1] <= b[bar - 1]
                    && (start..bar).any(|at| a[at] < b[at])
            })
            .collect()
    }

    #[test]
    fn touching_is_not_crossing() {
        let a = [2.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 2.0, NONE, 1.0, 2.0];
        let expected = [6, 8];
        let crossed = Sides::of(Operand::Column(&a), Operand::Constant(1.0), a.len()).crossed(true);
        assert_eq!(crossed.ones().collect::<Vec<_>>(), expected);
    }

    proptest! {
        /// Prices that stand still make averages that are equal, or apart by nothing but rounding.
        #[test]
        fn averages_are_compared_as_their_columns_are(
            steps in prop::collection::vec((0_u8..5, 1_usize..40), 0..40),
            unit in prop::sample::select(vec![0.1, 1.0, 1e-290, 1e300, -3.7]),
            periods in (1_usize..70, 1_usize..70),
        ) {
            let prices: Vec<f64> = steps.iter().flat_map(|(price, bars)| vec![f64::from(*price) * unit; *bars]).collect();
            let column = |period: usize| {
                let period = f64::from(u32::try_from(period).unwrap());
                SMA.compute(&[&prices], &[period], true).unwrap().remove(0)
            };
            let (a, b) = (column(periods.0), column(periods.1));
            let (a, b) = (Operand::Column(&a), Operand::Column(&b));
            let expected = Sides::of(a, b, prices.len());
            let found = Sides::of_averages((&prices, periods.0), (&prices, periods.1), prices.len());
            for above in [true, false] {
                prop_assert_eq!(found.crossed(above), expected.crossed(above));
            }
        }

        #[test]
        fn words_follow_the_rule(pairs in prop::collection::vec((0_u8..4, 0_u8..3, 0_u8..40), 0..300)) {
            let a: Vec<f64> = pairs.iter().map(|(a, _, missing)| if *missing == 0 { NONE } else { f64::from(*a) }).collect();
            let b: Vec<f64> = pairs.iter().map(|(_, b, missing)| if *missing == 1 { NONE } else { f64::from(*b) }).collect();
            let sides = Sides::of(Operand::Column(&a), Operand::Column(&b), a.len());
            let above: Vec<bool> = (0..a.len()).map(|bar| sides.crossed(true).get(bar)).collect();
            let below: Vec<bool> = (0..a.len()).map(|bar| sides.crossed(false).get(bar)).collect();
            prop_assert_eq!(above, by_the_rule(&a, &b));
            prop_assert_eq!(below, by_the_rule(&b, &a));
        }
    }
}
