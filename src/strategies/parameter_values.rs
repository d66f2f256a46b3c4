//! Typed and checked values for the parameters of a strategy.

use serde_json::{Map, Value as Json};

use super::definition::Definition;
use super::parameter::{POSITION_SIZE, to_json};
use crate::error::Issue;
use crate::language::Binding;
use crate::quote::counted;
use crate::request::{Range, json_number};

/// The path of the parameters in a request.
pub(super) const PATH: &str = "parameters";

/// The allowed values of `position_size`.
const POSITION_SIZE_RANGE: Range = Range::between(0.0, 1.0).above();

/// A value for each parameter of a strategy, and the position size. Every value has the declared type and is in range.
///
/// Constraints between parameters are checked when the values are bound.
#[derive(Debug, Clone)]
pub struct ParameterValues {
    bindings: Vec<Binding>,
    position_size: f64,
}

impl ParameterValues {
    /// Checks one value for each declared parameter, in their order, and the position size.
    ///
    /// # Errors
    /// Every value that has the wrong type or is out of range.
    pub(super) fn new(
        definition: &Definition,
        bindings: Vec<Binding>,
        position_size: f64,
    ) -> Result<Self, Vec<Issue>> {
        let declared = definition.parameters.len();
        if bindings.len() != declared {
            let message =
                format!("{PATH} must have {}, had {}", counted(declared, "value"), bindings.len());
            return Err(vec![Issue::new(PATH, "arity", message)]);
        }
        let mut issues = Vec::new();
        for (parameter, value) in definition.parameters.iter().zip(&bindings) {
            if let Err((code, message)) = parameter.check(*value) {
                let path = format!("{PATH}.{}", parameter.name);
                let message = format!("{path} {message}");
                issues.push(Issue::new(path, code, message));
            }
        }
        issues.extend(position_size_issue(position_size));
        if issues.is_empty() { Ok(Self { bindings, position_size }) } else { Err(issues) }
    }

    /// Returns the values of the declared parameters, in their order.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Returns the share of the available cash that an entry uses: above 0 and at most 1.
    pub fn position_size(&self) -> f64 {
        self.position_size
    }

    /// Sets the value of a declared parameter from a number: 0 and 1 are the values of a flag. The value must be in the range of
    /// the parameter.
    pub fn assign(&mut self, parameter: usize, value: f64) {
        match self.bindings.get_mut(parameter) {
            Some(Binding::Condition(flag)) => *flag = value != 0.0,
            Some(Binding::Number(number)) => *number = value,
            None => {}
        }
    }

    /// Returns the values by name, `position_size` included.
    pub(super) fn to_json(&self, definition: &Definition) -> Map<String, Json> {
        let names = definition.parameters.iter().map(|parameter| parameter.name.clone());
        let mut values: Map<String, Json> =
            names.zip(self.bindings.iter().map(|value| to_json(*value))).collect();
        values.insert(POSITION_SIZE.into(), json_number(self.position_size));
        values
    }
}

/// Compares numbers by their bits, so that 0 and −0 are different values.
impl PartialEq for ParameterValues {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |(a, b): (&Binding, &Binding)| match (a, b) {
            (Binding::Number(a), Binding::Number(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        };
        self.position_size.to_bits() == other.position_size.to_bits()
            && self.bindings.len() == other.bindings.len()
            && self.bindings.iter().zip(&other.bindings).all(is_same)
    }
}

/// Checks the range of a position size.
///
/// # Errors
/// The message without the path that precedes it.
pub fn check_position_size(value: f64) -> Result<f64, String> {
    if POSITION_SIZE_RANGE.allows(value) {
        return Ok(value);
    }
    Err(format!("must be {}, was {value}", POSITION_SIZE_RANGE.describe()))
}

/// Returns the issue of a position size that is out of range.
pub(super) fn position_size_issue(value: f64) -> Option<Issue> {
    let message = check_position_size(value).err()?;
    let path = format!("{PATH}.{POSITION_SIZE}");
    let message = format!("{path} {message}");
    Some(Issue::new(path, "range", message))
}
