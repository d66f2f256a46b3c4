//! The strategies that are known by an id.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::builtin::BUILTIN;
use super::strategy::Strategy;
use super::text;
use crate::error::{Code, Error, Result, nearest};
use crate::quote::quoted;
use crate::request::Issues;

/// The known strategies: the built-in ones, and those that were registered.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    builtin: Arc<[Arc<Strategy>]>,
    registered: BTreeMap<String, Arc<Strategy>>,
}

impl Registry {
    /// Returns the built-in strategies.
    ///
    /// # Errors
    /// `INTERNAL` if a built-in strategy is faulty, which a test rules out.
    pub fn builtin() -> Result<Self> {
        let mut builtin = Vec::with_capacity(BUILTIN.len());
        for (id, source) in BUILTIN {
            let strategy = text::parse(source).and_then(Strategy::compile);
            builtin.push(Arc::new(strategy.map_err(|issues| {
                let error = Error::with_issues(Code::Internal, issues);
                Error { message: format!("built-in strategy {id}: {}", error.message), ..error }
            })?));
        }
        Ok(Self { builtin: builtin.into(), registered: BTreeMap::new() })
    }

    /// Finds a strategy by its id.
    ///
    /// # Errors
    /// `UNKNOWN_STRATEGY`, naming the nearest known id, or all of them.
    pub fn get(&self, id: &str) -> Result<Arc<Strategy>> {
        let builtin = || self.builtin.iter().find(|strategy| strategy.definition().id == id);
        if let Some(found) = self.registered.get(id).or_else(builtin) {
            return Ok(Arc::clone(found));
        }
        let ids: Vec<&str> =
            self.list().map(|strategy| strategy.definition().id.as_str()).collect();
        let near = nearest(id, ids.iter().copied())
            .map(|near| format!(", did you mean {near}?"))
            .unwrap_or_default();
        Err(Error::new(
            Code::UnknownStrategy,
            format!("unknown strategy {}{near}; known strategies: {}", quoted(id), ids.join(", ")),
        ))
    }

    /// Returns every strategy: the built-in ones in the order of their list, then the registered ones by id.
    pub fn list(&self) -> impl Iterator<Item = &Arc<Strategy>> {
        self.builtin.iter().chain(self.registered.values())
    }

    /// Returns whether an id is that of a built-in strategy.
    pub fn is_builtin(&self, id: &str) -> bool {
        self.builtin.iter().any(|builtin| builtin.definition().id == id)
    }

    /// Notes that the id of a strategy to register is that of a built-in one.
    pub fn check_free(&self, id: &str, issues: &mut Issues) {
        if self.is_builtin(id) {
            issues.add(
                "strategy.id",
                "conflict",
                format!(
                    "strategy.id {} is that of a built-in strategy, choose another",
                    quoted(id)
                ),
            );
        }
    }

    /// Registers a strategy; one of the same id is replaced.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for the id of a built-in strategy.
    pub fn insert(&mut self, strategy: Arc<Strategy>) -> Result<()> {
        let id = strategy.definition().id.clone();
        let mut issues = Issues::default();
        self.check_free(&id, &mut issues);
        issues.into_result(Code::InvalidArgument)?;
        self.registered.insert(id, strategy);
        Ok(())
    }

    /// Forgets a registered strategy; returns whether there was one.
    pub fn remove(&mut self, id: &str) -> bool {
        self.registered.remove(id).is_some()
    }
}
