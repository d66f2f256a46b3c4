//! How to reach a database.

use std::sync::Arc;

use super::address::Address;
use super::pool::Pool;
use crate::config::environment_name;
use crate::error::Result;
use crate::quote;

/// The URL of a database and the size of its connection pool.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    /// The name of the setting that holds the URL, for messages.
    setting: &'static str,
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
            setting,
            address: Address::parse(setting, url)?,
            size: count(size),
            overflow: count(overflow),
        })
    }

    /// Opens the pool.
    pub(crate) async fn connect(&self) -> Result<Arc<Pool>> {
        let Address { ignored_parameters: ignored, unnamed_parameters: unnamed, .. } =
            &self.address;
        if !ignored.is_empty() {
            let names: Vec<_> = ignored.iter().map(|name| quote::name(name)).collect();
            let more = if *unnamed > 0 { format!(" and {unnamed} more") } else { String::new() };
            tracing::warn!(parameters = %format!("{}{more}", names.join(", ")),
                "unknown parameters of {} ({}) were ignored", self.setting, environment_name(self.setting));
        }
        Ok(Arc::new(Pool::open(self.address.clone(), self.size, self.overflow).await?))
    }
}
