//! Deletes a stored sweep.

use crate::error::{Error, Result};
use crate::request::Input;

use super::cancellation::Cancellation;
use super::engine::Engine;
use super::id_argument;

impl Engine {
    /// Deletes a sweep with its columns. Returns whether it existed.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, also for a sweep that has not ended; `STORAGE`, `CLOSED`.
    pub async fn delete_sweep(&self, id: &Input) -> Result<bool> {
        let _call = self.start_call(&Cancellation::default())?;
        let id = id_argument::read("sweepId", id)?;
        let store = &self.backends().await?.store;
        let found = store.sweep(&id).await?;
        if let Some((sweep, _)) = found.filter(|(sweep, _)| sweep.status.is_under_way()) {
            let status = sweep.status.as_str();
            let message = format!("sweep {id} is {status}: abort it before deleting it");
            return Err(Error::invalid("sweepId", "conflict", message));
        }
        store.delete_sweep(&id).await
    }
}
