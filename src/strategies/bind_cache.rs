//! Caches the last binding of a strategy.
//!
//! Callers often run one strategy repeatedly with the same parameters. On few bars, planning takes longer than the run.

use std::sync::{Arc, Mutex, PoisonError};

use super::bound_strategy::BoundStrategy;
use super::parameter_values::ParameterValues;

/// The most recently bound strategy.
#[derive(Debug, Default)]
pub(super) struct BindCache(Mutex<Option<Arc<BoundStrategy>>>);

impl BindCache {
    /// Returns the cached strategy if it was bound with the same values.
    pub(super) fn get(&self, values: &ParameterValues) -> Option<Arc<BoundStrategy>> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|bound| bound.values() == values).cloned()
    }

    /// Replaces the cached strategy.
    pub(super) fn insert(&self, bound: &Arc<BoundStrategy>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(bound));
    }
}

/// A clone starts empty.
impl Clone for BindCache {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// The content of the cache does not affect equality.
impl PartialEq for BindCache {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
