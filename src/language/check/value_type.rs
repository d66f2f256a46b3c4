//! The types of the language.

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// A number.
    Number,
    /// True or false.
    Condition,
}

impl ValueType {
    /// Returns the type with its article, for messages.
    pub(super) const fn describe(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Condition => "a condition",
        }
    }
}
