//! A strategy as data.

use std::fmt::Write;

use super::parameter::Parameter;
use super::signal_field::SignalField;

/// The category of a strategy, for lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrategyType {
    /// Follows a trend.
    Trend,
    /// Expects a return to the mean.
    MeanReversion,
    /// Buys what has risen most.
    Momentum,
    /// Exploits price differences.
    Arbitrage,
    /// Anything else.
    Custom,
}

impl StrategyType {
    /// Every type with its name.
    pub const ALL: [(&'static str, Self); 5] = [
        ("trend", Self::Trend),
        ("mean_reversion", Self::MeanReversion),
        ("momentum", Self::Momentum),
        ("arbitrage", Self::Arbitrage),
        ("custom", Self::Custom),
    ];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Returns the type with that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, found)| *found)
    }
}

/// The source of a strategy's signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignalSource {
    /// The expressions of the strategy.
    Expressions,
    /// A function of the caller. The strategy has no expressions.
    Function,
}

/// A strategy as data, not checked yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The id, in `snake_case`.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The category.
    pub strategy_type: StrategyType,
    /// A description for users.
    pub description: String,
    /// The source in the literature.
    pub reference: String,
    /// The parameters, in declaration order.
    pub parameters: Vec<Parameter>,
    /// Constraints between parameters, as expressions.
    pub constraints: Vec<String>,
    /// The condition for entering a long position.
    pub entries: String,
    /// The condition for exiting a long position.
    pub exits: String,
    /// The condition for entering a short position, if the strategy has one.
    pub short_entries: Option<String>,
    /// The condition for exiting a short position, if the strategy has one.
    pub short_exits: Option<String>,
}

impl Definition {
    /// Returns the strategy in the canonical form of the text format.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "strategy {}\nname {}\ntype {}\n",
            self.id,
            quoted(&self.name),
            self.strategy_type.as_str()
        );
        for (key, value) in [("description", &self.description), ("reference", &self.reference)] {
            if !value.is_empty() {
                write_statement(&mut text, key, &quoted(value));
            }
        }
        for parameter in &self.parameters {
            write_statement(&mut text, &format!("{}:", parameter.name), &parameter.to_text());
        }
        for constraint in &self.constraints {
            write_statement(&mut text, "constraint", &expression_text(constraint));
        }
        write_statement(&mut text, "entries", &expression_text(&self.entries));
        write_statement(&mut text, "exits", &expression_text(&self.exits));
        for (key, value) in
            [("short_entries", &self.short_entries), ("short_exits", &self.short_exits)]
        {
            if let Some(value) = value {
                write_statement(&mut text, key, &expression_text(value));
            }
        }
        text
    }

    /// Returns the text of each signal's expression.
    pub(super) fn expressions(&self) -> [(SignalField, Option<&str>); 4] {
        [
            (SignalField::Entries, Some(&self.entries)),
            (SignalField::Exits, Some(&self.exits)),
            (SignalField::ShortEntries, self.short_entries.as_deref()),
            (SignalField::ShortExits, self.short_exits.as_deref()),
        ]
    }
}

impl Parameter {
    fn to_text(&self) -> String {
        let mut text = self.parameter_type.as_str().to_owned();
        if self.minimum.is_some() || self.maximum.is_some() {
            let show =
                |bound: Option<f64>| bound.map_or_else(String::new, |bound| bound.to_string());
            // Writing to a `String` cannot fail.
            let _ = write!(text, " {}..={}", show(self.minimum), show(self.maximum));
        }
        let _ = write!(text, " = {}", self.default);
        if !self.description.is_empty() {
            let _ = write!(text, " {}", quoted(&self.description));
        }
        text
    }
}

fn write_statement(text: &mut String, key: &str, value: &str) {
    let _ = writeln!(text, "{key} {value}");
}

/// Returns text in quotes, with JSON escapes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns an expression as the text format represents it: continuation lines are indented, blank lines and comments dropped.
fn expression_text(expression: &str) -> String {
    let lines: Vec<&str> = expression
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    lines.join("\n  ")
}
