//! Memory that a run can reuse.

use super::result::Backtest;
use crate::portfolio::Trades;
use crate::simulation::Simulation;

/// Memory of earlier runs. A run overwrites its content.
#[derive(Debug, Default)]
pub struct Buffers {
    pub(super) simulation: Simulation,
    pub(super) trades: Trades,
    pub(super) equity: Vec<f64>,
}

impl Buffers {
    /// Returns the simulation and the equity of each bar of the last run that left both here.
    #[must_use]
    pub fn last_run(&self) -> (&Simulation, &[f64]) {
        (&self.simulation, &self.equity)
    }

    /// Takes the memory of a run that is not needed any more.
    pub fn recycle(&mut self, backtest: Backtest) {
        let Backtest { simulation, trades, equity, .. } = backtest;
        self.simulation = simulation;
        if let Some(trades) = trades {
            self.trades = trades;
        }
        if let Some(equity) = equity {
            self.equity = equity;
        }
    }
}
