//! What a metric is.

use super::arithmetic::finite;
use super::statistics::{StatisticSet, Statistics};

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Money in the quote currency.
    Money,
    /// Percent: 12.5 is 12.5 %.
    Percent,
    /// Percent per year.
    PercentPerYear,
    /// A plain number.
    Ratio,
    /// A whole number.
    Count,
    /// Days of 24 hours.
    Days,
}

impl Unit {
    /// Returns the name of the unit in the documentation.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Money => "money",
            Self::Percent => "percent",
            Self::PercentPerYear => "percent per year",
            Self::Ratio => "ratio",
            Self::Count => "count",
            Self::Days => "days",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// The name in JavaScript, camelCase.
    pub name: &'static str,
    /// What it is measured in.
    pub unit: Unit,
    /// What it states, in one line.
    pub description: &'static str,
    /// How it is computed, in the terms of docs/metrics.md.
    pub formula: &'static str,
    /// When it has no value, after "Null"; `None` if it always has one.
    pub null_case: Option<&'static str>,
    /// Who defined it, and the function that it is compared with.
    pub reference: &'static str,
    /// Its value in the example of docs/metrics.md, to four decimals.
    pub example: f64,
    /// The statistics that it reads.
    pub needs: StatisticSet,
    /// The formula. Callers use [`Metric::of`], which lets no infinite value through.
    pub compute: fn(&Statistics) -> Option<f64>,
}

impl Metric {
    /// Returns the metric of a run; `None` if it has no finite value.
    pub fn of(&self, statistics: &Statistics) -> Option<f64> {
        (self.compute)(statistics).and_then(finite)
    }
}
