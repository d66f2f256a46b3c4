//! The amounts of trades that are measured together.

/// Trades that are measured together, so that their amounts stay in registers and the nearest cache.
pub(super) const BLOCK: usize = 64;

/// The amounts of some trades, one entry of each column per trade.
#[derive(Debug)]
pub(super) struct TradeBlock {
    /// Cash before the entry.
    pub(super) cash: [f64; BLOCK],
    /// Equity at the close of the entry's bar.
    pub(super) entered: [f64; BLOCK],
    /// Equity at the close of the bar before the exit's.
    pub(super) held: [f64; BLOCK],
    /// Cash after the exit.
    pub(super) after: [f64; BLOCK],
    pub(super) size: [f64; BLOCK],
    /// Size × price of the entry.
    pub(super) bought: [f64; BLOCK],
    /// Size × price of the exit.
    pub(super) received: [f64; BLOCK],
    pub(super) entry_fees: [f64; BLOCK],
    pub(super) exit_fees: [f64; BLOCK],
    /// The returns of the asset on the bars of the orders.
    pub(super) entry_benchmark: [f64; BLOCK],
    pub(super) exit_benchmark: [f64; BLOCK],
    /// The returns of the run on these bars.
    pub(super) entry_return: [f64; BLOCK],
    pub(super) exit_return: [f64; BLOCK],
    /// Sums of r and r² (and two more) between these bars.
    pub(super) between: [[f64; 4]; BLOCK],
    pub(super) bars: [u32; BLOCK],
}

impl Default for TradeBlock {
    fn default() -> Self {
        let zero = [0.0; BLOCK];
        Self {
            cash: zero,
            entered: zero,
            held: zero,
            after: zero,
            size: zero,
            bought: zero,
            received: zero,
            entry_fees: zero,
            exit_fees: zero,
            entry_benchmark: zero,
            exit_benchmark: zero,
            entry_return: zero,
            exit_return: zero,
            between: [[0.0; 4]; BLOCK],
            bars: [0; BLOCK],
        }
    }
}
