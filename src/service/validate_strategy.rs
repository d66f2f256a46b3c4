//! Checks a strategy and its parameters without running them.

use std::sync::Arc;

use crate::error::{Issue, Result};
use crate::input::{Fields, Input, Issues};
use crate::strategies::validate;

use super::cancel::Cancel;
use super::engine::Engine;
use super::function::Call;
use super::look_ahead;

/// What a check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Every problem; none if the strategy can be run.
    pub issues: Vec<Issue>,
    /// What works but deserves a look.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Returns what there is to say about a strategy and its parameters. One with a function is tested for look-ahead.
    ///
    /// # Errors
    /// `CLOSED`; `STORAGE` where an id is looked up in the store and that fails.
    pub async fn validate_strategy(&self, config: &Input) -> Result<Findings> {
        let cancel = Cancel::default();
        let _work = self.enter(&cancel)?;
        let mut issues = Issues::default();
        let mut fields = Fields::open("", config, &mut issues);
        if !issues.is_empty() {
            return Ok(Findings { issues: issues.into_vec(), warnings: Vec::new() });
        }
        let id = fields.text("strategyId", &mut issues);
        let definition = fields.take("strategy");
        let parameters = fields.take("parameters");
        if issues.is_empty() {
            let known = self.catalogue_for(config).await?;
            let found = validate(&known.registry, id.as_deref(), definition, parameters);
            issues.extend(found.issues);
            fields.finish(&mut issues);
            let function = id.filter(|_| definition.is_none());
            let Some(function) = function.and_then(|id| known.functions.get(&id)) else {
                return Ok(Findings { issues: issues.into_vec(), warnings: found.warnings });
            };
            // What there is to say about expressions does not apply.
            let mut findings = Findings { issues: issues.into_vec(), warnings: Vec::new() };
            if let (Some(bound), true) = (found.bound, findings.issues.is_empty()) {
                let parameters = bound.parameters().clone();
                let call = Call { function: Arc::clone(function), parameters };
                let examined = cancel.or(look_ahead::examine(&call)).await?;
                findings = Findings { issues: examined.issues, warnings: examined.warnings };
            }
            return Ok(findings);
        }
        fields.finish(&mut issues);
        Ok(Findings { issues: issues.into_vec(), warnings: Vec::new() })
    }
}
