//! Lists the assets that have bars.

use crate::data::Asset;
use crate::error::Result;

use super::cancellation::Cancellation;
use super::engine::Engine;

impl Engine {
    /// Returns every asset with its series, ordered by symbol.
    ///
    /// # Errors
    /// `STORAGE`, `CLOSED`.
    pub async fn list_assets(&self) -> Result<Vec<Asset>> {
        let _call = self.start_call(&Cancellation::default())?;
        self.backends().await?.source.assets().await
    }
}
