//! Lists the assets that there are bars of.

use crate::data::Asset;
use crate::error::Result;

use super::cancel::Cancel;
use super::engine::Engine;

impl Engine {
    /// Returns every asset with its series, by symbol.
    ///
    /// # Errors
    /// `STORAGE`, `CLOSED`.
    pub async fn list_assets(&self) -> Result<Vec<Asset>> {
        let _work = self.enter(&Cancel::default())?;
        self.opened().await?.source.assets().await
    }
}
