//! What a simulation records: orders, what is held after each of them, rejected signals, stops.

use super::execute::Fill;
use super::exits::StopOrder;
use super::holdings::{Held, Holdings};
use super::orders::Orders;
use super::rejections::Rejection;

/// What a simulation did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Simulation {
    /// The filled orders.
    pub orders: Orders,
    /// What is held after each order.
    pub holdings: Holdings,
    /// Which of the orders stops made, in the order of the orders.
    pub stop_orders: Vec<StopOrder>,
    /// Signals that made no order, counted by kind and reason.
    pub rejections: Vec<Rejection>,
    /// How often stops were hit.
    pub stops: StopCounts,
    /// Money at the end.
    pub cash: f64,
    /// Units of the asset at the end; negative for a short position.
    pub position: f64,
    /// Whether the fast path of all-in runs made every order.
    pub is_all_in: bool,
}

/// How often stops were hit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StopCounts {
    /// Stop losses and trailing stops.
    pub losses: u32,
    /// Take profits.
    pub profits: u32,
    /// Stop losses on bars that touched the take profit too. Which of the two came first is not known.
    pub ambiguous: u32,
}

/// What a simulation records of its orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recording {
    /// Every order, and what is held after it.
    Orders,
    /// Only how many there are, for runs of which only the end is needed.
    Count,
}

/// The columns that grow with each order.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) recording: Recording,
    /// The number of orders.
    pub(super) count: usize,
    pub(super) orders: Orders,
    pub(super) holdings: Holdings,
    pub(super) stop_orders: Vec<StopOrder>,
    pub(super) held: Held,
}

impl Recorder {
    /// Starts a record that reuses the memory of `buffers`.
    pub(super) fn new(
        buffers: Simulation,
        recording: Recording,
        capital: f64,
        capacity: usize,
    ) -> Self {
        let Simulation { mut orders, mut holdings, mut stop_orders, .. } = buffers;
        orders.clear();
        holdings.clear();
        stop_orders.clear();
        if recording == Recording::Orders {
            orders.reserve(capacity);
            holdings.reserve(capacity);
        }
        Self { recording, count: 0, orders, holdings, stop_orders, held: Held::initial(capital) }
    }

    /// Records an order; `reference_price` is its price before slippage.
    #[inline]
    pub(super) fn record(&mut self, bar: usize, fill: &Fill, reference_price: f64) {
        self.count += 1;
        if self.recording == Recording::Count {
            return;
        }
        self.held.apply(fill.side, fill.size, fill.price, fill.fees);
        self.holdings.push(&self.held);
        let orders = &mut self.orders;
        orders.bar.push(u32::try_from(bar).unwrap_or(u32::MAX));
        orders.side.push(fill.side);
        orders.size.push(fill.size);
        orders.price.push(fill.price);
        orders.fees.push(fill.fees);
        orders.reference_price.push(reference_price);
    }

    /// Records that a stop made the last order.
    pub(super) fn record_stop(&mut self, order: StopOrder) {
        if self.recording == Recording::Orders {
            self.stop_orders.push(order);
        }
    }
}
