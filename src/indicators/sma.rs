//! Simple moving average.

use ta_lib::RetCode;

use super::indicator::{
    Indicator, Output, Parameter, Series, Shortcut, core, integer, look_back_bars,
};
use super::memory::Memory;
use super::sma_pair::compare_averages;
use super::three_way_comparison::ThreeWayComparison;

/// The arithmetic mean of the last `period` values.
pub const SMA: Indicator = Indicator {
    title: "Simple moving average",
    doc: "The arithmetic mean of the last `period` values.",
    inputs: &[Series::Close],
    parameters: &[Parameter::period("period", "Number of bars in the average", 30.0, 1.0)],
    outputs: &[
        Output::new("sma", "The arithmetic mean of the last `period` values.").within_inputs()
    ],
    look_back: |parameters| look_back_bars(core().sma_lookback(integer(parameters, 0))),
    memory: Memory::Window,
    kernel: |inputs, parameters, outputs, _| match (inputs, outputs) {
        ([values], [output]) => {
            core().sma(0, values.len() - 1, values, integer(parameters, 0), output)
        }
        _ => Err(RetCode::BadParam),
    },
    shortcut: Some(Shortcut::Pair(|a, b| match (a.inputs, b.inputs) {
        ([input_a], [input_b]) => {
            compare_averages((input_a, period(a.parameters)), (input_b, period(b.parameters)))
        }
        _ => ThreeWayComparison::with_capacity(0),
    })),
};

fn period(parameters: &[f64]) -> usize {
    usize::try_from(integer(parameters, 0)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::indicators::Computation;
    use crate::indicators::sma_pair::{AveragePair, BlockContent};
    use crate::indicators::three_way_comparison::BLOCK_BARS;

    /// Lengths around a block, around eight blocks, and around the sections of 32,768 bars that later stages use.
    const LENGTHS: [usize; 12] = [0, 1, 63, 64, 65, 511, 512, 513, 32_767, 32_768, 32_769, 65_537];

    fn prices(bars: usize) -> Vec<f64> {
        (0..bars).map(|bar| 0.1 * (bar * 7919 % 1013) as f64 + 0.001 * bar as f64).collect()
    }

    fn average(input: &[f64], period: usize) -> Vec<f64> {
        SMA.compute(&[input], &[period as f64], true).unwrap().remove(0)
    }

    fn compare_columns(a: &[f64], b: &[f64]) -> ThreeWayComparison {
        let mut comparison = ThreeWayComparison::with_capacity(a.len());
        for (a, b) in a.chunks(BLOCK_BARS).zip(b.chunks(BLOCK_BARS)) {
            comparison.push_block(a, b);
        }
        comparison
    }

    fn compare_fused(a: (&[f64], usize), b: (&[f64], usize)) -> ThreeWayComparison {
        let Some(Shortcut::Pair(compare)) = SMA.shortcut else { unreachable!() };
        compare(
            Computation { inputs: &[a.0], parameters: &[a.1 as f64] },
            Computation { inputs: &[b.0], parameters: &[b.1 as f64] },
        )
    }

    /// Returns the words of a comparison with the unspecified bits after the last bar cleared.
    fn words(comparison: &ThreeWayComparison) -> [Vec<u64>; 3] {
        let mask = match comparison.bars() % BLOCK_BARS {
            0 => u64::MAX,
            rest => (1 << rest) - 1,
        };
        [comparison.above(), comparison.below(), comparison.defined()].map(|words| {
            let mut words = words.to_vec();
            words.last_mut().into_iter().for_each(|last| *last &= mask);
            words
        })
    }

    #[test]
    fn blocks_are_bit_identical_to_the_values_of_ta_lib() {
        for bars in LENGTHS {
            let input = &prices(bars)[..];
            for periods in [[1, 2], [10, 30], [64, 65], [200, 5], [7, 500]] {
                let expected = periods.map(|period| average(input, period));
                let mut pair = AveragePair::new([input, input], periods);
                let (mut a, mut b) = ([0.0; BLOCK_BARS], [0.0; BLOCK_BARS]);
                let mut actual = [Vec::new(), Vec::new()];
                while let Some(content) = pair.next_block(&mut a, &mut b, |_| ()) {
                    let count = match content {
                        BlockContent::Averages(count) => count,
                        BlockContent::Sums => {
                            pair.divide(&mut a, &mut b);
                            BLOCK_BARS
                        }
                    };
                    actual[0].extend_from_slice(&a[..count]);
                    actual[1].extend_from_slice(&b[..count]);
                }
                let bits = |columns: &[Vec<f64>; 2]| {
                    columns.each_ref().map(|column| {
                        column.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
                    })
                };
                assert!(bits(&actual) == bits(&expected), "{periods:?} on {bars} bars");
            }
        }
    }

    #[test]
    fn full_blocks_after_the_warm_up_are_sums() {
        for bars in LENGTHS {
            let input = &prices(bars)[..];
            let mut pair = AveragePair::new([input, input], [10, 30]);
            let (mut a, mut b) = ([0.0; BLOCK_BARS], [0.0; BLOCK_BARS]);
            let mut sums = 0;
            while let Some(content) = pair.next_block(&mut a, &mut b, |_| ()) {
                sums += usize::from(content == BlockContent::Sums);
            }
            // The first block holds the warm-up.
            assert_eq!(sums, (bars / BLOCK_BARS).saturating_sub(1), "{bars} bars");
        }
    }

    #[test]
    fn fused_comparisons_equal_those_of_columns_at_every_length() {
        for bars in LENGTHS {
            let input = &prices(bars)[..];
            for periods in [[1, 2], [10, 30], [30, 10], [64, 65], [5, 5], [7, 500]] {
                let [a, b] = periods;
                let expected = compare_columns(&average(input, a), &average(input, b));
                let actual = compare_fused((input, a), (input, b));
                assert_eq!(actual.bars(), bars);
                assert!(words(&actual) == words(&expected), "{periods:?} on {bars} bars");
            }
        }
    }

    proptest! {
        /// Prices that stand still lead to averages that are equal, or differ only by rounding.
        #[test]
        fn fused_comparisons_equal_those_of_columns_for_random_prices(
            steps in prop::collection::vec((0_u8..5, 1_usize..40), 0..40),
            unit in prop::sample::select(vec![0.1, 1.0, 1e-290, 1e300, -3.7]),
            (a, b) in (1_usize..70, 1_usize..70),
        ) {
            let prices: Vec<f64> = steps
                .iter()
                .flat_map(|(price, bars)| vec![f64::from(*price) * unit; *bars])
                .collect();
            let expected = compare_columns(&average(&prices, a), &average(&prices, b));
            let actual = compare_fused((&prices, a), (&prices, b));
            prop_assert_eq!(words(&actual), words(&expected));
        }
    }
}
