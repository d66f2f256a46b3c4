//! Cuts the expressions of a strategy into shared parts and a program that combines them.

use super::domain::Domain;
use super::program::{Operation, Program, Relation, Source};
use crate::language::functions::Operation as LanguageOperation;
use crate::language::{CheckedExpression, Shape, ValueType};
use crate::strategies::{SignalField, Strategy};
use crate::sweep::space::{Axis, Space, Target};

/// How the signals of a strategy are computed in a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalPath {
    /// Several combinations share the same signals, which are computed once.
    Shared,
    /// Computed for each combination from parts that several combinations share.
    Combined,
    /// Computed as a whole for each combination.
    Whole,
}

/// A part of an expression that is computed once for each tuple of its axes.
#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    pub(super) expression: &'a CheckedExpression,
    /// The index of the domain of its axes.
    pub(super) domain: usize,
    /// Whether only the program reads it. Otherwise its bits are signals, without those in the warm-up.
    pub(super) is_operand: bool,
}

/// The parts of all expressions and the program.
#[derive(Debug, Clone)]
pub(super) struct Template<'a> {
    pub(super) parts: Vec<Part<'a>>,
    pub(super) domains: Vec<Domain>,
    pub(super) program: Program,
    /// The signals: from a part or from the program.
    pub(super) roots: Vec<(SignalField, Source, SignalPath)>,
    /// The parameter that each axis sets, `None` if it does not change the signals.
    pub(super) parameters: Vec<Option<usize>>,
}

/// A whole expression is computed once and kept if it is used at least this many times: a comparison of ranks costs a
/// fraction of it.
const COMPARISON_USES: u64 = 8;
/// The same for comparisons with a constant and for logic.
const OTHER_USES: u64 = 3;
/// Columns are shared if each is used at least this many times.
const COLUMN_USES: u64 = 2;

impl<'a> Template<'a> {
    /// Cuts the expressions of a strategy. Without `is_divided`, each expression is one part, and all of them are computed
    /// together for each combination whose parameters are allowed.
    pub(super) fn new(strategy: &'a Strategy, space: &Space, is_divided: bool) -> Self {
        let parameters: Vec<Option<usize>> = space
            .axes()
            .iter()
            .map(|axis| match axis.target {
                Target::Parameter(index) => Some(index),
                Target::PositionSize | Target::Setting(_) => None,
            })
            .collect();
        let mut cutter = Cutter {
            axes: space.axes(),
            template: Template {
                parts: Vec::new(),
                domains: Vec::new(),
                program: Program::default(),
                roots: Vec::new(),
                parameters,
            },
            combinations: 1,
            undivided: None,
        };
        let all = strategy.expressions().iter().flat_map(|(_, expression)| expression.parameters());
        let used = cutter.axes_of(&all.collect::<Vec<_>>());
        cutter.combinations = Domain::new(&used, space.axes()).size().min(space.len() as u64);
        cutter.undivided = (!is_divided).then_some(used);
        for (field, expression) in strategy.expressions() {
            let source = cutter.condition(expression);
            let path = match source {
                Source::Buffer(_) => SignalPath::Combined,
                Source::Part(_) if cutter.tuples(expression) < cutter.combinations => {
                    SignalPath::Shared
                }
                Source::Part(_) => SignalPath::Whole,
            };
            cutter.template.roots.push((*field, source, path));
        }
        cutter.finish()
    }
}

/// The state of cutting.
struct Cutter<'a, 'b> {
    axes: &'b [Axis],
    template: Template<'a>,
    /// The number of combinations whose signals can differ.
    combinations: u64,
    /// If the expressions are not divided, the axes of all of them.
    undivided: Option<Vec<usize>>,
}

impl<'a> Cutter<'a, '_> {
    /// Returns the axes that set one of these parameters, in order.
    fn axes_of(&self, parameters: &[usize]) -> Vec<usize> {
        let sets = |parameter: &Option<usize>| {
            parameter.is_some_and(|parameter| parameters.contains(&parameter))
        };
        let axes = self.template.parameters.iter().enumerate();
        axes.filter(|(_, parameter)| sets(parameter)).map(|(axis, _)| axis).collect()
    }

    /// Returns the number of distinct values of an expression, at most that of all combinations.
    fn tuples(&self, expression: &CheckedExpression) -> u64 {
        let axes = self.axes_of(&expression.parameters());
        Domain::new(&axes, self.axes).size().min(self.combinations)
    }

    /// Returns whether each distinct value of an expression is used at least this many times.
    fn is_used(&self, expression: &CheckedExpression, times: u64) -> bool {
        let tuples = self.tuples(expression);
        tuples == 1 || tuples.saturating_mul(times) <= self.combinations
    }

    fn condition(&mut self, expression: &'a CheckedExpression) -> Source {
        if self.undivided.is_some() {
            return self.whole(expression);
        }
        match expression.shape() {
            Shape::Not(_) | Shape::All(_) | Shape::Any(_) | Shape::If(_)
                if self.is_used(expression, OTHER_USES) =>
            {
                self.whole(expression)
            }
            Shape::Not(inner) => {
                let inner = self.condition(inner);
                self.operation(Operation::Not(inner))
            }
            Shape::All(conditions) => self.fold(conditions, Operation::And),
            Shape::Any(conditions) => self.fold(conditions, Operation::Or),
            Shape::If([condition, a, b]) => {
                let condition = self.condition(condition);
                let (a, b) = (self.condition(a), self.condition(b));
                self.operation(Operation::If(condition, a, b))
            }
            Shape::Comparison(operation, numbers) => {
                let Some((a, b)) = self.operands(expression, numbers) else {
                    return self.whole(expression);
                };
                let relation = match operation {
                    LanguageOperation::Less => Relation::Below,
                    LanguageOperation::LessOrEqual => Relation::AtMost,
                    LanguageOperation::Greater => Relation::Above,
                    LanguageOperation::GreaterOrEqual => Relation::AtLeast,
                    LanguageOperation::Equal => Relation::Equal,
                    _ => Relation::Different,
                };
                self.relation(relation, a, b)
            }
            Shape::Crossing { above, numbers } => {
                let Some((a, b)) = self.operands(expression, numbers) else {
                    return self.whole(expression);
                };
                self.relation(
                    if above { Relation::CrossedAbove } else { Relation::CrossedBelow },
                    a,
                    b,
                )
            }
            Shape::Other => self.whole(expression),
        }
    }

    fn fold(
        &mut self,
        conditions: &'a [CheckedExpression],
        operation: impl Fn(Source, Source) -> Operation,
    ) -> Source {
        let sources: Vec<Source> =
            conditions.iter().map(|condition| self.condition(condition)).collect();
        let mut sources = sources.into_iter();
        // The language has no conjunction of nothing.
        let first = sources.next().unwrap_or(Source::Buffer(usize::MAX));
        sources.fold(first, |left, right| self.operation(operation(left, right)))
    }

    /// Returns the parts of two numbers if they are compared for each combination.
    fn operands(
        &mut self,
        expression: &CheckedExpression,
        [a, b]: [&'a CheckedExpression; 2],
    ) -> Option<(usize, usize)> {
        let uses = if a.is_constant() || b.is_constant() { OTHER_USES } else { COMPARISON_USES };
        // A constant costs nothing.
        let is_shared = |number: &CheckedExpression| {
            number.is_constant()
                || self.is_used(number, COLUMN_USES)
                    && self.tuples(number) < self.tuples(expression)
        };
        let is_compared = !expression.is_constant()
            && !self.is_used(expression, uses)
            && is_shared(a)
            && is_shared(b);
        is_compared.then(|| (self.part(a, true), self.part(b, true)))
    }

    /// Adds a comparison, with the operands in the order of their parts.
    fn relation(&mut self, relation: Relation, a: usize, b: usize) -> Source {
        let (relation, a, b) = if a > b { (relation.swapped(), b, a) } else { (relation, a, b) };
        let sides = self.template.program.add(Operation::Compare { a, b });
        self.operation(Operation::Relation { relation, a, b, sides })
    }

    fn operation(&mut self, operation: Operation) -> Source {
        Source::Buffer(self.template.program.add(operation))
    }

    fn whole(&mut self, expression: &'a CheckedExpression) -> Source {
        Source::Part(self.part(expression, false))
    }

    /// Returns the index of a part, which is added if it is new.
    fn part(&mut self, expression: &'a CheckedExpression, is_operand: bool) -> usize {
        let known = self.template.parts.iter().position(|part| {
            part.expression.is_same(expression)
                && part.expression.value_type() == expression.value_type()
        });
        if let Some(known) = known {
            return known;
        }
        // Parameters of indicators vary slowest, so that parts with the same indicators are computed together.
        let mut axes = match &self.undivided {
            Some(axes) => axes.clone(),
            None => self.axes_of(&expression.parameters()),
        };
        let costly = self.axes_of(&expression.costly_parameters());
        axes.sort_by_key(|axis| !costly.contains(axis));
        let domain = Domain::new(&axes, self.axes);
        let domains = &mut self.template.domains;
        let domain = domains.iter().position(|known| *known == domain).unwrap_or_else(|| {
            domains.push(domain);
            domains.len() - 1
        });
        debug_assert!(is_operand || expression.value_type() == ValueType::Condition);
        self.template.parts.push(Part { expression, domain, is_operand });
        self.template.parts.len() - 1
    }

    fn finish(mut self) -> Template<'a> {
        // A part that the program reads too is not kept without the bars of the warm-up.
        let template = &mut self.template;
        for source in template.program.sources() {
            if let Source::Part(part) = source
                && let Some(part) = template.parts.get_mut(part)
            {
                part.is_operand = true;
            }
        }
        // Nor is a buffer that the program reads.
        let read = template.program.sources();
        for index in 0..template.roots.len() {
            let Some((_, source, _)) = template.roots.get(index).copied() else { continue };
            let is_operand = match source {
                Source::Part(part) => template.parts.get(part).is_some_and(|part| part.is_operand),
                Source::Buffer(_) => read.contains(&source),
            };
            if is_operand {
                let copy = template.program.add(Operation::Copy(source));
                if let Some((_, source, _)) = template.roots.get_mut(index) {
                    *source = Source::Buffer(copy);
                }
            }
        }
        let roots: Vec<Source> = template.roots.iter().map(|(_, source, _)| *source).collect();
        template.program.finish(&roots);
        self.template
    }
}
