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

/// Returns the signal to act on and its order; `None` if no signal changes the position.
///
/// # Errors
/// `INVALID_ARGUMENT` for a reversal by a percentage, and for one whose units overflow.
#[inline(always)]
pub(super) fn size(
    signals: SignalSet,
    position: f64,
    accumulate: Accumulate,
    valuation_price: f64,
    settings: &Settings,
    bar: BarRef<'_>,
) -> Result<Option<(SignalKind, Order)>> {
    let entry_size = settings.sizing.size;
    let sized = |size, direction| Order { size, size_type: settings.sizing.size_type, direction };
    if position == 0.0 {
        return Ok(if signals.has(SignalKind::LongEntry) {
            Some((SignalKind::LongEntry, sized(entry_size, Direction::Both)))
        } else if signals.has(SignalKind::ShortEntry) {
            Some((SignalKind::ShortEntry, sized(-entry_size, Direction::Both)))
        } else {
            None
        });
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
    Ok(if signals.has(opposite) {
        let order = if reduces {
            sized(-toward * entry_size, Direction::Both)
        } else {
            let beyond = amount_beyond(valuation_price, settings, bar)?;
            let units = position.abs() + beyond;
            // An infinite size would mean all that is possible, which was not requested.
            if units.is_infinite() && entry_size.is_finite() {
                return Err(overflow("the size of the reversal", bar));
            }
            Order { size: -toward * units, size_type: SizeType::Amount, direction: Direction::Both }
        };
        Some((opposite, order))
    } else if signals.has(exit) {
        let order = if reduces {
            sized(-toward * entry_size, own)
        } else {
            Order { size: -position, size_type: SizeType::Amount, direction: own }
        };
        Some((exit, order))
    } else if signals.has(entry) && adds {
        Some((entry, sized(toward * entry_size, own)))
    } else {
        None
    })
}

/// Returns by how many units a reversal goes beyond closing the position.
#[inline]
fn amount_beyond(valuation_price: f64, settings: &Settings, bar: BarRef<'_>) -> Result<f64> {
    match settings.sizing.size_type {
        SizeType::Amount => Ok(settings.sizing.size),
        // The result is in units and not converted again, so that a price too small for a conversion is accepted, as in vectorbt.
        SizeType::Value => Ok(settings.sizing.size / valuation_price),
        SizeType::Percent => Err(Error::invalid(
            "sizeType",
            "conflict",
            format!(
                "sizeType percent cannot reverse a position, which {bar} requires; choose amount or value, or close and \
                 enter on different bars (uponOppositeEntry close, uponStopExit close)"
            ),
        )),
    }
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
    let units = value / price;
    // An infinite size asks for all that is possible: a value that buys too many units does not.
    if units.is_infinite() && value.is_finite() {
        return Err(overflow("the size of the order", bar));
    }
    Ok(units)
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
