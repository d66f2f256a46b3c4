//! The parameters that a strategy declares.

use crate::language::Binding;

/// The parameter that every strategy has: the share of the available cash that an entry uses.
pub const POSITION_SIZE: &str = "position_size";

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterType {
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
}

impl ParameterType {
    /// Every type with its name.
    pub const ALL: [(&'static str, Self); 3] =
        [("integer", Self::Integer), ("number", Self::Number), ("boolean", Self::Boolean)];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Returns the type with that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, found)| *found)
    }
}

/// The declaration of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// The name, in `snake_case`.
    pub name: String,
    /// The type.
    pub parameter_type: ParameterType,
    /// The default value.
    pub default: Binding,
    /// The minimum, if there is one.
    pub minimum: Option<f64>,
    /// The maximum, if there is one.
    pub maximum: Option<f64>,
    /// A description for users.
    pub description: String,
}

impl Parameter {
    /// Checks a value against the type and the range.
    ///
    /// # Errors
    /// The code of an issue, and its message without the path that precedes it.
    pub fn check(&self, value: Binding) -> Result<(), (&'static str, String)> {
        let value = match (self.parameter_type, value) {
            (ParameterType::Boolean, Binding::Condition(_)) => return Ok(()),
            (ParameterType::Boolean, Binding::Number(value)) => {
                return Err(("type", format!("must be a boolean, was number {value}")));
            }
            (_, Binding::Condition(value)) => {
                let expected = self.expected_type();
                return Err(("type", format!("must be {expected}, was boolean {value}")));
            }
            (_, Binding::Number(value)) => value,
        };
        let has_fraction = self.parameter_type == ParameterType::Integer && value.fract() != 0.0;
        if has_fraction || !value.is_finite() {
            return Err(("type", format!("must be {}, was number {value}", self.expected_type())));
        }
        if self.minimum.is_some_and(|minimum| value < minimum)
            || self.maximum.is_some_and(|maximum| value > maximum)
        {
            return Err(("range", format!("must be {}, was {value}", self.allowed_range())));
        }
        Ok(())
    }

    /// Returns the type with its article, for messages.
    pub(super) fn expected_type(&self) -> &'static str {
        match self.parameter_type {
            ParameterType::Integer => "a whole number",
            ParameterType::Number => "a number",
            ParameterType::Boolean => "a boolean",
        }
    }

    fn allowed_range(&self) -> String {
        match (self.minimum, self.maximum) {
            (Some(minimum), Some(maximum)) => format!("between {minimum} and {maximum}"),
            (Some(minimum), None) => format!("at least {minimum}"),
            (None, Some(maximum)) => format!("at most {maximum}"),
            (None, None) => "a finite number".into(),
        }
    }
}

/// Returns a parameter value as JSON. Whole numbers become integers.
pub(super) fn to_json(value: Binding) -> serde_json::Value {
    match value {
        Binding::Number(value) => crate::request::json_number(value),
        Binding::Condition(value) => value.into(),
    }
}
