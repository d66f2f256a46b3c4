//! Reads a stored backtest.

use crate::error::Result;
use crate::request::Input;
use crate::store::record::{Outcome, Run};

use super::backtest_id;
use super::bars_status::BarsStatus;
use super::cancellation::Cancellation;
use super::engine::Engine;

/// A backtest as it is stored.
#[derive(Debug)]
pub struct StoredBacktest {
    /// The record of the run.
    pub run: Run,
    /// The results if it is completed. The warnings include one if the bars are gone.
    pub outcome: Option<Outcome>,
    /// Whether its bars are still there; `None` if that is unknown.
    pub bars_status: Option<BarsStatus>,
}

impl Engine {
    /// Returns a run, with its results if it is completed; `None` if no run has the id.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `STORAGE`, `CLOSED`.
    pub async fn get_backtest_results(&self, id: &Input) -> Result<Option<StoredBacktest>> {
        let _call = self.start_call(&Cancellation::default())?;
        let id = backtest_id::backtest_id(id)?;
        let Some((run, mut outcome)) = self.backends().await?.store.run(&id).await? else {
            return Ok(None);
        };
        let bars_status = match &mut outcome {
            Some(outcome) => self.bars_status(&run, outcome).await,
            None => None,
        };
        Ok(Some(StoredBacktest { run, outcome, bars_status }))
    }
}
