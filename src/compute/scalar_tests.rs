//! Compares the scalar version of whole functions with the one for AVX2, bit by bit, on a processor that has both.

use std::fmt::Debug;

use super::multiversion::{detect, scalar};
use super::parallel::Sequential;
use crate::market::validated_copy::copied;
use crate::market::{Annualization, Bars, BorrowedBars, Timestamps, time};
use crate::metrics::{EquityInput, EquityStatistics, StatisticSet};
use crate::observer::NoObserver;
use crate::portfolio::Valuation;
use crate::request::Issues;
use crate::simulation::{Holdings, Orders, Prices};
use crate::strategies::Registry;

/// Lengths around those of lanes, words, blocks, the smallest sample of the tails, and sections.
const LENGTHS: [usize; 22] = [
    0, 1, 3, 4, 5, 31, 33, 63, 64, 65, 511, 512, 513, 1_023, 1_025, 8_191, 8_192, 8_193, 32_767,
    32_768, 32_769, 66_000,
];

/// Fails unless both versions return the same. `Debug` writes floats so that they can be read back, so equal texts mean
/// equal bits.
fn same<T: Debug>(what: &str, work: impl Fn() -> T) {
    let scalar = scalar::forced(|| format!("{:?}", work()));
    let other = format!("{:?}", work());
    assert!(scalar == other, "{what} depends on the processor");
}

/// Does the same for values that are equal only if their bits are, without writing them.
fn equal<T: PartialEq>(what: &str, work: impl Fn() -> T) {
    assert!(scalar::forced(&work) == work(), "{what} depends on the processor");
}

fn noise(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 11) as f64 / (1_u64 << 53) as f64
}

/// Open, high, low and close of a random walk.
fn walk(bars: usize) -> [Vec<f64>; 4] {
    let mut state = bars as u64 + 7;
    let mut price = 100.0;
    let mut columns = [const { Vec::new() }; 4];
    for _ in 0..bars {
        let open = price;
        price *= 1.0 + 0.02 * (noise(&mut state) - 0.499);
        let high = open.max(price) * (1.0 + 0.01 * noise(&mut state));
        let low = open.min(price) * (1.0 - 0.01 * noise(&mut state));
        for (column, value) in columns.iter_mut().zip([open, high, low, price]) {
            column.push(value);
        }
    }
    columns
}

fn minutes(bars: usize) -> Vec<f64> {
    (0..bars).map(|bar| bar as f64 * 60_000.0).collect()
}

/// Places to put a faulty value: both ends and the seams of blocks and sections.
fn seams(len: usize) -> impl Iterator<Item = usize> {
    let places = [0, 3, 4, 511, 512, 32_767, 32_768, len.wrapping_sub(1)];
    places.into_iter().filter(move |place| *place < len)
}

#[test]
fn the_scalar_version_can_be_forced() {
    assert!(scalar::forced(detect).is_none());
    assert_eq!(detect().is_some(), std::arch::is_x86_feature_detected!("avx2"));
}

#[test]
fn equity_statistics_are_the_same() {
    for bars in LENGTHS {
        let [_, _, equity, close] = walk(bars);
        // A curve that touches zero and below takes another path.
        let insolvent: Vec<f64> = equity.iter().map(|value| value - 101.0).collect();
        for equity in [equity, insolvent] {
            let curve = EquityInput {
                initial_capital: 99.0,
                close: &close,
                bar_milliseconds: Some(60_000),
                annualization: Annualization::with_year_days(365.0, Some(60_000)),
                risk_free: 0.02,
            };
            same(&format!("a curve of {bars} bars"), || {
                EquityStatistics::new(
                    &curve,
                    &equity.as_slice(),
                    StatisticSet::ALL,
                    &Sequential,
                    Vec::new(),
                )
            });
        }
    }
}

#[test]
fn the_valuation_of_orders_is_the_same() {
    for bars in LENGTHS {
        let [_, _, _, close] = walk(bars);
        let bar: Vec<u32> =
            (0..u32::try_from(bars).unwrap()).filter(|bar| bar % 97 % 5 == 3).collect();
        let orders = Orders {
            side: bar.iter().enumerate().map(|(order, _)| u8::from(order % 2 == 1)).collect(),
            size: vec![0.7; bar.len()],
            price: bar.iter().map(|bar| close[*bar as usize]).collect(),
            fees: vec![0.01; bar.len()],
            bar,
            ..Orders::default()
        };
        let holdings = Holdings::replay(&orders, 1_000.0);
        let valuation = Valuation::new(&close, &orders, &holdings, 1_000.0);
        same(&format!("the equity of {bars} bars"), || {
            let mut equity = vec![0.0; bars];
            valuation.write(0, &mut equity);
            equity
        });
        let mut part = vec![0.0; bars / 2];
        let mut part_of = |forced: bool| {
            let mut write = || valuation.write(bars / 3, &mut part);
            if forced {
                scalar::forced(write);
            } else {
                write();
            }
            part.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
        };
        assert!(part_of(true) == part_of(false), "a part of {bars} bars");
    }
}

#[test]
fn crossings_and_comparisons_are_the_same() {
    let registry = Registry::builtin().unwrap();
    for strategy in registry.list() {
        let mut issues = Issues::default();
        let bound = strategy.bind(None, &mut issues).unwrap();
        for bars in LENGTHS {
            let [mut open, mut high, mut low, mut close] = walk(bars);
            // Prices that stand still make averages that are equal except for rounding.
            for column in [&mut open, &mut high, &mut low, &mut close] {
                column.iter_mut().skip(bars / 2).for_each(|value| *value = 50.1);
            }
            let borrowed = BorrowedBars {
                timestamps: &minutes(bars),
                open: &open,
                high: &high,
                low: &low,
                close: &close,
                volume: None,
            };
            let bars = Bars::copied(&borrowed, &Sequential).unwrap();
            same(&format!("signals on {} bars", bars.len()), || {
                bound.signals(&bars, &NoObserver).unwrap()
            });
        }
    }
}

#[test]
fn validated_copies_are_the_same_and_notice_the_same_faults() {
    for bars in LENGTHS {
        let timestamps = minutes(bars);
        let columns = walk(bars);
        let volume = vec![2.5; bars];
        let copy = |timestamps: &[f64], [open, high, low, close]: &[Vec<f64>; 4]| {
            let borrowed =
                BorrowedBars { timestamps, open, high, low, close, volume: Some(&volume) };
            let bars = Bars::copied(&borrowed, &Sequential)?;
            let bits = |column: &[f64]| column.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            let prices = [bars.open(), bars.high(), bars.low(), bars.close()].map(|c| bits(c));
            Some((bars.timestamps().to_vec(), prices, bars.median_step()))
        };
        equal("a copy of bars", || copy(&timestamps, &columns));
        assert!(copy(&timestamps, &columns).is_some());
        for place in seams(bars) {
            for fault in [0.0, -1.0, f64::NAN, f64::INFINITY] {
                let mut faulty = columns.clone();
                faulty[place % 4][place] = fault;
                equal("a copy of faulty bars", || copy(&timestamps, &faulty));
                assert!(copy(&timestamps, &faulty).is_none());
                equal("a copy of numbers", || {
                    let (column, are_prices) = copied(&faulty[place % 4], &Sequential);
                    (column.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), are_prices)
                });
            }
            for fault in [0.5, f64::NAN, 1e300, -1.0] {
                let mut odd = timestamps.clone();
                odd[place] += fault;
                equal("timestamps", || {
                    let read = Timestamps::of(&odd, &Sequential)?;
                    Some((read.values.to_vec(), read.step, read.regular))
                });
            }
        }
    }
}

#[test]
fn checks_and_conversions_of_columns_are_the_same() {
    for bars in LENGTHS {
        let whole: Vec<i64> = (0_i64..).take(bars).map(|bar| bar * 60_000 - 7).collect();
        same("timestamps as numbers", || time::to_numbers(&whole, &Sequential));
        let columns = walk(bars);
        let check = |columns: &[Vec<f64>; 4]| {
            let [open, high, low, close] = columns.clone().map(Into::into);
            Bars::new(whole.clone(), open, high, low, close, None).map(|bars| bars.median_step())
        };
        same("a check of bars", || check(&columns));
        for place in seams(bars) {
            let mut faulty = columns.clone();
            faulty[place % 4][place] = -0.0;
            same("a check of faulty bars", || check(&faulty));
            same("a check of prices", || Prices::new(None, None, None, &faulty[place % 4]).err());
        }
    }
}
