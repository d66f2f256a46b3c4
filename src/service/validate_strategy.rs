//! Checks a strategy and its parameters without running them.

use crate::error::{Issue, Result};
use crate::input::{Fields, Input, Issues};
use crate::strategies::validate;

use super::engine::Engine;

/// What a check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Every problem; none if the strategy can be run.
    pub issues: Vec<Issue>,
    /// What works but deserves a look.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Returns what there is to say about a strategy and its parameters.
    ///
    /// # Errors
    /// `CLOSED`.
    pub fn validate_strategy(&self, config: &Input) -> Result<Findings> {
        self.check_open()?;
        let mut issues = Issues::default();
        let mut fields = Fields::open("", config, &mut issues);
        if !issues.is_empty() {
            return Ok(Findings { issues: issues.into_vec(), warnings: Vec::new() });
        }
        let id = fields.text("strategyId", &mut issues);
        let definition = fields.take("strategy");
        let parameters = fields.take("parameters");
        if issues.is_empty() {
            let found = validate(&self.registry, id.as_deref(), definition, parameters);
            issues.extend(found.issues);
            fields.finish(&mut issues);
            return Ok(Findings { issues: issues.into_vec(), warnings: found.warnings });
        }
        fields.finish(&mut issues);
        Ok(Findings { issues: issues.into_vec(), warnings: Vec::new() })
    }
}
