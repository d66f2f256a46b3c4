//! Validates a strategy and its parameters.

use crate::error::{Issue, Result};
use crate::request::{Fields, Input, Issues, Range};

use super::cancellation::Cancellation;
use super::engine::Engine;
use super::look_ahead;
use super::strategy_request::StrategyRequest;
use super::strategy_selection::StrategySelection;

/// The result of a validation.
#[derive(Debug, Default)]
pub struct ValidationReport {
    /// Every problem; empty if the strategy can be run.
    pub issues: Vec<Issue>,
    /// Valid settings that are probably a mistake.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Validates a strategy and its parameters. A strategy with a function is tested for look-ahead.
    ///
    /// # Errors
    /// `CLOSED`; `STORAGE` if the store is needed and fails.
    pub async fn validate_strategy(&self, mut config: Input) -> Result<ValidationReport> {
        let cancellation = Cancellation::default();
        let _call = self.start_call(&cancellation)?;
        let definition = config.take_field("strategy");
        let parameters = config.take_field("parameters");
        let mut issues = Issues::default();
        let mut fields = Fields::open("", &config, &mut issues);
        if !issues.is_empty() {
            return Ok(ValidationReport { issues: issues.into_vec(), warnings: Vec::new() });
        }
        let mut strategy = StrategyRequest::read(&mut fields, definition, parameters);
        let bars = fields.integer("barCount", Range::NOT_NEGATIVE, &mut issues);
        fields.finish(&mut issues);
        let catalog = self.catalog_for(&strategy.reference).await?;
        let mut all = std::mem::take(&mut strategy.issues);
        let selection = StrategySelection::bind(&strategy, &catalog, &mut all);
        all.append(issues);
        let mut report = ValidationReport { issues: all.into_vec(), warnings: selection.warnings };
        if let (Some(function), true) = (&selection.function, report.issues.is_empty()) {
            let test = cancellation.or(look_ahead::test_function(function)).await?;
            report = ValidationReport { issues: test.issues, warnings: test.warnings };
        } else if let (Some(bound), Some(bars)) = (selection.bound, bars) {
            let bars = usize::try_from(bars).unwrap_or(usize::MAX);
            report.warnings.splice(0..0, bound.warnings_on(bars));
        }
        Ok(report)
    }
}
