//! Signals to the size of an order.
//!
//! If there are several signals, an entry against the position goes first, then an exit, then an entry in its direction.
//! Without accumulation an exit closes the position, an entry against it reverses it (by the whole position plus the size of
//! one entry), and an entry in its direction does nothing.

use super::rejections::SignalKind;
use super::signal_set::SignalSet;
use crate::error::{Error, Result};
use crate::market::{BarRef, overflow};
use crate::settings::{Accumulate, Direction, Settings, SizeType};

/// An order before it is executed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Order {
    /// How much, in units of `size_type`: above 0 buys, below 0 sells, infinity for all that is possible.
    pub(super) size: f64,
    /// What `size` is measured in.
    pub(super) size_type: SizeType,
    /// Which positions the order may leave behind.
    pub(super) direction: Direction,
}

/// A signal and its order. A plain structure stays in registers, unlike a result of an option.
#[derive(Debug, Clone, Copy)]
pub(super) struct SizedOrder {
    pub(super) state: SizeState,
    /// The signal to act on and its order, if there is one.
    pub(super) kind: SignalKind,
    pub(super) order: Order,
}

/// Whether signals make an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SizeState {
    Order,
    /// No signal changes the position.
    NoOrder,
    /// An error: a percentage cannot reverse a position.
    PercentReverses,
    /// An error: the units of a reversal overflow.
    ReversalOverflows,
}

/// Returns the signal to act on and its order; `None` if no signal changes the position.
///
/// # Errors
/// `INVALID_ARGUMENT` for a reversal by a percentage, and for one whose units overflow.
#[inline]
pub(super) fn size(
    signals: SignalSet,
    position: f64,
    accumulate: Accumulate,
    valuation_price: f64,
    settings: &Settings,
    bar: BarRef<'_>,
) -> Result<Option<(SignalKind, Order)>> {
    let SizedOrder { state, kind, order } =
        sized_order(signals, position, accumulate, valuation_price, settings);
    match state {
        SizeState::Order => Ok(Some((kind, order))),
        SizeState::NoOrder => Ok(None),
        SizeState::PercentReverses => Err(Error::invalid(
            "sizeType",
            "conflict",
            format!(
                "sizeType percent cannot reverse a position, which {bar} requires; choose amount or value, or close and \
                 enter on different bars (uponOppositeEntry close, uponStopExit close)"
            ),
        )),
        SizeState::ReversalOverflows => Err(overflow("the size of the reversal", bar)),
    }
}

/// Returns the signal to act on and its order.
#[inline(always)]
pub(super) fn sized_order(
    signals: SignalSet,
    position: f64,
    accumulate: Accumulate,
    valuation_price: f64,
    settings: &Settings,
) -> SizedOrder {
    let entry_size = settings.sizing.size;
    let sized = |size, direction| Order { size, size_type: settings.sizing.size_type, direction };
    let found = |kind, order| SizedOrder { state: SizeState::Order, kind, order };
    let nothing =
        |state| SizedOrder { state, kind: SignalKind::Stop, order: sized(0.0, Direction::Both) };
    if position == 0.0 {
        return if signals.has(SignalKind::LongEntry) {
            found(SignalKind::LongEntry, sized(entry_size, Direction::Both))
        } else if signals.has(SignalKind::ShortEntry) {
            found(SignalKind::ShortEntry, sized(-entry_size, Direction::Both))
        } else {
            nothing(SizeState::NoOrder)
        };
    }
    let (toward, own, entry, exit, opposite) = if position > 0.0 {
        (
            1.0,
            Direction::LongOnly,
            SignalKind::LongEntry,
            SignalKind::LongExit,
            SignalKind::ShortEntry,
        )
    } else {
        (
            -1.0,
            Direction::ShortOnly,
            SignalKind::ShortEntry,
            SignalKind::ShortExit,
            SignalKind::LongEntry,
        )
    };
    let reduces = matches!(accumulate, Accumulate::Both | Accumulate::RemoveOnly);
    let adds = matches!(accumulate, Accumulate::Both | Accumulate::AddOnly);
    if signals.has(opposite) {
        if reduces {
            return found(opposite, sized(-toward * entry_size, Direction::Both));
        }
        // By how many units the reversal goes beyond closing the position.
        let beyond = match settings.sizing.size_type {
            SizeType::Amount => entry_size,
            // The result is in units and not converted again, so that a price too small for a conversion is accepted, as in
            // vectorbt.
            SizeType::Value => entry_size / valuation_price,
            SizeType::Percent => return nothing(SizeState::PercentReverses),
        };
        let units = position.abs() + beyond;
        // An infinite size would mean all that is possible, which was not requested.
        if units.is_infinite() && entry_size.is_finite() {
            return nothing(SizeState::ReversalOverflows);
        }
        let (size, size_type) = (-toward * units, SizeType::Amount);
        found(opposite, Order { size, size_type, direction: Direction::Both })
    } else if signals.has(exit) {
        let order = if reduces {
            sized(-toward * entry_size, own)
        } else {
            Order { size: -position, size_type: SizeType::Amount, direction: own }
        };
        found(exit, order)
    } else if signals.has(entry) && adds {
        found(entry, sized(toward * entry_size, own))
    } else {
        nothing(SizeState::NoOrder)
    }
}

/// Converts a value to units; `None` if [`amount_of_value`] fails.
#[inline(always)]
pub(super) fn units_of_value(value: f64, price: f64) -> Option<f64> {
    let units = value / price;
    // An infinite size asks for all that is possible: a value that buys too many units does not.
    let fails = super::approx::snap(price) == 0.0 || units.is_infinite() && value.is_finite();
    (!fails).then_some(units)
}

/// Converts a value to units.
///
/// # Errors
/// `INVALID_ARGUMENT` if the price is within rounding error of zero, or the units overflow.
#[inline]
pub(super) fn amount_of_value(value: f64, price: f64, bar: BarRef<'_>) -> Result<f64> {
    if super::approx::snap(price) == 0.0 {
        let message = format!("sizeType value needs a price above 1e-12, was {price:?} at {bar}");
        return Err(Error::invalid("sizeType", "conflict", message));
    }
    units_of_value(value, price).ok_or_else(|| overflow("the size of the order", bar))
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the results are exact")]
mod tests {
    use super::*;

    const BAR: BarRef<'static> = BarRef { bar: 7, timestamps: &[] };

    fn order(kind: SignalKind, position: f64, settings: &Settings) -> Option<(SignalKind, Order)> {
        size(SignalSet::NONE.with(kind), position, settings.rules.accumulate, 50.0, settings, BAR)
            .unwrap()
    }

    #[test]
    fn a_reversal_goes_one_entry_beyond_the_position() {
        let settings = Settings::default().with(|settings| {
            settings.sizing.size = 300.0;
            settings.sizing.size_type = SizeType::Value;
        });
        let (_, reversal) = order(SignalKind::ShortEntry, 4.0, &settings).unwrap();
        assert_eq!(
            reversal,
            Order { size: -10.0, size_type: SizeType::Amount, direction: Direction::Both }
        );
    }

    #[test]
    fn a_reversal_by_value_is_made_at_the_tiniest_price() {
        // vectorbt 1.2.0: from_signals([1e-11, 1e-13], [1, 0], [0, 1], direction="both", size=1e-4, size_type="value",
        // init_cash=1e-3) reverses 1e7 units at 1e-13 with an order of 1.01e9.
        let settings = Settings::default().with(|settings| {
            settings.sizing.size = 1e-4;
            settings.sizing.size_type = SizeType::Value;
        });
        let signals = SignalSet::NONE.with(SignalKind::ShortEntry);
        let sized = size(signals, 1e7, Accumulate::Disabled, 1e-13, &settings, BAR).unwrap();
        assert!((sized.unwrap().1.size / -1.01e9 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_reversal_by_percent_names_its_bar() {
        let settings = Settings::default().with(|settings| {
            settings.sizing.size = 0.5;
            settings.sizing.size_type = SizeType::Percent;
        });
        let signals = SignalSet::NONE.with(SignalKind::ShortEntry);
        let error = size(signals, 4.0, Accumulate::Disabled, 50.0, &settings, BAR).unwrap_err();
        assert!(error.message.contains("bar 7"), "{error}");
    }

    #[test]
    fn more_units_than_a_number_holds_are_not_taken_for_all_that_is_possible() {
        let value = Settings::default().with(|settings| {
            settings.sizing.size = 1e300;
            settings.sizing.size_type = SizeType::Value;
        });
        let units = Settings::default().with(|settings| {
            settings.sizing.size = f64::MAX;
        });
        let signals = SignalSet::NONE.with(SignalKind::ShortEntry);
        for (settings, position, price) in [(&value, 1.0, 1e-10), (&units, f64::MAX, 1.0)] {
            let reversal = size(signals, position, Accumulate::Disabled, price, settings, BAR);
            let error = reversal.unwrap_err();
            assert!(error.message.starts_with("the size of the reversal on bar 7"), "{error}");
        }
        let error = amount_of_value(-1e300, 1e-10, BAR).unwrap_err();
        assert!(error.message.starts_with("the size of the order on bar 7"), "{error}");
        assert_eq!(amount_of_value(f64::INFINITY, 1.0, BAR).unwrap(), f64::INFINITY);
    }

    #[test]
    fn accumulation_decides_between_reducing_and_closing() {
        let settings = Settings::default().with(|settings| {
            settings.sizing.size = 1.0;
        });
        assert_eq!(order(SignalKind::LongEntry, 4.0, &settings), None);
        assert_eq!(order(SignalKind::LongExit, 4.0, &settings).unwrap().1.size, -4.0);
        let settings = settings.with(|settings| {
            settings.rules.accumulate = Accumulate::Both;
        });
        assert_eq!(order(SignalKind::LongEntry, 4.0, &settings).unwrap().1.size, 1.0);
        assert_eq!(order(SignalKind::LongExit, 4.0, &settings).unwrap().1.size, -1.0);
        assert_eq!(order(SignalKind::LongEntry, -4.0, &settings).unwrap().1.size, 1.0);
    }
}
