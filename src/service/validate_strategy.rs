//! Checks a strategy and its parameters without running them.

use crate::error::{Issue, Result};
use crate::request::{Fields, Input, Issues, Range};

use super::cancel::Cancel;
use super::engine::Engine;
use super::look_ahead;
use super::strategy_selection::StrategySelection;

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
        let known = self.catalogue_for(config).await?;
        let selection = StrategySelection::read(&mut fields, &known, &mut issues);
        let bars = fields.integer("barCount", Range::NOT_NEGATIVE, &mut issues);
        fields.finish(&mut issues);
        let mut findings = Findings { issues: issues.into_vec(), warnings: selection.warnings() };
        if let (Some(call), true) = (&selection.function, findings.issues.is_empty()) {
            let examined = cancel.or(look_ahead::examine(call)).await?;
            findings = Findings { issues: examined.issues, warnings: examined.warnings };
        } else if let (Some(bound), Some(bars)) = (selection.bound, bars) {
            findings
                .warnings
                .splice(0..0, bound.warnings_on(usize::try_from(bars).unwrap_or(usize::MAX)));
        }
        Ok(findings)
    }
}
