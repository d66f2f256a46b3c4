//! The strategies that an engine knows: built-in ones, those of its store, and functions of its caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::strategies::{Registry, Strategy};

use super::function::SignalFunction;

/// The known strategies. Those with an entry in `functions` are declared in the registry.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The strategies that were looked up.
    pub registry: Registry,
    /// The functions of the caller, by the id of their strategy.
    pub functions: BTreeMap<String, Arc<dyn SignalFunction>>,
}

/// A strategy of the catalog.
#[derive(Debug, Clone)]
pub struct CatalogEntry {
    /// The strategy.
    pub strategy: Arc<Strategy>,
    /// Whether a function of the caller computes its signals; it then has no source text.
    pub is_function: bool,
}
