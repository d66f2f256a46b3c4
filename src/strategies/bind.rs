//! Binds parameter values to a strategy.
//!
//! [`Strategy::read_parameters`] reads the untyped parameters of a request, fills in defaults and reports every problem.
//! [`Strategy::bind_values`] then checks the constraints and builds a plan. To share subexpressions between many bindings, add
//! all of them to one [`PlanBuilder`] with [`Strategy::add_to_plan`].

use std::sync::Arc;

use super::bound_strategy::BoundStrategy;
use super::parameter_values::{PATH, ParameterValues};
use super::read_parameters::ParameterReading;
use super::strategy::{Strategy, issue};
use crate::error::Issue;
use crate::language::plan::StepId;
use crate::language::{Binding, PlanBuilder};
use crate::request::{Input, Issues};

impl Strategy {
    /// Reads the parameters of a request and fills in defaults. Every problem is reported, including unknown names, in messages
    /// such as `parameters.fast_period must be between 1 and 500, was 0`.
    pub fn read_parameters(
        &self,
        input: Option<&Input>,
        issues: &mut Issues,
    ) -> Option<ParameterValues> {
        ParameterReading::read(self.definition(), input, issues).values
    }

    /// Reads the parameters of a request and binds them.
    pub fn bind(&self, input: Option<&Input>, issues: &mut Issues) -> Option<BoundStrategy> {
        let values = self.read_parameters(input, issues)?;
        self.bind_values(&values).map_err(|found| issues.extend(found)).ok()
    }

    /// Binds values.
    ///
    /// # Errors
    /// The constraints that do not hold, and the lengths and indicator parameters that are out of range.
    pub fn bind_values(&self, values: &ParameterValues) -> Result<BoundStrategy, Vec<Issue>> {
        let mut builder = PlanBuilder::default();
        let roots = self.add_to_plan(&mut builder, values)?;
        let signal_fields = self.expressions().iter().map(|(kind, _)| *kind).collect();
        Ok(BoundStrategy::new(
            self.shared_definition(),
            values.clone(),
            builder.finish(&roots),
            signal_fields,
        ))
    }

    /// Binds values, or returns the strategy of the last call if the values are the same.
    ///
    /// # Errors
    /// As [`bind_values`](Self::bind_values).
    pub fn bind_cached(&self, values: &ParameterValues) -> Result<Arc<BoundStrategy>, Vec<Issue>> {
        if let Some(bound) = self.bind_cache().get(values) {
            return Ok(bound);
        }
        let bound = Arc::new(self.bind_values(values)?);
        self.bind_cache().insert(&bound);
        Ok(bound)
    }

    /// Adds the expressions with these values to a plan and returns one root for each signal of the strategy.
    ///
    /// # Errors
    /// As [`bind_values`](Self::bind_values).
    pub fn add_to_plan(
        &self,
        builder: &mut PlanBuilder,
        values: &ParameterValues,
    ) -> Result<Vec<StepId>, Vec<Issue>> {
        self.add_bindings_to_plan(builder, values.bindings())
    }

    /// Returns why these values of the declared parameters, in their order, cannot be bound.
    pub fn binding_issues(&self, bindings: &[Binding]) -> Vec<Issue> {
        self.add_bindings_to_plan(&mut PlanBuilder::default(), bindings).err().unwrap_or_default()
    }

    fn add_bindings_to_plan(
        &self,
        builder: &mut PlanBuilder,
        bindings: &[Binding],
    ) -> Result<Vec<StepId>, Vec<Issue>> {
        let mut issues = Vec::new();
        self.check_constraints(bindings, PATH, &mut issues);
        let mut roots = Vec::with_capacity(self.expressions().len());
        for (kind, expression) in self.expressions() {
            match builder.add(expression, bindings) {
                Ok(root) => roots.push(root),
                // The expressions are valid with the defaults, so the values are at fault.
                Err(diagnostics) => issues.extend(diagnostics.into_iter().map(|diagnostic| {
                    let issue = issue(&format!("strategy.{}", kind.as_str()), &diagnostic);
                    let message = format!("{PATH}: {}", issue.message);
                    Issue { path: PATH.to_owned(), message, ..issue }
                })),
            }
        }
        if issues.is_empty() { Ok(roots) } else { Err(issues) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Bars, time};
    use crate::observer::NoObserver;
    use crate::strategies::Registry;

    fn strategy(id: &str) -> Arc<Strategy> {
        Registry::builtin().unwrap().get(id).unwrap()
    }

    fn periods(fast: f64, slow: f64) -> [Binding; 2] {
        [Binding::Number(fast), Binding::Number(slow)]
    }

    impl Strategy {
        /// Checks typed values: one for each declared parameter, in their order, and the position size.
        fn parameter_values(
            &self,
            bindings: &[Binding],
            position_size: f64,
        ) -> Result<ParameterValues, Vec<Issue>> {
            ParameterValues::new(self.definition(), bindings.to_vec(), position_size)
        }
    }

    fn input(fast: Input, slow: f64) -> Input {
        Input::Record(vec![
            ("fast_period".into(), fast),
            ("slow_period".into(), Input::Number(slow)),
        ])
    }

    fn messages(issues: Vec<Issue>) -> Vec<String> {
        issues.into_iter().map(|issue| issue.message).collect()
    }

    #[test]
    fn the_cache_returns_only_strategies_with_the_same_values() {
        let strategy = strategy("sma_crossover");
        let bind = |input: Option<&Input>| {
            let values = strategy.read_parameters(input, &mut Issues::default()).unwrap();
            strategy.bind_cached(&values).unwrap()
        };
        let first = input(Input::Number(5.0), 20.0);
        let bound = bind(Some(&first));
        assert!(Arc::ptr_eq(&bound, &bind(Some(&first))));
        for other in [input(Input::Number(6.0), 20.0), input(Input::Null, 20.0)] {
            let other = bind(Some(&other));
            assert!(!Arc::ptr_eq(&bound, &other) && other.parameters() != bound.parameters());
        }
        let defaults = bind(None);
        assert!(!Arc::ptr_eq(&bound, &defaults));
        // An error does not replace the cached strategy.
        let reversed = strategy.parameter_values(&periods(30.0, 10.0), 1.0).unwrap();
        for _ in 0..2 {
            assert_eq!(
                messages(strategy.bind_cached(&reversed).unwrap_err()),
                [
                    "parameters: fast_period < slow_period does not hold for fast_period 30, slow_period 10"
                ]
            );
        }
        assert!(Arc::ptr_eq(&defaults, &bind(Some(&Input::Null))));
    }

    #[test]
    fn typed_values_bind_like_those_of_a_request() {
        let strategy = strategy("sma_crossover");
        let values = strategy.parameter_values(&periods(5.0, 20.0), 0.5).unwrap();
        let typed = strategy.bind_values(&values).unwrap();
        let Input::Record(mut entries) = input(Input::Number(5.0), 20.0) else { unreachable!() };
        entries.push(("position_size".into(), Input::Number(0.5)));
        let read = strategy.bind(Some(&Input::Record(entries)), &mut Issues::default()).unwrap();
        assert_eq!(typed.values(), read.values());
        assert_eq!(typed.plan(), read.plan());
        assert_eq!(
            serde_json::to_string(typed.parameters()).unwrap(),
            r#"{"fast_period":5,"slow_period":20,"position_size":0.5}"#
        );
    }

    #[test]
    fn typed_values_are_checked() {
        let strategy = strategy("sma_crossover");
        let issues = |bindings: &[Binding], position_size: f64| {
            messages(strategy.parameter_values(bindings, position_size).unwrap_err())
        };
        assert_eq!(
            issues(&periods(0.0, 20.5), 1.5),
            [
                "parameters.fast_period must be between 1 and 500, was 0",
                "parameters.slow_period must be a whole number, was number 20.5",
                "parameters.position_size must be above 0 and at most 1, was 1.5",
            ]
        );
        assert_eq!(
            issues(&[Binding::Condition(true), Binding::Number(f64::NAN)], 1.0),
            [
                "parameters.fast_period must be a whole number, was boolean true",
                "parameters.slow_period must be a whole number, was number NaN",
            ]
        );
        assert_eq!(issues(&periods(5.0, 20.0)[..1], 1.0), ["parameters must have 2 values, had 1"]);
    }

    #[test]
    fn bindings_in_one_plan_share_their_subexpressions() {
        let strategy = strategy("sma_crossover");
        let mut builder = PlanBuilder::default();
        let mut roots = Vec::new();
        for fast in [5.0, 10.0] {
            let values = strategy.parameter_values(&periods(fast, 20.0), 1.0).unwrap();
            roots.extend(strategy.add_to_plan(&mut builder, &values).unwrap());
        }
        let shared = builder.finish(&roots);
        let separate = strategy
            .bind_values(&strategy.parameter_values(&periods(5.0, 20.0), 1.0).unwrap())
            .unwrap();
        // The close and the slow average (an indicator and its output) are computed once.
        assert_eq!(shared.len(), 2 * separate.plan().len() - 3);
        let closes: Vec<f64> = (0..300).map(|bar| 50.0 + f64::from(bar * 7919 % 23)).collect();
        let timestamps = (0..300).map(|bar| bar * time::DAY).collect();
        let column = || closes.clone().into();
        let bars = Bars::new(timestamps, column(), column(), column(), column(), None).unwrap();
        let together = crate::language::evaluate(&shared, &bars, &NoObserver).unwrap();
        let entries = separate.signals(&bars, &NoObserver).unwrap().entries;
        assert!(entries.count() > 0);
        assert_eq!(together.into_iter().next().unwrap().into_bits(bars.len()), entries);
    }
}
