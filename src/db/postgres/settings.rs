//! How to reach a database.

use std::sync::Arc;

use super::address::Address;
use super::pool::Pool;
use crate::error::Result;
use crate::quote;

/// The URL of a database and the size of its connection pool.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    address: Address,
    size: usize,
    overflow: usize,
}

impl ConnectionSettings {
    /// Parses the URL of a setting. The pool keeps `size` connections and opens up to `overflow` more under load.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the URL is not valid. The message does not repeat it, since it may contain a password.
    pub fn new(setting: &'static str, url: &str, size: u32, overflow: u32) -> Result<Self> {
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Self {
            address: Address::parse(setting, url)?,
            size: count(size),
            overflow: count(overflow),
        })
    }

    /// Opens the pool.
    pub(crate) async fn connect(&self) -> Result<Arc<Pool>> {
        self.warn_about_ignored_parameters();
        Ok(Arc::new(Pool::open(self.address.clone(), self.size, self.overflow).await?))
    }

    fn warn_about_ignored_parameters(&self) {
        let Address { ignored_parameters: ignored, unnamed_parameters: unnamed, .. } =
            &self.address;
        let mut names: Vec<_> = ignored.iter().map(|name| quote::name(name)).collect();
        if *unnamed > 0 {
            names
                .push(format!("{unnamed} not named because they may be part of a password").into());
        }
        if !names.is_empty() {
            tracing::warn!(parameters = %names.join(", "), "unknown parameters of {} were ignored", self.address.setting());
        }
    }
}
