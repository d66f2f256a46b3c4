//! A strategy as data.

use std::fmt::Write;

/// What a strategy lives on, for lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StrategyType {
    /// Follows a trend.
    Trend,
    /// Expects a return to the mean.
    MeanReversion,
    /// Follows what rose most.
    Momentum,
    /// Lives on a difference between prices.
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

    /// Finds a type by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
}

impl ParameterKind {
    /// Every type with its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("integer", Self::Integer), ("number", Self::Number), ("boolean", Self::Boolean)];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Finds a type by its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }
}

/// The value of a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A finite number.
    Number(f64),
    /// True or false.
    Boolean(bool),
}

impl Value {
    /// Returns the value as JSON; whole numbers as integers.
    pub fn to_json(self) -> serde_json::Value {
        match self {
            Self::Number(value) => crate::request::json_number(value),
            Self::Boolean(value) => value.into(),
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(value) => value.fmt(f),
            Self::Boolean(value) => value.fmt(f),
        }
    }
}

/// A number or switch that a strategy can be run with.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The name, in `snake_case`.
    pub name: String,
    /// The type.
    pub kind: ParameterKind,
    /// The value where none is given.
    pub default: Value,
    /// The least value allowed, if any.
    pub minimum: Option<f64>,
    /// The greatest value allowed, if any.
    pub maximum: Option<f64>,
    /// What it means.
    pub description: String,
}

/// Where the signals of a strategy come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// From its expressions.
    Expressions,
    /// From a function of the caller, of which nothing is known here: there are no expressions.
    Elsewhere,
}

/// A strategy as data, not yet checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The id, in `snake_case`.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// What it lives on.
    pub kind: StrategyType,
    /// What it does.
    pub description: String,
    /// Where it comes from.
    pub reference: String,
    /// The parameters, in order.
    pub parameters: Vec<Parameter>,
    /// Conditions between parameters, as expressions.
    pub constraints: Vec<String>,
    /// When to enter.
    pub entries: String,
    /// When to exit.
    pub exits: String,
    /// When to enter short, if it does.
    pub short_entries: Option<String>,
    /// When to exit short, if it does.
    pub short_exits: Option<String>,
}

impl Definition {
    /// Writes the strategy in the text format, in canonical form.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "strategy {}\nname {}\ntype {}\n",
            self.id,
            quoted(&self.name),
            self.kind.as_str()
        );
        for (key, value) in [("description", &self.description), ("reference", &self.reference)] {
            if !value.is_empty() {
                line(&mut text, key, &quoted(value));
            }
        }
        for parameter in &self.parameters {
            line(&mut text, &format!("{}:", parameter.name), &parameter.to_text());
        }
        for constraint in &self.constraints {
            line(&mut text, "constraint", &statement(constraint));
        }
        line(&mut text, "entries", &statement(&self.entries));
        line(&mut text, "exits", &statement(&self.exits));
        for (key, value) in
            [("short_entries", &self.short_entries), ("short_exits", &self.short_exits)]
        {
            if let Some(value) = value {
                line(&mut text, key, &statement(value));
            }
        }
        text
    }

    /// Returns the expressions by the names of their fields in the object form.
    pub(super) fn expressions(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("entries", Some(&self.entries)),
            ("exits", Some(&self.exits)),
            ("shortEntries", self.short_entries.as_deref()),
            ("shortExits", self.short_exits.as_deref()),
        ]
    }
}

impl Parameter {
    fn to_text(&self) -> String {
        let mut text = self.kind.as_str().to_owned();
        if self.minimum.is_some() || self.maximum.is_some() {
            let show =
                |bound: Option<f64>| bound.map_or_else(String::new, |bound| bound.to_string());
            // Writing to a string cannot fail.
            let _ = write!(text, " {}..={}", show(self.minimum), show(self.maximum));
        }
        let _ = write!(text, " = {}", self.default);
        if !self.description.is_empty() {
            let _ = write!(text, " {}", quoted(&self.description));
        }
        text
    }
}

fn line(text: &mut String, key: &str, value: &str) {
    let _ = writeln!(text, "{key} {value}");
}

/// Writes text in quotes, with the escapes of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Writes an expression as the text format has it: further lines are indented, blank ones and comment lines left out.
fn statement(expression: &str) -> String {
    let lines: Vec<&str> = expression
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    lines.join("\n  ")
}
