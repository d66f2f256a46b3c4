//! Checks a strategy and its parameters without running them.

use crate::error::{Issue, Result};
use crate::input::{Fields, Input, Issues};

use super::engine::Engine;
use super::request::read_strategy;

impl Engine {
    /// Returns every problem of a strategy and its parameters; none if it can be run.
    ///
    /// # Errors
    /// `CLOSED`.
    pub fn validate_strategy(&self, config: &Input) -> Result<Vec<Issue>> {
        self.check_open()?;
        let mut issues = Issues::default();
        let mut fields = Fields::open("", config, &mut issues);
        let parameters = fields.take("parameters");
        match read_strategy(&mut fields, &self.registry, &mut issues) {
            Ok((Some(strategy), _)) => {
                let _ = strategy.bind(parameters, "parameters", &mut issues);
            }
            Ok((None, _)) => {}
            Err(unknown) => issues.extend([Issue::new("strategyId", "choice", unknown.message)]),
        }
        fields.finish(&mut issues);
        Ok(issues.into_vec())
    }
}
