//! How many earlier bars the value of an expression on a bar depends on.

use super::functions::Operation;
use super::plan::{Plan, PlannedStep, Step};
use crate::indicators::INDICATORS;

impl Plan {
    /// Returns the number of bars before a bar that the roots depend on there. With as many bars before the first one, it does
    /// not matter where the bars begin, except for less than 1e-9 of a value. `usize::MAX` if every earlier bar counts.
    ///
    /// `bar_milliseconds` is the length of the bars, which tells how many of them a bar of a higher timeframe has at most.
    pub fn required_bars(&self, bar_milliseconds: i64) -> usize {
        let mut required: Vec<usize> = Vec::with_capacity(self.steps.len());
        for planned in &self.steps {
            let bars = self.required_by(planned, &required, bar_milliseconds);
            required.push(bars);
        }
        let of_roots = self.roots.iter().filter_map(|root| required.get(*root));
        of_roots.copied().max().unwrap_or(0)
    }

    /// Returns the number for a step in bars of its frame, given those of the earlier steps.
    fn required_by(&self, planned: &PlannedStep, required: &[usize], base: i64) -> usize {
        let inputs = planned.inputs.iter().filter_map(|input| required.get(*input));
        let of_inputs = inputs.copied().max().unwrap_or(0);
        match &planned.step {
            Step::Number(_) | Step::Condition(_) | Step::Series(_) | Step::TimeField(_) => 0,
            Step::Apply(Operation::BarsSince) => usize::MAX,
            Step::Apply(_) | Step::ThreeWayCompare | Step::Output(_) => of_inputs,
            Step::Shift(bars) => of_inputs.saturating_add(*bars),
            Step::Count(window) => of_inputs.saturating_add(window.saturating_sub(1)),
            Step::Crossed { .. } => of_inputs.saturating_add(1),
            Step::Higher(frame) => {
                let length = |frame: usize| {
                    let timeframe = self.frames.get(frame).and_then(|frame| frame.timeframe);
                    timeframe.map_or(base, crate::market::Timeframe::milliseconds).max(1)
                };
                let ratio = (length(*frame) / length(planned.frame)).max(1);
                // The bar of the higher timeframe that is under way is not used, and the first one may be incomplete.
                let bars = of_inputs.saturating_add(2);
                bars.saturating_mul(usize::try_from(ratio).unwrap_or(usize::MAX))
            }
            Step::Indicator(index, parameters) => {
                let parameters: Vec<f64> =
                    parameters.iter().map(|bits| f64::from_bits(*bits)).collect();
                let Some(indicator) = INDICATORS.get(*index) else { return usize::MAX };
                of_inputs
                    .saturating_add((indicator.look_back)(&parameters))
                    .saturating_add(indicator.memory.bars(&parameters))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::language::{PlanBuilder, Scope, ValueType, check, parse};

    /// The number for a condition on hourly bars.
    fn required(text: &str) -> usize {
        let scope = Scope { parameters: &[], allows_series: true };
        let checked = check(&parse(text).unwrap(), ValueType::Condition, scope).unwrap();
        let mut builder = PlanBuilder::default();
        let root = builder.add(&checked, &[]).unwrap();
        builder.finish(&[root]).required_bars(3_600_000)
    }

    #[test]
    fn each_expression_needs_what_it_looks_back_at() {
        for (text, bars) in [
            ("close > 1", 0),
            ("close > shift(close, 3)", 3),
            ("sma(close, 50) > sma(close, 200)", 199),
            ("crossed_above(sma(close, 50), sma(close, 200))", 200),
            ("highest(sma(close, 20), 5) > close", 23),
            ("count(close > open, 10) > 5", 9),
            ("bars_since(close > open) > 5", usize::MAX),
            ("obv() > 0", usize::MAX),
            // Two days more than the window, as hours.
            ("higher('1d', sma(close, 20)) > close", 21 * 24),
        ] {
            assert_eq!(required(text), bars, "{text}");
        }
        assert!((2_900..3_000).contains(&required("ema(close, 200) > close")));
    }
}
