//! Simulations on bars that follow each other, joined to one.

use super::exits::StopOrder;
use super::recorder::Simulation;
use crate::compute::reserve::additional;
use crate::error::Result;

impl Simulation {
    /// Appends a simulation whose first bar is the bar `first_bar` of this one, with its sizes, fees and holdings times `scale`.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn append_scaled(&mut self, later: &Self, first_bar: u32, scale: f64) -> Result<()> {
        let first_order = u32::try_from(self.orders.len()).unwrap_or(u32::MAX);
        let (orders, more) = (&mut self.orders, &later.orders);
        let count = more.len();
        additional(&mut orders.bar, count, "orders")?;
        orders.bar.extend(more.bar.iter().map(|bar| bar.saturating_add(first_bar)));
        additional(&mut orders.side, count, "orders")?;
        orders.side.extend(&more.side);
        let (holdings, held) = (&mut self.holdings, &later.holdings);
        for (column, more, scale) in [
            (&mut orders.size, &more.size, scale),
            (&mut orders.price, &more.price, 1.0),
            (&mut orders.fees, &more.fees, scale),
            (&mut orders.reference_price, &more.reference_price, 1.0),
            (&mut holdings.cash, &held.cash, scale),
            (&mut holdings.free_cash, &held.free_cash, scale),
            (&mut holdings.position, &held.position, scale),
        ] {
            additional(column, count, "orders")?;
            column.extend(more.iter().map(|value| value * scale));
        }
        additional(&mut self.stop_orders, later.stop_orders.len(), "orders")?;
        let stops = later.stop_orders.iter();
        self.stop_orders.extend(
            stops.map(|stop| StopOrder { order: stop.order.saturating_add(first_order), ..*stop }),
        );
        for rejection in &later.rejections {
            let known = self
                .rejections
                .iter_mut()
                .find(|known| known.kind == rejection.kind && known.reason == rejection.reason);
            match known {
                Some(known) => known.count = known.count.saturating_add(rejection.count),
                None => self.rejections.push(*rejection),
            }
        }
        self.stops.losses += later.stops.losses;
        self.stops.profits += later.stops.profits;
        self.stops.ambiguous += later.stops.ambiguous;
        self.cash = later.cash * scale;
        self.position = later.position * scale;
        self.is_all_in = false;
        Ok(())
    }
}
