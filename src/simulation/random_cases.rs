//! Random runs over all settings, for property tests.

use std::fmt;

use proptest::prelude::*;

use super::Prices;
use crate::settings::{
    Accumulate, Conflict, Direction, DirectionConflict, Execution, OppositeEntry, Settings,
    SizeType, StopEntryPrice, StopExit, StopExitPrice, StopUpdate, YearDays,
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
    pub(crate) settings: Settings,
}

impl Case {
    /// Returns the case with all-in orders. It keeps its costs, fill prices and signals.
    pub(crate) fn all_in(self, min_size: f64) -> Self {
        let settings = self.settings.with(|settings| {
            settings.sizing.size = f64::INFINITY;
            settings.sizing.size_type = SizeType::Amount;
            settings.sizing.min_size = min_size;
            settings.sizing.max_size = f64::INFINITY;
            settings.sizing.size_granularity = None;
            settings.rules.direction = Direction::LongOnly;
            settings.rules.accumulate = Accumulate::Disabled;
            settings.stops.sl_stop = None;
            settings.stops.tp_stop = None;
        });
        let signals = Signals { short_entries: None, short_exits: None, ..self.signals };
        Self { signals, settings, ..self }
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
    ) -> Settings {
        Settings::default().with(|settings| {
            settings.costs.fees = fees;
            settings.costs.fixed_fees = fixed_fees;
            settings.costs.slippage = slippage;
            settings.sizing.size = size;
            settings.sizing.size_type = size_type;
            settings.sizing.max_size = max_size;
            settings.sizing.size_granularity = size_granularity;
            settings.sizing.lock_cash = lock_cash;
            settings.sizing.allow_partial = allow_partial;
        })
    }
}

prop_compose! {
    fn rules(sizes: Settings)(
        direction in pick(Direction::ALL),
        accumulate in pick(Accumulate::ALL),
        upon_long_conflict in pick(Conflict::ALL),
        upon_short_conflict in pick(Conflict::ALL),
        upon_dir_conflict in pick(DirectionConflict::ALL),
        upon_opposite_entry in pick(OppositeEntry::ALL),
        execution in pick(Execution::ALL),
        sizes in Just(sizes),
    ) -> Settings {
        sizes.with(|settings| {
            settings.rules.direction = direction;
            settings.rules.accumulate = accumulate;
            settings.rules.upon_long_conflict = upon_long_conflict;
            settings.rules.upon_short_conflict = upon_short_conflict;
            settings.rules.upon_dir_conflict = upon_dir_conflict;
            settings.rules.upon_opposite_entry = upon_opposite_entry;
            settings.conventions.execution = execution;
        })
    }
}

prop_compose! {
    fn stops(rules: Settings)(
        sl_stop in proptest::option::of(0.005..0.1),
        sl_trail in any::<bool>(),
        tp_stop in proptest::option::of(0.005..0.1),
        stop_entry_price in pick(StopEntryPrice::ALL),
        stop_exit_price in pick(StopExitPrice::ALL),
        upon_stop_exit in pick(StopExit::ALL),
        upon_stop_update in pick(StopUpdate::ALL),
        rules in Just(rules),
    ) -> Settings {
        rules.with(|settings| {
            settings.stops.sl_stop = sl_stop;
            settings.stops.sl_trail = sl_trail;
            settings.stops.tp_stop = tp_stop;
            settings.stops.stop_entry_price = stop_entry_price;
            settings.stops.stop_exit_price = stop_exit_price;
            settings.stops.upon_stop_exit = upon_stop_exit;
            settings.stops.upon_stop_update = upon_stop_update;
        })
    }
}

prop_compose! {
    pub(crate) fn cases()(bars in 1_usize..300)(
        steps in proptest::collection::vec((-0.05..0.05, -0.02..0.02, 0.0..0.03, 0.0..0.03), bars),
        entries in bits(bars),
        exits in bits(bars),
        short_entries in proptest::option::of(bits(bars)),
        short_exits in proptest::option::of(bits(bars)),
        settings in sizes()
            .prop_flat_map(rules)
            .prop_flat_map(|rules| prop_oneof![Just(rules.clone()), stops(rules)]),
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
        Case { open, high, low, close, signals: Signals { entries, exits, short_entries, short_exits }, settings }
    }
}

/// Amounts at and near the ends of the range of numbers, in between, and of everyday size.
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
    /// Runs whose prices, sizes and costs lie anywhere in the range of numbers, and their initial capital.
    pub(crate) fn extreme_cases()(case in cases(), scales in proptest::collection::vec(magnitude(), 1..4))(
        draws in proptest::collection::vec(
            (0..scales.len(), proptest::array::uniform4(prop_oneof![Just(1.0), Just(0.5), 0.5..1.05_f64])),
            case.close.len(),
        ),
        capital in magnitude(),
        size in or_extreme(case.settings.sizing.size),
        fees in prop_oneof![3 => Just(case.settings.costs.fees), 1 => Just(-0.999_999_9), 1 => magnitude()],
        fixed_fees in prop_oneof![3 => Just(0.0), 1 => magnitude(), 1 => magnitude().prop_map(|fee| -fee)],
        slippage in prop_oneof![3 => Just(case.settings.costs.slippage), 1 => Just(0.999_999_9), 1 => Just(5e-324)],
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
        let size = if case.settings.sizing.size_type == SizeType::Percent { size.min(1.0) } else { size };
        let settings = case.settings.with(|settings| {
            settings.costs.fees = fees;
            settings.costs.fixed_fees = fixed_fees;
            settings.costs.slippage = slippage;
            settings.sizing.size = size;
            settings.sizing.min_size = min_size;
            settings.sizing.max_size = max_size;
            settings.sizing.size_granularity = size_granularity;
            settings.stops.sl_stop = sl_stop;
            settings.stops.tp_stop = tp_stop;
            settings.conventions.risk_free = risk_free;
            settings.conventions.year_days = YearDays::Days(year_days);
        });
        (Case { open, high, low, close, signals: case.signals, settings }, capital)
    }
}
