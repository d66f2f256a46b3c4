//! Random runs over all settings, for property tests.

use std::fmt;

use proptest::prelude::*;

use super::Prices;
use super::options::{
    Accumulate, Conflict, Direction, DirectionConflict, Execution, OppositeEntry, Options,
    SizeType, StopEntryPrice, StopExit, StopExitPrice, StopUpdate,
};
use crate::signals::{Bits, Signals};

/// One random run.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) open: Vec<f64>,
    pub(crate) high: Vec<f64>,
    pub(crate) low: Vec<f64>,
    pub(crate) close: Vec<f64>,
    pub(crate) signals: Signals,
    pub(crate) options: Options,
}

impl Case {
    /// Returns the case with all cash in the asset or none; fees, prices of fills and signals are its own.
    pub(crate) fn all_in(self, min_size: f64) -> Self {
        let options = Options {
            size: f64::INFINITY,
            size_type: SizeType::Amount,
            min_size,
            max_size: f64::INFINITY,
            size_granularity: None,
            direction: Direction::LongOnly,
            accumulate: Accumulate::Disabled,
            sl_stop: None,
            tp_stop: None,
            ..self.options
        };
        let signals = Signals { short_entries: None, short_exits: None, ..self.signals };
        Self { signals, options, ..self }
    }

    pub(crate) fn prices(&self) -> Prices<'_> {
        Prices::new(Some(&self.open), Some(&self.high), Some(&self.low), &self.close).unwrap()
    }
}

fn pick<T: Copy + fmt::Debug + 'static>(
    choices: &'static [(&'static str, T)],
) -> impl Strategy<Value = T> {
    proptest::sample::select(choices).prop_map(|(_, choice)| choice)
}

fn bits(bars: usize) -> impl Strategy<Value = Bits> {
    let dense = prop_oneof![Just(0.02), Just(0.2), Just(0.7)];
    dense.prop_flat_map(move |share| {
        proptest::collection::vec(proptest::bool::weighted(share), bars)
            .prop_map(|set| Bits::from_fn(set.len(), |bar| set[bar]))
    })
}

prop_compose! {
    fn sizes()(
        (size_type, size) in prop_oneof![
            Just((SizeType::Amount, f64::INFINITY)),
            (0.1..20.0).prop_map(|size| (SizeType::Amount, size)),
            (10.0..2000.0).prop_map(|size| (SizeType::Value, size)),
            (0.05..1.0).prop_map(|size| (SizeType::Percent, size)),
        ],
        fees in prop_oneof![Just(0.0), Just(0.001), Just(0.05), Just(-0.0005)],
        fixed_fees in prop_oneof![Just(0.0), Just(5.0)],
        slippage in prop_oneof![Just(0.0), Just(0.002)],
        size_granularity in proptest::option::of(Just(0.5)),
        max_size in prop_oneof![Just(f64::INFINITY), Just(3.0)],
        allow_partial in any::<bool>(),
        lock_cash in any::<bool>(),
    ) -> Options {
        Options { fees, fixed_fees, slippage, size, size_type, max_size, size_granularity, lock_cash, allow_partial, ..Options::default() }
    }
}

prop_compose! {
    fn rules(sizes: Options)(
        direction in pick(Direction::ALL),
        accumulate in pick(Accumulate::ALL),
        upon_long_conflict in pick(Conflict::ALL),
        upon_short_conflict in pick(Conflict::ALL),
        upon_dir_conflict in pick(DirectionConflict::ALL),
        upon_opposite_entry in pick(OppositeEntry::ALL),
        execution in pick(Execution::ALL),
        sizes in Just(sizes),
    ) -> Options {
        Options {
            direction, accumulate, upon_long_conflict, upon_short_conflict, upon_dir_conflict, upon_opposite_entry, execution, ..sizes
        }
    }
}

prop_compose! {
    fn stops(rules: Options)(
        sl_stop in proptest::option::of(0.005..0.1),
        sl_trail in any::<bool>(),
        tp_stop in proptest::option::of(0.005..0.1),
        stop_entry_price in pick(StopEntryPrice::ALL),
        stop_exit_price in pick(StopExitPrice::ALL),
        upon_stop_exit in pick(StopExit::ALL),
        upon_stop_update in pick(StopUpdate::ALL),
        rules in Just(rules),
    ) -> Options {
        Options { sl_stop, sl_trail, tp_stop, stop_entry_price, stop_exit_price, upon_stop_exit, upon_stop_update, ..rules }
    }
}

prop_compose! {
    pub(crate) fn cases()(bars in 1_usize..300)(
        steps in proptest::collection::vec((-0.05..0.05, -0.02..0.02, 0.0..0.03, 0.0..0.03), bars),
        entries in bits(bars),
        exits in bits(bars),
        short_entries in proptest::option::of(bits(bars)),
        short_exits in proptest::option::of(bits(bars)),
        options in sizes().prop_flat_map(rules).prop_flat_map(|rules| prop_oneof![Just(rules.clone()), stops(rules)]),
    ) -> Case {
        let mut last: f64 = 100.0;
        let (mut open, mut high, mut low, mut close) = (vec![], vec![], vec![], vec![]);
        for (step, gap, up, down) in steps {
            let (first, end): (f64, f64) = (last * (1.0 + gap), last * (1.0 + step));
            open.push(first);
            high.push(first.max(end) * (1.0 + up));
            low.push(first.min(end) * (1.0 - down));
            close.push(end);
            last = end;
        }
        Case { open, high, low, close, signals: Signals { entries, exits, short_entries, short_exits }, options }
    }
}

/// Amounts at and near the ends of the range of numbers, of the sizes in between, and of everyday ones.
const MAGNITUDES: [f64; 16] = [
    5e-324, 2.3e-308, 1e-300, 1e-160, 1e-30, 1e-13, 1e-8, 1e-3, 1.0, 100.0, 1e9, 1e16, 1e154,
    1e250, 1e300, 1.7e308,
];

fn magnitude() -> impl Strategy<Value = f64> {
    proptest::sample::select(&MAGNITUDES[..])
}

/// Draws an extreme amount or keeps the usual one.
fn or_extreme(usual: f64) -> impl Strategy<Value = f64> {
    prop_oneof![2 => Just(usual), 1 => magnitude()]
}

prop_compose! {
    /// Runs whose prices, sizes and costs lie anywhere in the range of numbers, with their initial capital.
    pub(crate) fn extreme_cases()(case in cases(), scales in proptest::collection::vec(magnitude(), 1..4))(
        draws in proptest::collection::vec(
            (0..scales.len(), proptest::array::uniform4(prop_oneof![Just(1.0), Just(0.5), 0.5..1.05_f64])),
            case.close.len(),
        ),
        capital in magnitude(),
        size in or_extreme(case.options.size),
        fees in prop_oneof![3 => Just(case.options.fees), 1 => Just(-0.999_999_9), 1 => magnitude()],
        fixed_fees in prop_oneof![3 => Just(0.0), 1 => magnitude(), 1 => magnitude().prop_map(|fee| -fee)],
        slippage in prop_oneof![3 => Just(case.options.slippage), 1 => Just(0.999_999_9), 1 => Just(5e-324)],
        (min_size, max_size) in (or_extreme(0.0), or_extreme(f64::INFINITY)),
        size_granularity in proptest::option::weighted(0.2, magnitude()),
        (sl_stop, tp_stop) in (proptest::option::weighted(0.2, magnitude()), proptest::option::weighted(0.2, magnitude())),
        (risk_free, year_days) in (or_extreme(0.0), or_extreme(365.0)),
        (case, scales) in (Just(case), Just(scales)),
    ) -> (Case, f64) {
        let (mut open, mut high, mut low, mut close) = (vec![], vec![], vec![], vec![]);
        for (scale, factors) in draws {
            let mut prices = factors.map(|factor| (scales[scale] * factor).max(5e-324));
            prices.sort_by(f64::total_cmp);
            let [lowest, first, last, highest] = prices;
            low.push(lowest);
            open.push(first);
            close.push(last);
            high.push(highest);
        }
        let size = if case.options.size_type == SizeType::Percent { size.min(1.0) } else { size };
        let options = Options {
            fees, fixed_fees, slippage, size, min_size, max_size, size_granularity, sl_stop, tp_stop, risk_free, year_days,
            ..case.options
        };
        (Case { open, high, low, close, signals: case.signals, options }, capital)
    }
}
