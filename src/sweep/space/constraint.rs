//! What decides whether a point of the grid is a combination.

use super::axis::{Axis, Target};
use super::names::{NameSource, SweptName};
use crate::language::scalar_program::Registers;
use crate::language::{
    self, CheckedExpression, ParameterDeclaration, ScalarProgram, Scope, ValueType,
};
use crate::request::Issues;
use crate::settings::Settings;
use crate::strategies::Strategy;

/// A condition that a point must meet.
#[derive(Debug)]
pub(super) struct Constraint<'a> {
    rule: Rule<'a>,
    /// The number of leading axes that decide it.
    pub(super) axes: usize,
    /// The text of an expression.
    text: Option<String>,
    /// Whether it excluded a point.
    pub(super) excludes: bool,
}

#[derive(Debug)]
enum Rule<'a> {
    /// An expression must hold.
    Holds { program: ScalarProgram, registers: Registers, names: &'a [SweptName] },
    /// The settings must not contradict each other.
    Settings { base: &'a Settings, axes: &'a [Axis], has_short_signals: Option<bool> },
}

impl Constraint<'_> {
    /// Returns the text of an expression; `None` for the rule about settings.
    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Returns whether the constraint holds for values of the leading axes. Later values are not read.
    pub(super) fn holds(&mut self, values: &[f64]) -> bool {
        let holds = match &mut self.rule {
            Rule::Holds { program, registers, names } => {
                let value_of = |index: usize| match names.get(index).map(|name| name.source) {
                    Some(NameSource::Axis(axis)) => values.get(axis).copied().unwrap_or(f64::NAN),
                    Some(NameSource::Fixed(value)) => value,
                    None => f64::NAN,
                };
                program.evaluate(registers, value_of) != 0.0
            }
            Rule::Settings { base, axes, has_short_signals } => {
                let settings = settings_at(base, axes, values);
                settings.mistakes(*has_short_signals).is_empty()
            }
        };
        self.excludes |= !holds;
        holds
    }
}

/// Returns the settings with one value of each axis.
pub(super) fn settings_at(base: &Settings, axes: &[Axis], values: &[f64]) -> Settings {
    let mut settings = base.clone();
    for (axis, value) in axes.iter().zip(values) {
        axis.assign(*value, &mut settings);
    }
    settings
}

/// Reads the constraints of the strategy and those of the request. The scope of both begins with the declared parameters.
pub(super) fn read<'a>(
    strategy: &Strategy,
    texts: &[String],
    names: &'a [SweptName],
    issues: &mut Issues,
) -> Vec<Constraint<'a>> {
    let mut constraints = Vec::new();
    for (index, (text, checked)) in strategy.constraints().iter().enumerate() {
        let path = format!("strategy.constraints[{index}]");
        constraints.extend(compile(&path, text, checked, names, issues));
    }
    let declarations: Vec<ParameterDeclaration<'_>> =
        names.iter().map(SweptName::declaration).collect();
    let scope = Scope { parameters: &declarations, allows_series: false };
    for (index, text) in texts.iter().enumerate() {
        let path = format!("constraints[{index}]");
        let checked = language::parse(text)
            .map_err(|diagnostic| vec![diagnostic])
            .and_then(|tree| language::check(&tree, ValueType::Condition, scope));
        match checked {
            Ok(checked) => constraints.extend(compile(&path, text, &checked, names, issues)),
            Err(diagnostics) => {
                for diagnostic in diagnostics {
                    issues.add(&path, diagnostic.code, format!("{path} at {diagnostic}"));
                }
            }
        }
    }
    constraints
}

fn compile<'a>(
    path: &str,
    text: &str,
    checked: &CheckedExpression,
    names: &'a [SweptName],
    issues: &mut Issues,
) -> Option<Constraint<'a>> {
    let Some(program) = ScalarProgram::compile(checked) else {
        let message =
            format!("{path}: {} counts bars, which a constraint of a sweep cannot", text.trim());
        issues.add(path, "type", message);
        return None;
    };
    let axes = program.inputs().iter().filter_map(|input| match names.get(*input)?.source {
        NameSource::Axis(axis) => Some(axis + 1),
        NameSource::Fixed(_) => None,
    });
    Some(Constraint {
        axes: axes.max().unwrap_or(0),
        text: Some(text.trim().to_owned()),
        excludes: false,
        rule: Rule::Holds { registers: program.registers(), program, names },
    })
}

/// Returns the rule that settings must not contradict each other, if some values of the axes break it.
pub(super) fn of_settings<'a>(
    base: &'a Settings,
    axes: &'a [Axis],
    has_short_signals: Option<bool>,
) -> Option<Constraint<'a>> {
    /// More points are not examined beforehand.
    const MAX_POINTS: usize = 10_000;
    let changes = |axis: &Axis| !matches!(axis.target, Target::Parameter(_));
    let last = axes.iter().rposition(changes)?;
    let mut constraint = Constraint {
        rule: Rule::Settings { base, axes, has_short_signals },
        axes: last + 1,
        text: None,
        excludes: false,
    };
    let swept: Vec<usize> =
        (0..=last).filter(|index| axes.get(*index).is_some_and(changes)).collect();
    let lengths =
        || swept.iter().filter_map(|index| axes.get(*index)).map(|axis| axis.values.len());
    let points =
        lengths().try_fold(1_usize, usize::checked_mul).filter(|points| *points <= MAX_POINTS);
    let Some(points) = points else { return Some(constraint) };
    let mut values = vec![f64::NAN; last + 1];
    let is_clean = (0..points).all(|point| {
        let mut rest = point;
        for (index, length) in swept.iter().zip(lengths()) {
            if let (Some(value), Some(axis)) = (values.get_mut(*index), axes.get(*index)) {
                *value = axis.values.get(rest % length.max(1)).copied().unwrap_or(f64::NAN);
            }
            rest /= length.max(1);
        }
        constraint.holds(&values)
    });
    (!is_clean).then_some(constraint)
}
