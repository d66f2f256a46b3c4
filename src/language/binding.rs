//! The value of a parameter or of a constant expression.

use std::fmt;

/// The value bound to a parameter, or the value of an expression that does not depend on bars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Binding {
    /// A number. NaN means "no value".
    Number(f64),
    /// True or false.
    Condition(bool),
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => value.fmt(f),
            Self::Condition(value) => value.fmt(f),
        }
    }
}
