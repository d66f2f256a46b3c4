//! Where a stop closes a long position that was opened with all cash at the close of a bar.

use super::prices::Prices;
use super::stops::ActiveStops;
use crate::settings::{Settings, StopEntryPrice, StopExitPrice};

/// An exit by a stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LongStop {
    /// The bar.
    pub bar: usize,
    /// The price before slippage.
    pub reference_price: f64,
    /// As a fraction.
    pub slippage: f64,
}

/// Returns the first stop of a position that was opened at the close of `entry`, up to and with the bar `last`; `None` if none
/// is hit. What it depends on is the bar of the entry, the prices and the settings, and not the size.
#[must_use]
pub fn first_long_stop(
    prices: &Prices<'_>,
    settings: &Settings,
    entry: usize,
    last: usize,
) -> Option<LongStop> {
    let close = prices.close_at(entry)?;
    let reference = match settings.stops.stop_entry_price {
        StopEntryPrice::ValPrice | StopEntryPrice::Price | StopEntryPrice::Close => close,
        StopEntryPrice::FillPrice => close * (1.0 + settings.costs.slippage),
    };
    let hit = ActiveStops::set(reference, settings).scan(entry + 1, last, true, prices)?;
    let reference_price = match settings.stops.stop_exit_price {
        StopExitPrice::StopLimit | StopExitPrice::StopMarket => hit.price,
        StopExitPrice::Price | StopExitPrice::Close => prices.close_at(hit.bar)?,
    };
    let slippage = match settings.stops.stop_exit_price {
        StopExitPrice::StopLimit => 0.0,
        StopExitPrice::StopMarket | StopExitPrice::Price | StopExitPrice::Close => {
            settings.costs.slippage
        }
    };
    Some(LongStop { bar: hit.bar, reference_price, slippage })
}
