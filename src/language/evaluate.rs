//! Evaluates a plan over bars, step by step. Each result is dropped after its last use.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bands::{Bases, StoredBand};
use super::binding::Binding;
use super::functions::Operation;
use super::fusion::{JointComparison, deferred_indicators, fused_bands, joint_comparisons};
use super::kernels::compare::Side;
use super::kernels::higher_timeframe::HigherTimeframe;
use super::kernels::operand::Operand;
use super::kernels::{compare, crossing, elementwise, history, time_field};
use super::plan::{Plan, PlannedStep, Step, StepId};
use crate::error::{Error, Result};
use crate::indicators::{
    Bands, Computation, ComputeTogether, INDICATORS, Indicator, LANES, Series, Shortcut,
    ThreeWayComparison,
};
use crate::market::{BarRef, Bars, Column};
use crate::observer::ProgressObserver;
use crate::quote::counted;
use crate::signals::Bits;

/// The value of a root.
#[derive(Debug, Clone, PartialEq)]
pub enum RootValue {
    /// The same number on every bar. NaN means "no value".
    Number(f64),
    /// The same truth value on every bar.
    Condition(bool),
    /// One number per bar, NaN if there is none.
    Column(Column),
    /// The bars on which a condition holds.
    Bits(Arc<Bits>),
}

impl RootValue {
    /// Returns a condition as bits. A number holds on no bar.
    pub fn into_bits(self, bars: usize) -> Bits {
        match self {
            Self::Condition(true) => Bits::zeros(bars).not(),
            Self::Condition(false) | Self::Number(_) | Self::Column(_) => Bits::zeros(bars),
            Self::Bits(bits) => Arc::unwrap_or_clone(bits),
        }
    }
}

impl From<Binding> for RootValue {
    fn from(value: Binding) -> Self {
        match value {
            Binding::Number(value) => Self::Number(value),
            Binding::Condition(value) => Self::Condition(value),
        }
    }
}

/// Checks that every bar has a volume.
fn check_volume(bars: &Bars) -> Result<()> {
    let Some(volume) = bars.volume() else {
        return Err(Error::invalid(
            "bars.volume",
            "required",
            "the strategy reads volume, but the bars have no volume",
        ));
    };
    let Some(bar) = volume.iter().position(|volume| volume.is_nan()) else { return Ok(()) };
    let missing = volume.iter().filter(|volume| volume.is_nan()).count();
    let has = if missing == 1 { "has" } else { "have" };
    let first = BarRef { bar, timestamps: bars.timestamps() };
    Err(Error::bad_data(
        format!("bars.volume[{bar}]"),
        "required",
        format!(
            "the strategy reads volume, but {} {has} no volume, the first is {first}; choose another range, or import the missing \
             volumes",
            counted(missing, "bar")
        ),
    ))
}

/// Evaluates a plan and returns one value for each root.
///
/// # Errors
/// `INVALID_ARGUMENT` if the plan reads volume and the bars have none, `BAD_DATA` if some of them have none, `ABORT_ERR` if the
/// observer is cancelled.
pub fn evaluate(
    plan: &Plan,
    bars: &Bars,
    observer: &dyn ProgressObserver,
) -> Result<Vec<RootValue>> {
    if plan.reads_volume() {
        check_volume(bars)?;
    }
    let mut evaluator = Evaluator {
        bars,
        higher_timeframes: Vec::new(),
        values: Vec::with_capacity(plan.steps.len()),
        observer,
    };
    for frame in plan.frames.iter().skip(1) {
        let resampled = match frame.timeframe {
            Some(timeframe) => HigherTimeframe::new(evaluator.frame(frame.parent)?, timeframe)?,
            None => return Err(Error::internal("a frame without a timeframe")),
        };
        evaluator.higher_timeframes.push(resampled);
    }
    let last_uses = last_uses(plan);
    let is_deferred = deferred_indicators(plan);
    let joint = joint_comparisons(plan);
    let is_fused = fused_bands(plan);
    let mut shared = SharedColumns::default();
    // The comparisons that were made together with an earlier one, by their steps.
    let mut compared: BTreeMap<StepId, ThreeWayComparison> = BTreeMap::new();
    for (id, planned) in plan.steps.iter().enumerate() {
        if observer.is_cancelled() {
            return Err(Error::cancelled());
        }
        let value = match &planned.step {
            Step::Indicator(index, parameters) if is_deferred.get(id) == Some(&true) => {
                evaluator.defer(planned, *index, parameters)?
            }
            Step::Indicator(index, parameters) => {
                evaluator.indicator(plan, id, (*index, parameters), &mut shared)?
            }
            Step::Output(output) if is_fused.get(id) == Some(&true) => {
                evaluator.fused_band(planned, *output)?
            }
            Step::ThreeWayCompare => {
                if !compared.contains_key(&id)
                    && let Some(group) =
                        joint.iter().find(|group| group.members.iter().any(|(step, _)| *step == id))
                {
                    compared.extend(evaluator.compare_jointly(plan, group, planned)?);
                }
                match compared.remove(&id) {
                    Some(comparison) => StepValue::Comparison(comparison),
                    None => evaluator.step(planned)?,
                }
            }
            _ => evaluator.step(planned)?,
        };
        evaluator.values.push(value);
        for input in &planned.inputs {
            if last_uses.get(*input) == Some(&id)
                && let Some(value) = evaluator.values.get_mut(*input)
            {
                *value = StepValue::Dropped;
            }
        }
    }
    plan.roots.iter().map(|root| evaluator.root(*root)).collect()
}

/// Returns for each step the last one that reads it. Roots are never dropped.
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

/// The value of a step.
enum StepValue {
    Number(f64),
    Condition(bool),
    /// One number per bar, and whether it is known that none is missing.
    Column(Column, bool),
    Bits(Arc<Bits>),
    /// The outputs of an indicator.
    Outputs(Vec<Column>),
    /// Center, width and factor of bands, and the signs of the outputs.
    Bands(StoredBand, &'static [f64]),
    /// A band that the comparison that reads it computes.
    Band(StoredBand),
    /// An indicator that is computed by the comparison that reads it.
    Deferred(DeferredComputation),
    Comparison(ThreeWayComparison),
    Dropped,
}

#[derive(Clone)]
struct DeferredComputation {
    indicator: &'static Indicator,
    inputs: Vec<Column>,
    parameters: Vec<f64>,
}

/// What indicators of a plan share.
#[derive(Default)]
struct SharedColumns {
    bases: Bases,
    /// The outputs of indicators that were computed together with an earlier one, by their steps.
    ahead: BTreeMap<StepId, Vec<Column>>,
}

struct Evaluator<'a> {
    bars: &'a Bars,
    /// The bars of all frames except the first.
    higher_timeframes: Vec<HigherTimeframe>,
    values: Vec<StepValue>,
    observer: &'a dyn ProgressObserver,
}

impl Evaluator<'_> {
    fn frame(&self, frame: usize) -> Result<&Bars> {
        match frame.checked_sub(1) {
            None => Ok(self.bars),
            Some(index) => self
                .higher_timeframes
                .get(index)
                .map(|resampled| &resampled.bars)
                .ok_or_else(inconsistent_plan),
        }
    }

    fn root(&self, id: StepId) -> Result<RootValue> {
        match self.values.get(id) {
            Some(StepValue::Number(value)) => Ok(RootValue::Number(*value)),
            Some(StepValue::Condition(value)) => Ok(RootValue::Condition(*value)),
            Some(StepValue::Column(column, _)) => Ok(RootValue::Column(column.clone())),
            Some(StepValue::Bits(bits)) => Ok(RootValue::Bits(Arc::clone(bits))),
            _ => Err(inconsistent_plan()),
        }
    }

    fn input(&self, planned: &PlannedStep, index: usize) -> Result<&StepValue> {
        planned.inputs.get(index).and_then(|id| self.values.get(*id)).ok_or_else(inconsistent_plan)
    }

    fn operand(&self, planned: &PlannedStep, index: usize) -> Result<Operand<'_>> {
        match self.input(planned, index)? {
            StepValue::Number(value) => Ok(Operand::Constant(*value)),
            StepValue::Column(column, _) => Ok(Operand::Column(column)),
            _ => Err(inconsistent_plan()),
        }
    }

    /// Returns an input as a column, and whether it is complete. Constant folding can turn a series into a constant.
    fn column(&self, planned: &PlannedStep, index: usize, bars: usize) -> Result<(Column, bool)> {
        match self.input(planned, index)? {
            StepValue::Number(value) => Ok((vec![*value; bars].into(), !value.is_nan())),
            StepValue::Column(column, complete) => Ok((column.clone(), *complete)),
            _ => Err(inconsistent_plan()),
        }
    }

    /// Returns a side of a comparison by `<`.
    fn side(&self, planned: &PlannedStep, index: usize) -> Result<Side<'_>> {
        match self.input(planned, index)? {
            StepValue::Band(band) => Ok(Side::Band(band.as_band())),
            _ => Ok(self.operand(planned, index)?.into()),
        }
    }

    /// Computes an indicator, in a faster way if it has one.
    fn indicator(
        &self,
        plan: &Plan,
        id: StepId,
        (index, parameters): (usize, &[u64]),
        shared: &mut SharedColumns,
    ) -> Result<StepValue> {
        let planned = plan.steps.get(id).ok_or_else(inconsistent_plan)?;
        match INDICATORS.get(index).and_then(|indicator| indicator.shortcut) {
            Some(Shortcut::Bands(bands)) => {
                self.bands(planned, bands, (index, parameters), &mut shared.bases)
            }
            Some(Shortcut::Together(compute)) => {
                let ahead = &mut shared.ahead;
                if !ahead.contains_key(&id) {
                    ahead.extend(self.compute_together(plan, id, compute)?);
                }
                match ahead.remove(&id) {
                    Some(columns) => Ok(StepValue::Outputs(columns)),
                    None => self.step(planned),
                }
            }
            _ => self.step(planned),
        }
    }

    /// Returns an output of bands that the comparison that reads it computes.
    fn fused_band(&self, planned: &PlannedStep, output: usize) -> Result<StepValue> {
        let StepValue::Bands(band, signs) = self.input(planned, 0)? else {
            return Err(inconsistent_plan());
        };
        Ok(match band.signed(signs, output)? {
            Some(band) => StepValue::Band(band),
            None => StepValue::Column(band.center.clone(), false),
        })
    }

    /// Computes an indicator together with the next ones on the same inputs. Returns nothing if it is the only one, or if values
    /// may be missing.
    fn compute_together(
        &self,
        plan: &Plan,
        first: StepId,
        compute: ComputeTogether,
    ) -> Result<Vec<(StepId, Vec<Column>)>> {
        let planned = plan.steps.get(first).ok_or_else(inconsistent_plan)?;
        let Step::Indicator(indicator, _) = &planned.step else { return Err(inconsistent_plan()) };
        let mut members = Vec::new();
        for (id, other) in plan.steps.iter().enumerate().skip(first) {
            match &other.step {
                Step::Indicator(index, parameters)
                    if index == indicator && other.inputs == planned.inputs =>
                {
                    members.push((id, from_bits(parameters)));
                }
                _ => {}
            }
            if members.len() == LANES {
                break;
            }
        }
        let bars = self.frame(planned.frame)?.len();
        let inputs = (0..planned.inputs.len())
            .map(|input| self.column(planned, input, bars))
            .collect::<Result<Vec<_>>>()?;
        if members.len() == 1 || inputs.iter().any(|(_, is_complete)| !is_complete) {
            return Ok(Vec::new());
        }
        let slices: Vec<&[f64]> = inputs.iter().map(|(column, _)| &**column).collect();
        let (steps, parameters): (Vec<StepId>, Vec<Vec<f64>>) = members.into_iter().unzip();
        let columns = compute(&slices, &parameters).into_iter();
        let columns = columns.map(|columns| columns.into_iter().map(Column::from).collect());
        Ok(steps.into_iter().zip(columns).collect())
    }

    /// Returns center and width of an indicator that has bands.
    fn bands(
        &self,
        planned: &PlannedStep,
        bands: Bands,
        (index, parameters): (usize, &[u64]),
        bases: &mut Bases,
    ) -> Result<StepValue> {
        let bars = self.frame(planned.frame)?.len();
        let (factor, rest) = parameters.split_last().ok_or_else(inconsistent_plan)?;
        let [center, width] = bases.find((index, &planned.inputs, rest), || {
            let inputs = (0..planned.inputs.len())
                .map(|input| self.column(planned, input, bars))
                .collect::<Result<Vec<_>>>()?;
            let slices: Vec<&[f64]> = inputs.iter().map(|(column, _)| &**column).collect();
            let complete = inputs.iter().all(|(_, complete)| *complete);
            bands.base.compute_cancellable(&slices, &from_bits(rest), complete, self.observer)
        })?;
        let band = StoredBand { center, width, factor: f64::from_bits(*factor) };
        Ok(StepValue::Bands(band, bands.signs))
    }

    fn bits(&self, planned: &PlannedStep, index: usize, bars: usize) -> Result<Arc<Bits>> {
        match self.input(planned, index)? {
            StepValue::Condition(true) => Ok(Arc::new(Bits::zeros(bars).not())),
            StepValue::Condition(false) => Ok(Arc::new(Bits::zeros(bars))),
            StepValue::Bits(bits) => Ok(Arc::clone(bits)),
            _ => Err(inconsistent_plan()),
        }
    }

    /// Collects what the comparison of a deferred indicator needs.
    fn defer(&self, planned: &PlannedStep, index: usize, parameters: &[u64]) -> Result<StepValue> {
        let bars = self.frame(planned.frame)?.len();
        let inputs = (0..planned.inputs.len())
            .map(|input| Ok(self.column(planned, input, bars)?.0))
            .collect::<Result<Vec<_>>>()?;
        Ok(StepValue::Deferred(DeferredComputation {
            indicator: INDICATORS.get(index).ok_or_else(inconsistent_plan)?,
            inputs,
            parameters: from_bits(parameters),
        }))
    }

    fn compare_three_way(&self, planned: &PlannedStep, bars: usize) -> Result<ThreeWayComparison> {
        let (StepValue::Deferred(a), StepValue::Deferred(b)) =
            (self.input(planned, 0)?, self.input(planned, 1)?)
        else {
            let (a, b) = (self.operand(planned, 0)?, self.operand(planned, 1)?);
            return Ok(crossing::compare_three_way(a, b, bars));
        };
        let Some(Shortcut::Pair(shortcut)) = a.indicator.shortcut else {
            return Err(inconsistent_plan());
        };
        let (inputs_a, inputs_b) = (a.input_slices(), b.input_slices());
        Ok(shortcut(
            Computation { inputs: &inputs_a, parameters: &a.parameters },
            Computation { inputs: &inputs_b, parameters: &b.parameters },
        ))
    }

    /// Makes all comparisons of a group, given the first of them.
    fn compare_jointly(
        &self,
        plan: &Plan,
        group: &JointComparison,
        first: &PlannedStep,
    ) -> Result<Vec<(StepId, ThreeWayComparison)>> {
        let StepValue::Deferred(DeferredComputation { indicator, inputs, .. }) =
            self.input(first, 0)?
        else {
            return Err(inconsistent_plan());
        };
        let slices: Vec<&[f64]> = inputs.iter().map(|column| &**column).collect();
        let parameters = group
            .members
            .iter()
            .map(|(_, computation)| match plan.steps.get(*computation) {
                Some(PlannedStep { step: Step::Indicator(_, bits), .. }) => Ok(from_bits(bits)),
                _ => Err(inconsistent_plan()),
            })
            .collect::<Result<Vec<Vec<f64>>>>()?;
        let Some(Shortcut::Outputs(compare)) = indicator.shortcut else {
            return Err(inconsistent_plan());
        };
        let found = compare(&slices, &parameters, group.outputs, self.observer);
        if self.observer.is_cancelled() {
            return Err(Error::cancelled());
        }
        let steps = group.members.iter().map(|(step, _)| *step);
        if let Some(found) = found {
            return Ok(steps.zip(found).collect());
        }
        // The indicator cannot do it with these parameters.
        steps
            .zip(&parameters)
            .map(|(step, parameters)| {
                let columns =
                    indicator.compute_cancellable(&slices, parameters, true, self.observer)?;
                let column = |output: usize| {
                    columns
                        .get(output)
                        .map(|column| Operand::Column(column))
                        .ok_or_else(inconsistent_plan)
                };
                let [a, b] = group.outputs;
                let bars = slices.first().map_or(0, |values| values.len());
                Ok((step, crossing::compare_three_way(column(a)?, column(b)?, bars)))
            })
            .collect()
    }

    fn step(&self, planned: &PlannedStep) -> Result<StepValue> {
        let frame = self.frame(planned.frame)?;
        let bars = frame.len();
        Ok(match &planned.step {
            Step::Number(value) => StepValue::Number(f64::from_bits(*value)),
            Step::Condition(value) => StepValue::Condition(*value),
            Step::Series(series) => StepValue::Column(series_of(frame, *series)?, true),
            Step::TimeField(field) => numbers(time_field::time_field(*field, frame.timestamps())),
            Step::Shift(by) => numbers(history::shift(&self.column(planned, 0, bars)?.0, *by)),
            Step::Count(window) => numbers(history::count(&*self.bits(planned, 0, bars)?, *window)),
            Step::ThreeWayCompare => StepValue::Comparison(self.compare_three_way(planned, bars)?),
            Step::Crossed { above } => match self.input(planned, 0)? {
                StepValue::Comparison(comparison) => {
                    conditions(crossing::crossed(comparison, *above))
                }
                _ => return Err(inconsistent_plan()),
            },
            Step::Indicator(index, parameters) => {
                let indicator = INDICATORS.get(*index).ok_or_else(inconsistent_plan)?;
                let parameters = from_bits(parameters);
                let inputs = (0..planned.inputs.len())
                    .map(|index| self.column(planned, index, bars))
                    .collect::<Result<Vec<_>>>()?;
                let slices: Vec<&[f64]> = inputs.iter().map(|(column, _)| &**column).collect();
                let complete = inputs.iter().all(|(_, complete)| *complete);
                StepValue::Outputs(
                    indicator
                        .compute_cancellable(&slices, &parameters, complete, self.observer)?
                        .into_iter()
                        .map(Column::from)
                        .collect(),
                )
            }
            Step::Output(output) => match self.input(planned, 0)? {
                StepValue::Deferred(computation) => StepValue::Deferred(computation.clone()),
                StepValue::Bands(band, signs) => match band.signed(signs, *output)? {
                    Some(band) => numbers(elementwise::band(band.as_band())),
                    None => StepValue::Column(band.center.clone(), false),
                },
                StepValue::Outputs(columns) => StepValue::Column(
                    columns.get(*output).cloned().ok_or_else(inconsistent_plan)?,
                    false,
                ),
                _ => return Err(inconsistent_plan()),
            },
            Step::Higher(frame) => {
                let resampled = frame
                    .checked_sub(1)
                    .and_then(|index| self.higher_timeframes.get(index))
                    .ok_or_else(inconsistent_plan)?;
                let bars = resampled.bars.len();
                match self.input(planned, 0)? {
                    StepValue::Number(_) | StepValue::Column(..) => {
                        numbers(resampled.map_numbers(&self.column(planned, 0, bars)?.0))
                    }
                    _ => conditions(resampled.map_condition(&*self.bits(planned, 0, bars)?)),
                }
            }
            Step::Apply(operation) => self.apply(*operation, planned, bars)?,
        })
    }

    fn apply(&self, operation: Operation, planned: &PlannedStep, bars: usize) -> Result<StepValue> {
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
                if matches!(self.input(planned, 1)?, StepValue::Condition(_) | StepValue::Bits(_)) {
                    let (a, b) = (self.bits(planned, 1, bars)?, self.bits(planned, 2, bars)?);
                    let where_true = condition.zip(&a, |condition, a| condition & a);
                    let where_false = condition.zip(&b, |condition, b| !condition & b);
                    conditions(where_true.zip(&where_false, |a, b| a | b))
                } else {
                    numbers(elementwise::select(
                        &condition,
                        self.operand(planned, 1)?,
                        self.operand(planned, 2)?,
                    ))
                }
            }
            Operation::Less => {
                let (a, b) = (self.side(planned, 0)?, self.side(planned, 1)?);
                conditions(compare::less(a, b, bars))
            }
            Operation::LessOrEqual | Operation::Equal | Operation::NotEqual => {
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

fn numbers(values: Vec<f64>) -> StepValue {
    StepValue::Column(values.into(), false)
}

fn conditions(bits: Bits) -> StepValue {
    StepValue::Bits(Arc::new(bits))
}

fn series_of(bars: &Bars, series: Series) -> Result<Column> {
    match series {
        Series::Open => Ok(bars.open().clone()),
        Series::High => Ok(bars.high().clone()),
        Series::Low => Ok(bars.low().clone()),
        Series::Close => Ok(bars.close().clone()),
        Series::Volume => bars.volume().cloned().ok_or_else(inconsistent_plan),
    }
}

fn inconsistent_plan() -> Error {
    Error::internal("a step of the plan has inputs of the wrong type")
}

fn from_bits(parameters: &[u64]) -> Vec<f64> {
    parameters.iter().map(|bits| f64::from_bits(*bits)).collect()
}

impl DeferredComputation {
    fn input_slices(&self) -> Vec<&[f64]> {
        self.inputs.iter().map(|column| &**column).collect()
    }
}
