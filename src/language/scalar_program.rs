//! Expressions over single values, compiled for many evaluations: constraints of sweeps, objectives, conditions on metrics.

use super::check::{CheckedExpression, CheckedNode};
use super::functions::Operation;
use super::kernels::scalar;

/// An expression that reads no bars. It returns what constant folding would, and computes it in nanoseconds.
///
/// Conditions are 0 and 1. A value that is missing or not finite is NaN.
#[derive(Debug, Clone)]
pub struct ScalarProgram {
    /// The names that it reads, as indices into the scope, each once.
    inputs: Vec<usize>,
    constants: Vec<f64>,
    instructions: Vec<Instruction>,
    /// The register of the result.
    result: usize,
}

/// Computes the next register from others. An operation with fewer operands repeats the first.
#[derive(Debug, Clone, Copy)]
struct Instruction {
    operation: Operation,
    operands: [usize; 3],
}

/// The memory of a program, reused from one evaluation to the next.
#[derive(Debug, Clone)]
pub struct Registers {
    values: Vec<f64>,
}

impl ScalarProgram {
    /// Compiles an expression; `None` if its value depends on bars.
    pub fn compile(expression: &CheckedExpression) -> Option<Self> {
        let mut inputs = expression.parameters();
        inputs.sort_unstable();
        inputs.dedup();
        let mut constants = Vec::new();
        collect_constants(expression, &mut constants);
        let first = inputs.len() + constants.len();
        let mut compiler = Compiler { inputs, first, constants: 0, instructions: Vec::new() };
        let result = compiler.compile(expression)?;
        let Compiler { inputs, instructions, .. } = compiler;
        Some(Self { inputs, constants, instructions, result })
    }

    /// Returns the names that the expression reads, as indices into the scope that it was checked in, ascending.
    pub fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    /// Returns the memory that an evaluation needs.
    pub fn registers(&self) -> Registers {
        let mut values = vec![f64::NAN; self.inputs.len()];
        values.extend_from_slice(&self.constants);
        values.resize(values.len() + self.instructions.len(), f64::NAN);
        Registers { values }
    }

    /// Evaluates the expression. `value_of` returns the value of a name by its index in the scope.
    #[inline]
    pub fn evaluate(&self, registers: &mut Registers, value_of: impl FnMut(usize) -> f64) -> f64 {
        self.run(&mut registers.values, value_of)
    }

    /// Evaluates the expression without memory of its own, which costs some nanoseconds more.
    pub fn evaluate_once(&self, value_of: impl FnMut(usize) -> f64) -> f64 {
        const MOST: usize = 32;
        let mut registers = [f64::NAN; MOST];
        let needed = self.inputs.len() + self.constants.len() + self.instructions.len();
        let constants = self.inputs.len()..self.inputs.len() + self.constants.len();
        match (registers.get_mut(constants), needed <= MOST) {
            (Some(constants), true) => {
                constants.copy_from_slice(&self.constants);
                self.run(&mut registers, value_of)
            }
            _ => self.evaluate(&mut self.registers(), value_of),
        }
    }

    #[inline]
    fn run(&self, values: &mut [f64], mut value_of: impl FnMut(usize) -> f64) -> f64 {
        for (input, value) in self.inputs.iter().zip(values.iter_mut()) {
            let given = value_of(*input);
            *value = if given.is_finite() { given } else { f64::NAN };
        }
        let first = self.inputs.len() + self.constants.len();
        for (index, Instruction { operation, operands }) in self.instructions.iter().enumerate() {
            let operand = |operand: usize| values.get(operand).copied().unwrap_or(f64::NAN);
            let [a, b, c] = operands.map(operand);
            let value = apply(*operation, a, b, c);
            if let Some(register) = values.get_mut(first + index) {
                *register = value;
            }
        }
        values.get(self.result).copied().unwrap_or(f64::NAN)
    }
}

#[inline]
fn apply(operation: Operation, a: f64, b: f64, c: f64) -> f64 {
    match operation {
        Operation::And => f64::from(a != 0.0 && b != 0.0),
        Operation::Or => f64::from(a != 0.0 || b != 0.0),
        Operation::Not => f64::from(a == 0.0),
        Operation::If => {
            if a == 0.0 {
                c
            } else {
                b
            }
        }
        Operation::Less
        | Operation::LessOrEqual
        | Operation::Greater
        | Operation::GreaterOrEqual
        | Operation::Equal
        | Operation::NotEqual => f64::from(scalar::compare(operation, a, b)),
        // Constants never cross.
        Operation::CrossedAbove | Operation::CrossedBelow => 0.0,
        _ => scalar::number(operation, a, b),
    }
}

/// Appends the constants of an expression in the order in which the compiler meets them.
fn collect_constants(expression: &CheckedExpression, constants: &mut Vec<f64>) {
    match &expression.node {
        CheckedNode::Number(value) => constants.push(*value),
        CheckedNode::Boolean(value) => constants.push(f64::from(*value)),
        CheckedNode::Apply(_, arguments) => {
            for argument in arguments {
                collect_constants(argument, constants);
            }
        }
        _ => {}
    }
}

struct Compiler {
    inputs: Vec<usize>,
    /// The first register that an instruction writes.
    first: usize,
    /// The number of constants met so far.
    constants: usize,
    instructions: Vec<Instruction>,
}

impl Compiler {
    /// Returns the register of the value.
    fn compile(&mut self, expression: &CheckedExpression) -> Option<usize> {
        match &expression.node {
            CheckedNode::Number(_) | CheckedNode::Boolean(_) => {
                self.constants += 1;
                Some(self.inputs.len() + self.constants - 1)
            }
            CheckedNode::Parameter(index) => self.inputs.binary_search(index).ok(),
            CheckedNode::Apply(function, arguments) => {
                if matches!(
                    function.operation,
                    Operation::Shift
                        | Operation::Change
                        | Operation::Count
                        | Operation::BarsSince
                        | Operation::Higher
                ) {
                    return None;
                }
                if function.repeats {
                    let mut rest = arguments.iter();
                    let first = self.compile(rest.next()?)?;
                    return rest.try_fold(first, |left, argument| {
                        let right = self.compile(argument)?;
                        Some(self.push(function.operation, [left, right, left]))
                    });
                }
                let mut operands = [None; 3];
                for (operand, argument) in operands.iter_mut().zip(arguments) {
                    *operand = Some(self.compile(argument)?);
                }
                let [first, second, third] = operands;
                let first = first?;
                let operands = [first, second.unwrap_or(first), third.unwrap_or(first)];
                Some(self.push(function.operation, operands))
            }
            CheckedNode::Series(_)
            | CheckedNode::TimeField(_)
            | CheckedNode::Indicator { .. }
            | CheckedNode::Higher(..) => None,
        }
    }

    fn push(&mut self, operation: Operation, operands: [usize; 3]) -> usize {
        self.instructions.push(Instruction { operation, operands });
        self.first + self.instructions.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::{
        Binding, ParameterDeclaration, PlanBuilder, Scope, ValueType, check, parse,
    };
    use proptest::prelude::*;

    const PARAMETERS: &[ParameterDeclaration<'_>] = &[
        ParameterDeclaration { name: "p", value_type: ValueType::Number, is_integer: false },
        ParameterDeclaration { name: "flag", value_type: ValueType::Condition, is_integer: false },
        ParameterDeclaration { name: "q", value_type: ValueType::Number, is_integer: false },
    ];

    fn compile(text: &str, value_type: ValueType) -> (CheckedExpression, Option<ScalarProgram>) {
        let scope = Scope { parameters: PARAMETERS, allows_series: false };
        let checked = check(&parse(text).unwrap(), value_type, scope).unwrap();
        let program = ScalarProgram::compile(&checked);
        (checked, program)
    }

    /// Evaluates an expression by constant folding.
    fn folded(checked: &CheckedExpression, p: f64, flag: bool, q: f64) -> f64 {
        let mut builder = PlanBuilder::default();
        let bindings = [Binding::Number(p), Binding::Condition(flag), Binding::Number(q)];
        let root = builder.add(checked, &bindings).unwrap();
        match builder.finish(&[root]).constant(0).unwrap() {
            Binding::Number(value) => value,
            Binding::Condition(value) => f64::from(value),
        }
    }

    #[test]
    fn what_depends_on_bars_is_not_compiled() {
        for text in ["count(flag, 3) > 1", "bars_since(flag) < 2 or flag"] {
            assert!(compile(text, ValueType::Condition).1.is_none(), "{text}");
        }
    }

    #[test]
    fn only_what_is_read_is_asked_for() {
        let (_, program) = compile("q + q * 2", ValueType::Number);
        let program = program.unwrap();
        assert_eq!(program.inputs(), [2]);
        let mut asked = Vec::new();
        let value = program.evaluate(&mut program.registers(), |index| {
            asked.push(index);
            1.5
        });
        assert_eq!((value, asked), (4.5, vec![2]));
    }

    /// Returns the text of a random number or condition.
    fn expression(value_type: ValueType) -> BoxedStrategy<String> {
        let number = prop_oneof![
            Just("p".to_owned()),
            Just("q".to_owned()),
            (-3_i32..4).prop_map(|value| format!("({value})"))
        ];
        let leaves = (number, prop_oneof![Just("flag"), Just("true"), Just("false")])
            .prop_map(|(number, condition)| (number, condition.to_owned()));
        let pairs = leaves.prop_recursive(5, 64, 3, |inner| {
            (inner.clone(), inner.clone(), inner, 0_usize..15, 0_usize..9).prop_map(
                |((a, x), (b, y), (c, z), numeric, logical)| {
                    let number = match numeric {
                        0..=4 => {
                            let symbol = ["+", "-", "*", "/", "%"][numeric];
                            format!("(({a}) {symbol} ({b}))")
                        }
                        5..=11 => {
                            let name = ["abs", "log", "exp", "sqrt", "round", "floor", "ceil"]
                                [numeric - 5];
                            format!("{name}({a})")
                        }
                        12 => format!("min({a}, {b}, {c})"),
                        13 => format!("max({a}, -{b}) + pow({b}, {c})"),
                        _ => format!("if({x}, {a}, {b})"),
                    };
                    let condition = match logical {
                        0..=5 => {
                            let symbol = ["<", "<=", ">", ">=", "==", "!="][logical];
                            format!("({a} {symbol} {b})")
                        }
                        6 => format!("({x} and not {y})"),
                        7 => format!("({x} or {z})"),
                        _ => format!("if({x}, {y}, {z})"),
                    };
                    (number, condition)
                },
            )
        });
        pairs
            .prop_map(move |(number, condition)| match value_type {
                ValueType::Number => number,
                ValueType::Condition => condition,
            })
            .boxed()
    }

    proptest! {
        #[test]
        fn programs_return_what_folding_does(
            number in expression(ValueType::Number),
            condition in expression(ValueType::Condition),
            p in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), -4.0..4.0_f64, Just(0.0), Just(2.0)],
            q in prop_oneof![Just(1e308), -4.0..4.0_f64, Just(2.0)],
            flag in any::<bool>(),
        ) {
            for (text, value_type) in [(number, ValueType::Number), (condition, ValueType::Condition)] {
                let (checked, program) = compile(&text, value_type);
                let program = program.unwrap();
                let mut registers = program.registers();
                for _ in 0..2 {
                    let value = program.evaluate(&mut registers, |index| {
                        [p, f64::from(flag), q][index]
                    });
                    let expected = folded(&checked, p, flag, q);
                    let once = program.evaluate_once(|index| [p, f64::from(flag), q][index]);
                    prop_assert_eq!(once.to_bits(), expected.to_bits());
                    prop_assert_eq!(value.to_bits(), expected.to_bits(), "{}: {} {}", text, value, expected);
                }
            }
        }
    }
}
