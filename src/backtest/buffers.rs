//! Memory that runs hand on to each other.

use super::result::Backtest;
use crate::portfolio::Trades;
use crate::simulation::Simulation;

/// Memory of earlier runs. Its content means nothing.
#[derive(Debug, Default)]
pub struct Buffers {
    pub(super) simulation: Simulation,
    pub(super) trades: Trades,
}

impl Buffers {
    /// Takes the memory of a run that is not needed any more.
    pub fn recycle(&mut self, backtest: Backtest) {
        let Backtest { simulation, trades, .. } = backtest;
        self.simulation = simulation;
        if let Some(trades) = trades {
            self.trades = trades;
        }
    }
}
