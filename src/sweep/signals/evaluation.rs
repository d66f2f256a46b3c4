//! Computes shared parts by the lowering and evaluation of the language.

use std::ops::Range;

use super::columns::Numbers;
use super::domain::Domain;
use super::source::SignalSource;
use crate::compute::parallel::{Executor, map_parts};
use crate::compute::reserve;
use crate::error::{Error, Result};
use crate::language::{Binding, PlanBuilder, ValueType, evaluate};
use crate::observer::ProgressObserver;
use crate::signals::Bits;

/// The most tuples that are computed together, in one plan.
const BATCH: usize = 32;
/// The tuples of a domain are divided into at least this many batches, so that several threads can take part.
const MIN_BATCHES: usize = 8;

/// The value of a part for one tuple.
#[derive(Debug)]
pub(super) enum PartValue {
    Numbers(Numbers),
    Bits(Bits),
}

/// The values of the parts of a domain, in their order, for one tuple; `None` if the values of the tuple are not allowed.
pub(super) type TupleValues = Option<Vec<PartValue>>;

/// Computes the parts of each domain for the tuples that occur, in their order.
///
/// # Errors
/// As [`evaluate`]; `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub(super) fn compute_parts(
    source: &SignalSource<'_>,
    tuples: &[Vec<u64>],
    executor: &dyn Executor,
    observer: &dyn ProgressObserver,
) -> Result<Vec<Vec<TupleValues>>> {
    let mut batches: Vec<(usize, Range<usize>)> = Vec::new();
    for (index, tuples) in tuples.iter().enumerate() {
        let size = tuples.len().div_ceil(MIN_BATCHES).clamp(1, BATCH);
        // Tuples with the same value on the slowest axis mostly have the same indicators, which are then computed once.
        let domain = source.template().domains.get(index);
        let whole = domain.map_or(1, Domain::slowest_stride);
        let whole = usize::try_from(whole).unwrap_or(usize::MAX);
        let size = if whole <= BATCH { size.next_multiple_of(whole) } else { size };
        for start in (0..tuples.len()).step_by(size) {
            batches.push((index, start..tuples.len().min(start + size)));
        }
    }
    let computed = map_parts(executor, batches.len(), |batch| {
        let Some((domain, range)) = batches.get(batch) else { return Ok(Vec::new()) };
        let tuples = tuples.get(*domain).and_then(|tuples| tuples.get(range.clone()));
        compute_batch(source, *domain, tuples.unwrap_or(&[]), observer)
    });
    if computed.len() != batches.len() {
        return Err(Error::internal("a part of the signals is missing"));
    }
    let mut values: Vec<Vec<TupleValues>> = Vec::with_capacity(tuples.len());
    for tuples in tuples {
        values.push(reserve::with_capacity(tuples.len(), "shared parts of signals")?);
    }
    for ((domain, _), computed) in batches.iter().zip(computed) {
        if let Some(values) = values.get_mut(*domain) {
            values.extend(computed?);
        }
    }
    Ok(values)
}

/// Computes the parts of a domain for some tuples in one plan, in which each distinct subexpression is computed once.
fn compute_batch(
    source: &SignalSource<'_>,
    domain_index: usize,
    tuples: &[u64],
    observer: &dyn ProgressObserver,
) -> Result<Vec<TupleValues>> {
    let template = source.template();
    let Some(domain) = template.domains.get(domain_index) else { return Ok(Vec::new()) };
    let parts: Vec<_> = template.parts.iter().filter(|part| part.domain == domain_index).collect();
    let mut bindings: Vec<Binding> = source.bindings().to_vec();
    let mut builder = PlanBuilder::default();
    let mut roots = Vec::with_capacity(parts.len() * tuples.len());
    let mut is_allowed = Vec::with_capacity(tuples.len());
    for tuple in tuples {
        domain.values_of(*tuple, |axis, value| source.bind(axis, value, &mut bindings));
        let before = roots.len();
        for part in &parts {
            let Ok(root) = builder.add(part.expression, &bindings) else { break };
            roots.push(root);
        }
        let is_complete = roots.len() == before + parts.len();
        if !is_complete {
            roots.truncate(before);
        }
        is_allowed.push(is_complete);
    }
    let plan = builder.finish(&roots);
    let mut values = evaluate(&plan, source.bars(), observer)?.into_iter();
    let mut of_tuples = Vec::with_capacity(tuples.len());
    for is_allowed in is_allowed {
        if !is_allowed {
            of_tuples.push(None);
            continue;
        }
        let mut of_tuple = Vec::with_capacity(parts.len());
        for part in &parts {
            let value = values.next().ok_or_else(|| Error::internal("a root is missing"))?;
            of_tuple.push(if part.expression.value_type() == ValueType::Number {
                PartValue::Numbers(Numbers::new(value))
            } else {
                let bits = value.into_bits(source.bars().len());
                let is_whole = part.is_operand || source.warm_up() == 0;
                PartValue::Bits(if is_whole { bits } else { bits.after(source.warm_up()) })
            });
        }
        of_tuples.push(Some(of_tuple));
    }
    Ok(of_tuples)
}
