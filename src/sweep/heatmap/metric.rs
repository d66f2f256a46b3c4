//! What is known about the metric of a heat map.

use crate::chart::HeatmapMetric;
use crate::error::{Error, Result, known_names, nearest};
use crate::metrics::{self, Unit};
use crate::quote::quoted;

/// Metrics whose sign says whether money was made.
const BREAK_EVEN_AT_ZERO: [&str; 10] = [
    "totalProfit",
    "totalReturn",
    "annualizedReturn",
    "sharpeRatio",
    "sortinoRatio",
    "calmarRatio",
    "alpha",
    "informationRatio",
    "expectancy",
    "sqn",
];
/// Ratios of gains to losses: above 1, money was made.
const BREAK_EVEN_AT_ONE: [&str; 2] = ["profitFactor", "omegaRatio"];

/// Returns unit and break-even of a metric. A name that is not a metric is an objective, of which neither is known.
pub fn heatmap_metric(name: &str) -> HeatmapMetric<'_> {
    let unit = metrics::find(name).map(|metric| metric.unit);
    let break_even = if BREAK_EVEN_AT_ZERO.contains(&name) {
        Some(0.0)
    } else if BREAK_EVEN_AT_ONE.contains(&name) {
        Some(1.0)
    } else {
        None
    };
    HeatmapMetric {
        name,
        unit: match unit {
            None | Some(Unit::Ratio | Unit::Count) => "",
            Some(unit) => unit.as_str(),
        },
        is_percent: matches!(unit, Some(Unit::Percent | Unit::PercentPerYear)),
        break_even,
    }
}

/// Returns the position of a metric among those that a sweep has kept.
///
/// # Errors
/// `INVALID_ARGUMENT` if the sweep has not kept it, or if there is no such metric.
pub fn metric_index(name: &str, kept: &[&str]) -> Result<usize> {
    if let Some(index) = kept.iter().position(|kept| *kept == name) {
        return Ok(index);
    }
    let message = if metrics::find(name).is_some() {
        format!(
            "the sweep has not kept options.metric {name}: name it in the metrics of the sweep; kept: {}",
            kept.join(", ")
        )
    } else {
        let known = kept.iter().copied().chain(["objective"]);
        let hint = nearest(name, known).map_or_else(
            || known_names("metrics", name, kept),
            |name| format!(", did you mean {name}?"),
        );
        format!("unknown metric {}{hint}", quoted(name))
    };
    Err(Error::invalid("options.metric", "choice", message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_with_a_break_even_exists() {
        for name in BREAK_EVEN_AT_ZERO.into_iter().chain(BREAK_EVEN_AT_ONE) {
            assert!(metrics::find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn unit_and_break_even_follow_from_the_name() {
        let of = |name| {
            let metric = heatmap_metric(name);
            (metric.unit, metric.is_percent, metric.break_even)
        };
        assert_eq!(of("totalReturn"), ("percent", true, Some(0.0)));
        assert_eq!(of("sharpeRatio"), ("", false, Some(0.0)));
        assert_eq!(of("profitFactor"), ("", false, Some(1.0)));
        assert_eq!(of("maxDrawdown"), ("percent", true, None));
        assert_eq!(of("avgTradeDurationDays"), ("days", false, None));
        assert_eq!(of("sharpeRatio - maxDrawdown / 10"), ("", false, None));
    }

    #[test]
    fn a_metric_that_was_not_kept_is_told_from_an_unknown_one() {
        let kept = ["sharpeRatio", "totalReturn"];
        assert_eq!(metric_index("totalReturn", &kept).unwrap(), 1);
        let message = |name| metric_index(name, &kept).unwrap_err().message;
        assert_eq!(
            message("valueAtRisk"),
            "the sweep has not kept options.metric valueAtRisk: name it in the metrics of the sweep; kept: sharpeRatio, totalReturn"
        );
        assert_eq!(
            message("sharpRatio"),
            "unknown metric \"sharpRatio\", did you mean sharpeRatio?"
        );
        assert_eq!(
            message("banana"),
            "unknown metric \"banana\"; known metrics: sharpeRatio, totalReturn"
        );
    }
}
