//! Deletes a run and all that came out of it.

use crate::error::{Error, Result};
use crate::request::Input;

use super::backtest_id;
use super::cancel::Cancel;
use super::engine::Engine;

impl Engine {
    /// Deletes a run; returns whether there was one.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` (a run under way among them), `STORAGE`, `CLOSED`.
    pub async fn delete_backtest(&self, id: &Input) -> Result<bool> {
        let _work = self.enter(&Cancel::default())?;
        let id = backtest_id::backtest_id(id)?;
        let store = &self.opened().await?.store;
        let found = store.summary(&id).await?;
        if let Some((run, _)) = found.filter(|(run, _)| run.status.is_under_way()) {
            let message =
                format!("backtest {id} is {}: abort it before deleting it", run.status.as_str());
            return Err(Error::invalid("backtestId", "conflict", message));
        }
        store.delete_run(&id).await
    }
}
