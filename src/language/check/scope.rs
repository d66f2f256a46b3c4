//! The names that an expression may use besides functions.

use super::value_type::ValueType;

/// A parameter that an expression may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterDeclaration<'a> {
    /// The name.
    pub name: &'a str,
    /// The type.
    pub value_type: ValueType,
    /// Whether only whole numbers are allowed.
    pub is_integer: bool,
}

/// The parameters and series that an expression may use.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The parameters.
    pub parameters: &'a [ParameterDeclaration<'a>],
    /// Whether series are allowed. They are not in constraints between parameters.
    pub allows_series: bool,
}
