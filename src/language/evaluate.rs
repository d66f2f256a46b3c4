//! Runs a plan over bars, step by step; results that no later step reads are dropped at once.

use std::sync::Arc;

use super::functions::Operation;
use super::kernels::coarse::Coarse;
use super::kernels::cross::Sides;
use super::kernels::{Operand, clock, compare, elementwise, history};
use super::plan::{Binding, Plan, Planned, Step, StepId};
use crate::error::{Error, Result};
use crate::indicators::{INDICATORS, SMA, Series};
use crate::market::{Bars, Column};
use crate::observer::ProgressObserver;
use crate::signals::Bits;

/// The result of a root.
#[derive(Debug, Clone, PartialEq)]
pub enum Computed {
    /// The same number on every bar; NaN for no value.
    Number(f64),
    /// The same on every bar.
    Condition(bool),
    /// A number a bar, NaN where there is none.
    Column(Column),
    /// The bars on which a condition holds.
    Bits(Arc<Bits>),
}

impl Computed {
    /// Returns a condition as bits; a number holds nowhere.
    pub fn into_bits(self, bars: usize) -> Bits {
        match self {
            Self::Condition(true) => Bits::zeros(bars).not(),
            Self::Condition(false) | Self::Number(_) | Self::Column(_) => Bits::zeros(bars),
            Self::Bits(bits) => Arc::unwrap_or_clone(bits),
        }
    }
}

/// Runs a plan; gives one result for each root.
///
/// # Errors
/// `INVALID_ARGUMENT` if volume is read and the bars have none, `ABORT_ERR` if the observer says so.
pub fn evaluate(
    plan: &Plan,
    bars: &Bars,
    observer: &dyn ProgressObserver,
) -> Result<Vec<Computed>> {
    if plan.reads_volume() && bars.volume().is_none() {
        return Err(Error::invalid(
            "bars.volume",
            "required",
            "the strategy reads volume, but these bars have none",
        ));
    }
    let mut run =
        Run { bars, coarse: Vec::new(), values: Vec::with_capacity(plan.steps.len()), observer };
    for frame in plan.frames.iter().skip(1) {
        let coarse = match frame.timeframe {
            Some(timeframe) => Coarse::new(run.frame(frame.parent)?, timeframe)?,
            None => return Err(Error::internal("a frame without a timeframe")),
        };
        run.coarse.push(coarse);
    }
    let last_uses = last_uses(plan);
    let streamed = streamed_averages(plan);
    for (id, planned) in plan.steps.iter().enumerate() {
        if observer.is_cancelled() {
            return Err(Error::cancelled());
        }
        let value = match streamed.get(id) {
            Some(Some(period)) => Value::Average(run.column(planned, 0, 0)?.0, *period),
            _ => run.step(planned)?,
        };
        run.values.push(value);
        for input in &planned.inputs {
            if last_uses.get(*input) == Some(&id)
                && let Some(value) = run.values.get_mut(*input)
            {
                *value = Value::Dropped;
            }
        }
    }
    plan.roots.iter().map(|root| run.root(*root)).collect()
}

/// Returns for each step the last one that reads it; roots are read at the very end.
fn last_uses(plan: &Plan) -> Vec<usize> {
    let mut last = vec![usize::MAX; plan.steps.len()];
    for (id, planned) in plan.steps.iter().enumerate() {
        for input in &planned.inputs {
            if let Some(last) = last.get_mut(*input) {
                *last = id;
            }
        }
    }
    for root in &plan.roots {
        if let Some(last) = last.get_mut(*root) {
            *last = usize::MAX;
        }
    }
    last
}

/// Returns for each step its period, if it is a simple moving average of a series of the bars that nothing reads but one
/// comparison with another such average.
fn streamed_averages(plan: &Plan) -> Vec<Option<usize>> {
    let mut uses = vec![0_usize; plan.steps.len()];
    for id in plan.steps.iter().flat_map(|planned| &planned.inputs).chain(&plan.roots) {
        if let Some(uses) = uses.get_mut(*id) {
            *uses += 1;
        }
    }
    let is_single = |id: StepId| uses.get(id) == Some(&1);
    let average = |output: StepId| {
        let (output_id, output) = (output, plan.steps.get(output)?);
        let (Step::Output(0), [id]) = (&output.step, output.inputs.as_slice()) else { return None };
        let average = plan.steps.get(*id)?;
        let (Step::Indicator(position, parameters), [input]) =
            (&average.step, average.inputs.as_slice())
        else {
            return None;
        };
        let is_average = INDICATORS.get(*position).is_some_and(|indicator| **indicator == SMA);
        let is_of_bars = matches!(plan.steps.get(*input)?.step, Step::Series(_));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be a whole number from 1 to 10,000"
        )]
        let period = f64::from_bits(*parameters.first()?) as usize;
        (is_average && is_of_bars && is_single(output_id) && is_single(*id))
            .then_some((*id, period))
    };
    let mut periods = vec![None; plan.steps.len()];
    for planned in plan.steps.iter().filter(|planned| planned.step == Step::Sides) {
        let both: Vec<(StepId, usize)> =
            planned.inputs.iter().filter_map(|input| average(*input)).collect();
        if let [a, b] = both.as_slice() {
            for (id, period) in [a, b] {
                if let Some(slot) = periods.get_mut(*id) {
                    *slot = Some(*period);
                }
            }
        }
    }
    periods
}

/// The result of a step.
enum Value {
    Number(f64),
    Condition(bool),
    /// A number a bar; whether all are known to be there.
    Column(Column, bool),
    Bits(Arc<Bits>),
    Columns(Vec<Column>),
    /// A simple moving average of a complete series, by its period: made where it is compared.
    Average(Column, usize),
    Sides(Sides),
    Dropped,
}

struct Run<'a> {
    bars: &'a Bars,
    /// The bars of all frames but the first.
    coarse: Vec<Coarse>,
    values: Vec<Value>,
    observer: &'a dyn ProgressObserver,
}

impl Run<'_> {
    fn frame(&self, frame: usize) -> Result<&Bars> {
        match frame.checked_sub(1) {
            None => Ok(self.bars),
            Some(index) => self.coarse.get(index).map(|coarse| &coarse.bars).ok_or_else(broken),
        }
    }

    fn root(&self, id: StepId) -> Result<Computed> {
        match self.values.get(id) {
            Some(Value::Number(value)) => Ok(Computed::Number(*value)),
            Some(Value::Condition(value)) => Ok(Computed::Condition(*value)),
            Some(Value::Column(column, _)) => Ok(Computed::Column(column.clone())),
            Some(Value::Bits(bits)) => Ok(Computed::Bits(Arc::clone(bits))),
            _ => Err(broken()),
        }
    }

    fn input(&self, planned: &Planned, index: usize) -> Result<&Value> {
        planned.inputs.get(index).and_then(|id| self.values.get(*id)).ok_or_else(broken)
    }

    fn operand(&self, planned: &Planned, index: usize) -> Result<Operand<'_>> {
        match self.input(planned, index)? {
            Value::Number(value) => Ok(Operand::Constant(*value)),
            Value::Column(column, _) => Ok(Operand::Column(column)),
            _ => Err(broken()),
        }
    }

    /// Returns an input as a column, and whether it is complete; folding can turn a series into a constant.
    fn column(&self, planned: &Planned, index: usize, bars: usize) -> Result<(Column, bool)> {
        match self.input(planned, index)? {
            Value::Number(value) => Ok((vec![*value; bars].into(), !value.is_nan())),
            Value::Column(column, complete) => Ok((column.clone(), *complete)),
            _ => Err(broken()),
        }
    }

    fn bits(&self, planned: &Planned, index: usize, bars: usize) -> Result<Arc<Bits>> {
        match self.input(planned, index)? {
            Value::Condition(true) => Ok(Arc::new(Bits::zeros(bars).not())),
            Value::Condition(false) => Ok(Arc::new(Bits::zeros(bars))),
            Value::Bits(bits) => Ok(Arc::clone(bits)),
            _ => Err(broken()),
        }
    }

    fn step(&self, planned: &Planned) -> Result<Value> {
        let frame = self.frame(planned.frame)?;
        let bars = frame.len();
        Ok(match &planned.step {
            Step::Number(value) => Value::Number(f64::from_bits(*value)),
            Step::Condition(value) => Value::Condition(*value),
            Step::Series(series) => Value::Column(series_of(frame, *series)?, true),
            Step::Clock(which) => numbers(clock::clock(*which, frame.timestamps())),
            Step::Shift(by) => numbers(history::shift(&self.column(planned, 0, bars)?.0, *by)),
            Step::Count(window) => numbers(history::count(&*self.bits(planned, 0, bars)?, *window)),
            Step::Sides => Value::Sides(match (self.input(planned, 0)?, self.input(planned, 1)?) {
                (Value::Average(a, a_period), Value::Average(b, b_period)) => {
                    Sides::of_averages((a, *a_period), (b, *b_period), bars)
                }
                _ => Sides::of(self.operand(planned, 0)?, self.operand(planned, 1)?, bars),
            }),
            Step::Crossed { above } => match self.input(planned, 0)? {
                Value::Sides(sides) => conditions(sides.crossed(*above)),
                _ => return Err(broken()),
            },
            Step::Indicator(position, parameters) => {
                let indicator = INDICATORS.get(*position).ok_or_else(broken)?;
                let parameters: Vec<f64> =
                    parameters.iter().map(|bits| f64::from_bits(*bits)).collect();
                let inputs = (0..planned.inputs.len())
                    .map(|index| self.column(planned, index, bars))
                    .collect::<Result<Vec<_>>>()?;
                let slices: Vec<&[f64]> = inputs.iter().map(|(column, _)| &**column).collect();
                let complete = inputs.iter().all(|(_, complete)| *complete);
                Value::Columns(
                    indicator
                        .compute_observed(&slices, &parameters, complete, self.observer)?
                        .into_iter()
                        .map(Column::from)
                        .collect(),
                )
            }
            Step::Output(output) => match self.input(planned, 0)? {
                Value::Average(values, period) => Value::Average(values.clone(), *period),
                Value::Columns(columns) => {
                    Value::Column(columns.get(*output).cloned().ok_or_else(broken)?, false)
                }
                _ => return Err(broken()),
            },
            Step::Higher(coarse) => {
                let coarse = coarse
                    .checked_sub(1)
                    .and_then(|index| self.coarse.get(index))
                    .ok_or_else(broken)?;
                let bars = coarse.bars.len();
                match self.input(planned, 0)? {
                    Value::Number(_) | Value::Column(..) => {
                        numbers(coarse.numbers(&self.column(planned, 0, bars)?.0))
                    }
                    _ => conditions(coarse.condition(&*self.bits(planned, 0, bars)?)),
                }
            }
            Step::Apply(operation) => self.apply(*operation, planned, bars)?,
        })
    }

    fn apply(&self, operation: Operation, planned: &Planned, bars: usize) -> Result<Value> {
        Ok(match operation {
            Operation::Not => conditions(self.bits(planned, 0, bars)?.not()),
            Operation::And => conditions(
                self.bits(planned, 0, bars)?.zip(&*self.bits(planned, 1, bars)?, |a, b| a & b),
            ),
            Operation::Or => conditions(
                self.bits(planned, 0, bars)?.zip(&*self.bits(planned, 1, bars)?, |a, b| a | b),
            ),
            Operation::BarsSince => numbers(history::bars_since(&*self.bits(planned, 0, bars)?)),
            Operation::If => {
                let condition = self.bits(planned, 0, bars)?;
                if matches!(self.input(planned, 1)?, Value::Condition(_) | Value::Bits(_)) {
                    let (a, b) = (self.bits(planned, 1, bars)?, self.bits(planned, 2, bars)?);
                    let where_true = condition.zip(&a, |condition, a| condition & a);
                    let where_false = condition.zip(&b, |condition, b| !condition & b);
                    conditions(where_true.zip(&where_false, |a, b| a | b))
                } else {
                    numbers(elementwise::choose(
                        &condition,
                        self.operand(planned, 1)?,
                        self.operand(planned, 2)?,
                    ))
                }
            }
            Operation::Less | Operation::LessOrEqual | Operation::Equal | Operation::NotEqual => {
                conditions(compare::compare(
                    operation,
                    self.operand(planned, 0)?,
                    self.operand(planned, 1)?,
                    bars,
                ))
            }
            _ if planned.inputs.len() == 1 => {
                numbers(elementwise::unary(operation, &self.column(planned, 0, bars)?.0))
            }
            _ => numbers(elementwise::binary(
                operation,
                self.operand(planned, 0)?,
                self.operand(planned, 1)?,
                bars,
            )),
        })
    }
}

fn numbers(values: Vec<f64>) -> Value {
    Value::Column(values.into(), false)
}

fn conditions(bits: Bits) -> Value {
    Value::Bits(Arc::new(bits))
}

fn series_of(bars: &Bars, series: Series) -> Result<Column> {
    match series {
        Series::Open => Ok(bars.open().clone()),
        Series::High => Ok(bars.high().clone()),
        Series::Low => Ok(bars.low().clone()),
        Series::Close => Ok(bars.close().clone()),
        Series::Volume => bars.volume().cloned().ok_or_else(broken),
    }
}

fn broken() -> Error {
    Error::internal("a step of the plan has inputs that do not fit it")
}

/// Returns the value of a constant root as a binding, where it is one.
impl From<Binding> for Computed {
    fn from(value: Binding) -> Self {
        match value {
            Binding::Number(value) => Self::Number(value),
            Binding::Condition(value) => Self::Condition(value),
        }
    }
}
