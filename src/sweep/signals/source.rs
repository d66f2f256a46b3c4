//! The signals of all combinations of a sweep.

use std::ops::Range;

use super::domain::{Domain, MAX_TABLE};
use super::template::{SignalPath, Template};
use crate::compute::reserve;
use crate::error::Result;
use crate::indicators::Series;
use crate::language::{Binding, ValueType};
use crate::market::Bars;
use crate::strategies::{ParameterType, ParameterValues, SignalField, Strategy};
use crate::sweep::space::Space;

/// The most combinations of a stage if there is a list of what they share.
const MAX_LISTED: usize = 1 << 17;

/// The signals of all combinations of a sweep.
#[derive(Debug)]
pub struct SignalSource<'a> {
    strategy: &'a Strategy,
    space: &'a Space,
    bindings: Vec<Binding>,
    bars: &'a Bars,
    warm_up: usize,
    budget: usize,
    template: Template<'a>,
    /// The bytes that the parts of a tuple take, for each domain.
    bytes: Vec<usize>,
}

impl<'a> SignalSource<'a> {
    /// Prepares the signals of a strategy on bars, without those on the first `warm_up` bars.
    ///
    /// `values` are those of the parameters that are not swept; the axes replace the others. `budget` is the number of bytes for what
    /// combinations share; more is used only if a single combination needs it.
    #[must_use]
    pub fn new(
        strategy: &'a Strategy,
        space: &'a Space,
        values: &ParameterValues,
        bars: &'a Bars,
        warm_up: usize,
        budget: usize,
    ) -> Self {
        // Whether a strategy reads volume can depend on its parameters, and without volume that is an error.
        let reads_volume = || {
            let expressions = strategy.expressions().iter();
            expressions.into_iter().any(|(_, expression)| expression.reads(Series::Volume))
        };
        let has_volume =
            || bars.volume().is_some_and(|volume| !volume.iter().any(|volume| volume.is_nan()));
        let is_divided = !reads_volume() || has_volume();
        let template = Template::new(strategy, space, is_divided);
        let mut bytes = vec![0_usize; template.domains.len()];
        for part in &template.parts {
            // A word of bits, or 64 values and as many ranks.
            let of_word = match part.expression.value_type() {
                ValueType::Condition => 8,
                ValueType::Number if part.expression.is_constant() => 0,
                ValueType::Number => 64 * (8 + 2),
            };
            if let Some(bytes) = bytes.get_mut(part.domain) {
                *bytes += bars.len().div_ceil(64).saturating_mul(of_word) + 64;
            }
        }
        let bindings = values.bindings().to_vec();
        Self { strategy, space, bindings, bars, warm_up, budget, template, bytes }
    }

    /// Returns how each signal of the strategy is computed.
    pub fn paths(&self) -> Vec<(SignalField, SignalPath)> {
        self.template.roots.iter().map(|(field, _, path)| (*field, *path)).collect()
    }

    /// Returns the stages of the sweep: ranges of combinations in order, without gaps. What a stage shares fits into the
    /// budget.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn stages(&self) -> Result<Vec<Range<usize>>> {
        let all = self.space.len();
        if all == 0 {
            return Ok(Vec::new());
        }
        let domains = &self.template.domains;
        let of_all = domains.iter().zip(&self.bytes).fold(0_usize, |sum, (domain, bytes)| {
            let size = usize::try_from(domain.size()).unwrap_or(usize::MAX);
            sum.saturating_add(size.saturating_mul(*bytes))
        });
        let has_list = domains.iter().any(is_listed);
        if of_all <= self.budget && !has_list {
            return Ok(std::iter::once(0..all).collect());
        }
        let mut planner = Planner::new(self)?;
        let mut indices = vec![0; self.space.axes().len()];
        let mut stages: Vec<Range<usize>> = Vec::new();
        let mut start = 0;
        for combination in 0..all {
            self.space.indices(combination, &mut indices);
            let is_full = has_list && combination - start >= MAX_LISTED;
            let fits = !is_full && planner.add(&indices);
            if !fits && combination > start {
                reserve::push(&mut stages, start..combination, "stages of a sweep")?;
                start = combination;
                planner.begin();
                planner.add(&indices);
            }
        }
        reserve::push(&mut stages, start..all, "stages of a sweep")?;
        Ok(stages)
    }

    pub(super) fn strategy(&self) -> &Strategy {
        self.strategy
    }

    pub(super) fn space(&self) -> &Space {
        self.space
    }

    pub(super) fn bars(&self) -> &Bars {
        self.bars
    }

    pub(super) fn warm_up(&self) -> usize {
        self.warm_up
    }

    pub(super) fn template(&self) -> &Template<'a> {
        &self.template
    }

    /// Returns the values of the parameters that are not swept.
    pub(super) fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Sets the parameter of an axis to its value at an index.
    pub(super) fn bind(&self, axis: usize, value: usize, bindings: &mut [Binding]) {
        let Some(Some(parameter)) = self.template.parameters.get(axis).copied() else { return };
        let value = self.space.axes().get(axis).and_then(|axis| axis.values.get(value));
        let declared = self.strategy.definition().parameters.get(parameter);
        if let (Some(binding), Some(value), Some(declared)) =
            (bindings.get_mut(parameter), value, declared)
        {
            *binding = match declared.parameter_type {
                ParameterType::Boolean => Binding::Condition(*value != 0.0),
                ParameterType::Integer | ParameterType::Number => Binding::Number(*value),
            };
        }
    }
}

/// Returns whether a domain has too many tuples for a table.
pub(super) fn is_listed(domain: &Domain) -> bool {
    domain.size() > MAX_TABLE
}

/// Adds up the bytes of a stage while it grows.
struct Planner<'a> {
    source: &'a SignalSource<'a>,
    /// For each domain the stage in which each tuple was last seen, and the last tuple.
    seen: Vec<(Vec<u32>, Option<u64>)>,
    stage: u32,
    bytes: usize,
}

impl<'a> Planner<'a> {
    fn new(source: &'a SignalSource<'a>) -> Result<Self> {
        let mut seen = Vec::new();
        for domain in &source.template.domains {
            let size = if is_listed(domain) { 0 } else { domain.size() };
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let mut stages = reserve::with_capacity(size, "tuples of parameters")?;
            stages.resize(size, 0);
            seen.push((stages, None));
        }
        Ok(Self { source, seen, stage: 1, bytes: 0 })
    }

    /// Begins the next stage.
    fn begin(&mut self) {
        self.stage = self.stage.wrapping_add(1);
        self.bytes = 0;
        for (_, last) in &mut self.seen {
            *last = None;
        }
    }

    /// Adds what a combination needs and returns whether it fits into the budget.
    fn add(&mut self, indices: &[u32]) -> bool {
        let domains = self.source.template.domains.iter().zip(&self.source.bytes);
        for ((domain, bytes), (stages, last)) in domains.zip(&mut self.seen) {
            let tuple = domain.tuple(indices);
            let is_new = match usize::try_from(tuple).ok().and_then(|tuple| stages.get_mut(tuple)) {
                Some(seen) => std::mem::replace(seen, self.stage) != self.stage,
                // Without a table, only neighbors are known to be the same.
                None => last.replace(tuple) != Some(tuple),
            };
            if is_new {
                self.bytes = self.bytes.saturating_add(*bytes);
            }
        }
        self.bytes <= self.source.budget
    }
}
