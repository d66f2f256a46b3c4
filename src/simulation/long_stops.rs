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
}

/// What decides where a stop closes such a position, beside the bar of the entry and the prices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LongStopRule {
    loss: Option<f64>,
    trails: bool,
    profit: Option<f64>,
    /// What stops are measured from, as a multiple of the close of the entry.
    reference: f64,
    /// Whether the exit is filled at the close of its bar.
    at_close: bool,
}

impl LongStopRule {
    /// Returns the rule of settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let stops = &settings.stops;
        let reference = match stops.stop_entry_price {
            StopEntryPrice::ValPrice | StopEntryPrice::Price | StopEntryPrice::Close => 1.0,
            StopEntryPrice::FillPrice => 1.0 + settings.costs.slippage,
        };
        let at_close = match stops.stop_exit_price {
            StopExitPrice::StopLimit | StopExitPrice::StopMarket => false,
            StopExitPrice::Price | StopExitPrice::Close => true,
        };
        let (loss, trails, profit) = (stops.sl_stop, stops.sl_trail, stops.tp_stop);
        Self { loss, trails, profit, reference, at_close }
    }

    /// Returns the first stop of a position that was opened at the close of `entry`, up to and with the bar `last`; `None` if
    /// none is hit.
    #[must_use]
    pub fn first(&self, prices: &Prices<'_>, entry: usize, last: usize) -> Option<LongStop> {
        let reference = prices.close_at(entry)? * self.reference;
        let mut stops = ActiveStops::of(reference, self.loss, self.trails, self.profit);
        let hit = stops.scan(entry + 1, last, true, prices)?;
        let reference_price = if self.at_close { prices.close_at(hit.bar)? } else { hit.price };
        Some(LongStop { bar: hit.bar, reference_price })
    }
}

/// Returns the slippage of the exits by stops.
#[must_use]
pub fn stop_slippage(settings: &Settings) -> f64 {
    match settings.stops.stop_exit_price {
        StopExitPrice::StopLimit => 0.0,
        StopExitPrice::StopMarket | StopExitPrice::Price | StopExitPrice::Close => {
            settings.costs.slippage
        }
    }
}
