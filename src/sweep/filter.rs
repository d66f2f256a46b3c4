//! Conditions on the results of combinations.

use super::column_expression;
use crate::error::Issue;
use crate::language::scalar_program::Registers;
use crate::language::{ParameterDeclaration, ScalarProgram, ValueType};

/// A column that a filter may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterColumn {
    /// The name: that of a metric, a parameter or a setting (`simulation.slStop`), or `objective`.
    pub name: String,
    /// Whether its values are flags, 0 and 1.
    pub is_flag: bool,
}

impl FilterColumn {
    /// Creates a column of numbers.
    pub fn number(name: impl Into<String>) -> Self {
        Self { name: name.into(), is_flag: false }
    }
}

/// A condition on the columns of a combination: `sharpeRatio > 1 and totalTrades >= 30 and fast_period < 20`.
///
/// A comparison with a value that is missing does not hold.
#[derive(Debug, Clone)]
pub struct Filter {
    program: ScalarProgram,
    registers: Registers,
    /// The number of columns; names beyond them are short forms.
    columns: usize,
    /// The columns of the short forms.
    short_forms: Vec<usize>,
    inputs: Vec<usize>,
}

impl Filter {
    /// Reads a condition on columns. A setting may be written without `simulation.` unless another column has that name.
    /// `path` names the field in messages.
    ///
    /// # Errors
    /// Every problem: wrong syntax, unknown names, an expression that is not a condition.
    pub fn parse(path: &str, text: &str, columns: &[FilterColumn]) -> Result<Self, Vec<Issue>> {
        let of = |column: &FilterColumn| {
            if column.is_flag { ValueType::Condition } else { ValueType::Number }
        };
        let mut names: Vec<ParameterDeclaration<'_>> = columns
            .iter()
            .map(|column| ParameterDeclaration {
                name: &column.name,
                value_type: of(column),
                is_integer: false,
            })
            .collect();
        let mut short_forms = Vec::new();
        for (index, column) in columns.iter().enumerate() {
            if let Some((_, short)) = column.name.split_once('.') {
                names.push(ParameterDeclaration {
                    name: short,
                    value_type: of(column),
                    is_integer: false,
                });
                short_forms.push(index);
            }
        }
        let program =
            column_expression::compile(path, text, "column", &names, ValueType::Condition)?;
        let mut filter = Self {
            registers: program.registers(),
            program,
            columns: columns.len(),
            short_forms,
            inputs: Vec::new(),
        };
        let inputs = filter.program.inputs().iter();
        filter.inputs = inputs.filter_map(|input| filter.column(*input)).collect();
        filter.inputs.sort_unstable();
        filter.inputs.dedup();
        Ok(filter)
    }

    /// Returns the column of a name.
    fn column(&self, name: usize) -> Option<usize> {
        match name.checked_sub(self.columns) {
            None => Some(name),
            Some(short) => self.short_forms.get(short).copied(),
        }
    }

    /// Returns the columns that the condition reads, as indices into those that it was read with, ascending.
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// Returns whether the condition holds. `value_of` returns the value of a column by its index.
    pub fn holds(&mut self, mut value_of: impl FnMut(usize) -> f64) -> bool {
        let (columns, short_forms) = (self.columns, &self.short_forms);
        let value_of = |name: usize| match name.checked_sub(columns) {
            None => value_of(name),
            Some(short) => short_forms.get(short).map_or(f64::NAN, |column| value_of(*column)),
        };
        self.program.evaluate(&mut self.registers, value_of) != 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<FilterColumn> {
        let names = ["sharpeRatio", "totalTrades", "objective", "fast_period", "simulation.slStop"];
        let mut columns: Vec<FilterColumn> = names.map(FilterColumn::number).to_vec();
        columns.push(FilterColumn { name: "simulation.slTrail".into(), is_flag: true });
        columns
    }

    #[test]
    fn conditions_hold_for_values() {
        let row = [1.5, 40.0, f64::NAN, 10.0, 0.05, 1.0];
        for (text, inputs, expected) in [
            ("sharpeRatio > 1 and totalTrades >= 30 and fast_period < 20", vec![0, 1, 3], true),
            ("sharpeRatio > 2 or objective > 0", vec![0, 2], false),
            ("not objective > 0", vec![2], true),
            ("slStop == simulation.slStop and slTrail", vec![4, 5], true),
            ("if(simulation.slTrail, slStop, 0) == 0.05", vec![4, 5], true),
            ("true", vec![], true),
        ] {
            let mut filter = Filter::parse("where", text, &columns()).unwrap();
            assert_eq!(filter.inputs(), inputs, "{text}");
            for _ in 0..2 {
                assert_eq!(filter.holds(|column| row[column]), expected, "{text}");
            }
        }
    }

    #[test]
    fn problems_say_what_to_write() {
        for (text, expected) in [
            ("sharp > 1", "where at 1:1: unknown column `sharp`, did you mean `sharpeRatio`?"),
            (
                "banana > 1",
                "where at 1:1: unknown column `banana`; known columns: sharpeRatio, totalTrades, objective, fast_period, simulation.slStop, simulation.slTrail, slStop, slTrail",
            ),
            ("slStop", "where at 1:1: expected a condition, found a number"),
            ("slTrail > 0", "where at 1:1: `>`: expected a number, found a condition"),
            (
                "rsi(objective) > 0",
                "where at 1:1: unknown function `rsi`: it reads bars, and there are only results here",
            ),
        ] {
            let issues = Filter::parse("where", text, &columns()).unwrap_err();
            let messages: Vec<String> = issues.into_iter().map(|issue| issue.message).collect();
            assert_eq!(messages, [expected]);
        }
    }
}
