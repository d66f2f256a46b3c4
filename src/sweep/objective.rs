//! What ranks combinations.

use super::column_expression;
use crate::error::Issue;
use crate::language::{ParameterDeclaration, ScalarProgram, ValueType};
use crate::metrics::{METRICS, Metric};

/// The objective of a sweep if its request names none.
pub const DEFAULT_OBJECTIVE: &str = "sharpeRatio";

/// The path of the objective in a request.
const PATH: &str = "objective";

/// Metrics of which less is better. Other negative results, such as `avgLoss`, are better if they are higher.
const LOWER_IS_BETTER: [&str; 10] = [
    "annualizedVolatility",
    "avgDrawdown",
    "avgDrawdownDurationDays",
    "losingTrades",
    "maxDrawdown",
    "maxDrawdownDurationDays",
    "maxLossStreak",
    "totalFeesPaid",
    "totalSlippagePaid",
    "ulcerIndex",
];

/// What ranks combinations: a metric, or an expression over metrics. The higher, the better.
#[derive(Debug, Clone)]
pub struct Objective {
    text: String,
    metrics: Vec<&'static Metric>,
    /// The expression; `None` for a metric alone.
    program: Option<ScalarProgram>,
}

impl Objective {
    /// Reads an objective, such as `sharpeRatio - 0.5 * maxDrawdown / 10`.
    ///
    /// # Errors
    /// Every problem: wrong syntax, unknown metrics, an expression that is not a number.
    pub fn parse(text: &str) -> Result<Self, Vec<Issue>> {
        let names: Vec<ParameterDeclaration<'_>> = METRICS
            .iter()
            .map(|metric| ParameterDeclaration {
                name: metric.name,
                value_type: ValueType::Number,
                is_integer: false,
            })
            .collect();
        let text = text.trim();
        let program = column_expression::compile(PATH, text, "metric", &names, ValueType::Number)?;
        let metrics: Vec<&'static Metric> =
            program.inputs().iter().filter_map(|index| METRICS.get(*index).copied()).collect();
        let problem = |code, message: String| Err(vec![Issue::new(PATH, code, message)]);
        let is_alone = metrics.first().is_some_and(|metric| metric.name == text);
        match metrics.as_slice() {
            [] => problem(
                "range",
                format!(
                    "{PATH} {text} is the same for all combinations; name a metric, such as {DEFAULT_OBJECTIVE}"
                ),
            ),
            [only] if is_alone && LOWER_IS_BETTER.contains(&only.name) => problem(
                "range",
                format!(
                    "{PATH} {text} would look for the largest, because the highest value is the best; write -{text}"
                ),
            ),
            _ => {
                Ok(Self { text: text.to_owned(), metrics, program: (!is_alone).then_some(program) })
            }
        }
    }

    /// Returns the objective as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the metrics that it is computed from, each once.
    pub fn metrics(&self) -> &[&'static Metric] {
        &self.metrics
    }

    /// Computes the objective. `of` returns a metric by its index in [`Self::metrics`], NaN if it has no value; the objective has
    /// none then.
    pub fn value(&self, of: impl Fn(usize) -> f64) -> f64 {
        let Some(program) = &self.program else { return finite(of(0)) };
        let mut is_null = false;
        let mut next = 0;
        let value = program.evaluate_once(|_| {
            // A program asks for its inputs in order.
            let value = of(next);
            next += 1;
            is_null |= !value.is_finite();
            value
        });
        if is_null { f64::NAN } else { value }
    }
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objective(text: &str) -> Objective {
        Objective::parse(text).unwrap()
    }

    fn problems(text: &str) -> Vec<String> {
        let issues = Objective::parse(text).unwrap_err().into_iter();
        issues.map(|issue| issue.message).collect()
    }

    fn value(objective: &Objective, metrics: &[(&str, f64)]) -> f64 {
        let value = |name: &str| metrics.iter().find(|(known, _)| *known == name).unwrap().1;
        objective.value(|index| value(objective.metrics()[index].name))
    }

    #[test]
    fn a_metric_is_an_objective() {
        let objective = objective(" sharpeRatio ");
        assert_eq!(objective.text(), "sharpeRatio");
        assert_eq!(value(&objective, &[("sharpeRatio", 1.5)]), 1.5);
        assert!(value(&objective, &[("sharpeRatio", f64::INFINITY)]).is_nan());
    }

    #[test]
    fn expressions_read_metrics() {
        let of = [("maxDrawdown", 12.0), ("sharpeRatio", 1.5), ("totalTrades", 40.0)];
        for (text, expected) in [
            ("sharpeRatio - 0.5 * maxDrawdown / 10", 0.9),
            ("-maxDrawdown", -12.0),
            ("if(totalTrades >= 50, sharpeRatio, 0)", 0.0),
            ("min(sharpeRatio, 1) * sqrt(totalTrades - 4)", 6.0),
            ("sharpeRatio * sharpeRatio", 2.25),
        ] {
            assert_eq!(value(&objective(text), &of), expected, "{text}");
        }
        let text = "sharpeRatio - 0.5 * maxDrawdown / 10";
        let names: Vec<&str> = objective(text).metrics().iter().map(|metric| metric.name).collect();
        assert_eq!(names, ["sharpeRatio", "maxDrawdown"]);
    }

    #[test]
    fn an_objective_without_one_of_its_metrics_is_null() {
        let null = [("sharpeRatio", f64::NAN), ("totalTrades", 3.0)];
        for text in ["if(sharpeRatio > 1, 1, totalTrades)", "max(totalTrades, sharpeRatio)"] {
            assert!(value(&objective(text), &null).is_nan(), "{text}");
        }
        assert!(value(&objective("log(totalTrades - 3)"), &null[1..]).is_nan());
    }

    #[test]
    fn problems_say_what_to_write() {
        for (text, expected) in [
            ("sharpe", "objective at 1:1: unknown metric `sharpe`, did you mean `sharpeRatio`?"),
            (
                "sharpe_ratio",
                "objective at 1:1: unknown metric `sharpe_ratio`, did you mean `sharpeRatio`?",
            ),
            (
                "2 * cagr",
                "objective at 1:5: unknown metric `cagr`, did you mean `annualizedReturn`?",
            ),
            (
                "drawdown",
                "objective at 1:1: unknown metric `drawdown`, did you mean `maxDrawdown`, `avgDrawdown`, `maxDrawdownDurationDays` or `avgDrawdownDurationDays`?",
            ),
            (
                "banana",
                "objective at 1:1: unknown metric `banana`; the nearest of the 53 known metrics: alpha, beta, winRate, sqn, skew",
            ),
            (
                "sma(sharpeRatio, 3)",
                "objective at 1:1: unknown function `sma`: it reads bars, and there are only results here",
            ),
            ("sharpeRatio > 1", "objective at 1:13: expected a number, found a condition"),
            ("sharpeRatio +", "objective at 1:14: expected a number, a name or `(`, found the end"),
            ("", "objective at 1:1: the expression is empty"),
            (
                "5",
                "objective 5 is the same for all combinations; name a metric, such as sharpeRatio",
            ),
            (
                "maxDrawdown",
                "objective maxDrawdown would look for the largest, because the highest value is the best; write -maxDrawdown",
            ),
        ] {
            assert_eq!(problems(text), [expected]);
        }
    }
}
