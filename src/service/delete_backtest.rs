//! Deletes a backtest with its results.

use crate::error::{Error, Result};
use crate::request::Input;

use super::backtest_id;
use super::cancellation::Cancellation;
use super::engine::Engine;

impl Engine {
    /// Deletes a backtest. Returns whether it existed.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, also for a run that has not ended; `STORAGE`, `CLOSED`.
    pub async fn delete_backtest(&self, id: &Input) -> Result<bool> {
        let _call = self.start_call(&Cancellation::default())?;
        let id = backtest_id::backtest_id(id)?;
        let store = &self.backends().await?.store;
        let found = store.summary(&id).await?;
        if let Some((run, _)) = found.filter(|(run, _)| run.status.is_under_way()) {
            let message =
                format!("backtest {id} is {}: abort it before deleting it", run.status.as_str());
            return Err(Error::invalid("backtestId", "conflict", message));
        }
        store.delete_run(&id).await
    }
}
