//! The strategies that can be referenced by id.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::builtin::BUILTIN;
use super::strategy::Strategy;
use super::text_format;
use crate::error::{Code, Error, Result, known_names, nearest};
use crate::quote::quoted;
use crate::request::Issues;

/// The built-in strategies and the registered ones.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    builtin: Arc<[Arc<Strategy>]>,
    registered: BTreeMap<String, Arc<Strategy>>,
}

impl Registry {
    /// Creates a registry of the built-in strategies.
    ///
    /// # Errors
    /// `INTERNAL` if a built-in strategy is invalid, which a test rules out.
    pub fn builtin() -> Result<Self> {
        let mut builtin = Vec::with_capacity(BUILTIN.len());
        for (id, source) in BUILTIN {
            let strategy = text_format::parse(source).and_then(Strategy::compile);
            builtin.push(Arc::new(strategy.map_err(|issues| {
                let error = Error::with_issues(Code::Internal, issues);
                Error { message: format!("built-in strategy {id}: {}", error.message), ..error }
            })?));
        }
        Ok(Self { builtin: builtin.into(), registered: BTreeMap::new() })
    }

    /// Returns the strategy with that id.
    ///
    /// # Errors
    /// `UNKNOWN_STRATEGY`. The message suggests the nearest id and lists the known ones.
    pub fn get(&self, id: &str) -> Result<Arc<Strategy>> {
        let builtin = || self.builtin.iter().find(|strategy| strategy.definition().id == id);
        if let Some(found) = self.registered.get(id).or_else(builtin) {
            return Ok(Arc::clone(found));
        }
        let ids: Vec<&str> =
            self.list().map(|strategy| strategy.definition().id.as_str()).collect();
        let suggestion = nearest(id, ids.iter().copied())
            .map(|nearest| format!(", did you mean {nearest}?"))
            .unwrap_or_default();
        Err(Error::new(
            Code::UnknownStrategy,
            format!(
                "unknown strategy {}{suggestion}{}",
                quoted(id),
                known_names("strategies", id, &ids)
            ),
        ))
    }

    /// Returns every strategy: the built-in ones in declaration order, then the registered ones by id.
    pub fn list(&self) -> impl Iterator<Item = &Arc<Strategy>> {
        self.builtin.iter().chain(self.registered.values())
    }

    /// Returns whether an id is that of a built-in strategy.
    pub fn is_builtin(&self, id: &str) -> bool {
        self.builtin.iter().any(|builtin| builtin.definition().id == id)
    }

    /// Reports an issue if the id of a strategy to be registered is that of a built-in one.
    pub fn check_free(&self, id: &str, issues: &mut Issues) {
        if self.is_builtin(id) {
            issues.add(
                "strategy.id",
                "conflict",
                format!(
                    "strategy.id {} is the id of a built-in strategy, choose another id",
                    quoted(id)
                ),
            );
        }
    }

    /// Registers a strategy. It replaces a registered strategy with the same id.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the id is that of a built-in strategy.
    pub fn insert(&mut self, strategy: Arc<Strategy>) -> Result<()> {
        let id = strategy.definition().id.clone();
        let mut issues = Issues::default();
        self.check_free(&id, &mut issues);
        issues.into_result(Code::InvalidArgument)?;
        self.registered.insert(id, strategy);
        Ok(())
    }

    /// Removes a registered strategy and returns whether it existed.
    pub fn remove(&mut self, id: &str) -> bool {
        self.registered.remove(id).is_some()
    }
}
