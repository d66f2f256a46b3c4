//! What the combinations of one stage share.

use std::ops::Range;

use super::columns::{Numbers, SharedColumn};
use super::domain::{NONE, Slots};
use super::evaluation::{PartValue, TupleValues, compute_parts};
use super::program::Operation;
use super::ranks::add_ranks;
use super::source::{SignalSource, is_listed};
use crate::compute::parallel::Executor;
use crate::compute::reserve;
use crate::error::Result;
use crate::observer::ProgressObserver;
use crate::signals::Bits;

/// Columns get ranks if each is compared at least this many times.
const RANK_USES: usize = 6;

/// What the combinations of one stage share.
#[derive(Debug)]
pub struct Stage<'a> {
    source: &'a SignalSource<'a>,
    combinations: Range<usize>,
    /// For each domain, the tuples that occur.
    slots: Vec<Slots>,
    /// For each part, its values by slot.
    values: Vec<PartValues>,
}

/// The values of a part by slot.
#[derive(Debug)]
pub(super) enum PartValues {
    Numbers(Vec<Numbers>),
    Bits(Vec<Bits>),
}

impl SignalSource<'_> {
    /// Computes what a range of combinations shares.
    ///
    /// # Errors
    /// As [`evaluate`](crate::language::evaluate); `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn stage(
        &self,
        combinations: Range<usize>,
        executor: &dyn Executor,
        observer: &dyn ProgressObserver,
    ) -> Result<Stage<'_>> {
        Stage::new(self, combinations, executor, observer)
    }
}

impl<'a> Stage<'a> {
    fn new(
        source: &'a SignalSource<'a>,
        combinations: Range<usize>,
        executor: &dyn Executor,
        observer: &dyn ProgressObserver,
    ) -> Result<Self> {
        let end = combinations.end.min(source.space().len());
        let combinations = combinations.start.min(end)..end;
        let (mut slots, tuples) = find_tuples(source, combinations.clone())?;
        let computed = compute_parts(source, &tuples, executor, observer)?;
        let mut values: Vec<PartValues> = source
            .template()
            .parts
            .iter()
            .map(|part| match part.expression.value_type() {
                crate::language::ValueType::Number => PartValues::Numbers(Vec::new()),
                crate::language::ValueType::Condition => PartValues::Bits(Vec::new()),
            })
            .collect();
        for (index, (slots, computed)) in slots.iter_mut().zip(computed).enumerate() {
            store(source, (index, slots), computed, &mut values)?;
        }
        let mut stage = Self { source, combinations, slots, values };
        stage.add_ranks(executor)?;
        Ok(stage)
    }

    /// Returns the combinations of the stage.
    pub fn combinations(&self) -> Range<usize> {
        self.combinations.clone()
    }

    pub(super) fn source(&self) -> &SignalSource<'a> {
        self.source
    }

    /// Returns the slot of a combination of the stage in a domain.
    #[inline]
    pub(super) fn slot(&self, domain: usize, combination: usize, indices: &[u32]) -> u32 {
        let slot = match self.slots.get(domain) {
            Some(Slots::Table(table)) => {
                let domain = self.source.template().domains.get(domain);
                domain.and_then(|domain| table.get(usize::try_from(domain.tuple(indices)).ok()?))
            }
            Some(Slots::Listed(slots)) => {
                combination.checked_sub(self.combinations.start).and_then(|at| slots.get(at))
            }
            None => None,
        };
        slot.copied().unwrap_or(NONE)
    }

    /// Returns the numbers of a part.
    #[inline]
    pub(super) fn numbers(&self, part: usize, slot: u32) -> Option<&Numbers> {
        match self.values.get(part) {
            Some(PartValues::Numbers(numbers)) => numbers.get(slot as usize),
            _ => None,
        }
    }

    /// Returns the words of a part.
    #[inline]
    pub(super) fn words(&self, part: usize, slot: u32) -> &[u64] {
        match self.values.get(part) {
            Some(PartValues::Bits(bits)) => bits.get(slot as usize).map_or(&[], Bits::words),
            _ => &[],
        }
    }

    /// Adds ranks to the columns that are compared often. Columns that are compared with each other have one scale.
    fn add_ranks(&mut self, executor: &dyn Executor) -> Result<()> {
        let bars = self.source.bars().len();
        let program = &self.source.template().program;
        let pairs: Vec<(usize, usize)> = program
            .instructions
            .iter()
            .filter_map(|instruction| match instruction.operation {
                Operation::Compare { a, b } => Some((a, b)),
                _ => None,
            })
            .filter(|(a, b)| self.column_count(*a) > 0 && self.column_count(*b) > 0)
            .collect();
        // The group of each part: the smallest part that it is compared with, perhaps through others.
        let mut groups: Vec<usize> = (0..self.values.len()).collect();
        for _ in &pairs {
            for (a, b) in &pairs {
                if let (Some(of_a), Some(of_b)) = (groups.get(*a).copied(), groups.get(*b).copied())
                {
                    for part in [a, b] {
                        if let Some(group) = groups.get_mut(*part) {
                            *group = of_a.min(of_b);
                        }
                    }
                }
            }
        }
        for group in 0..groups.len() {
            let in_group = |part: usize| groups.get(part) == Some(&group);
            let comparisons = pairs.iter().filter(|(a, _)| in_group(*a)).count();
            let parts = || (0..groups.len()).filter(|part| in_group(*part));
            let columns: usize = parts().map(|part| self.column_count(part)).sum();
            let uses = comparisons.saturating_mul(2).saturating_mul(self.combinations.len());
            if comparisons == 0 || uses / columns.max(1) < RANK_USES {
                continue;
            }
            let columns: Vec<&mut SharedColumn> = self
                .values
                .iter_mut()
                .enumerate()
                .filter(|(part, _)| in_group(*part))
                .flat_map(|(_, values)| match values {
                    PartValues::Numbers(numbers) => numbers.as_mut_slice(),
                    PartValues::Bits(_) => &mut [],
                })
                .filter_map(|numbers| match numbers {
                    Numbers::Column(column) => Some(column),
                    Numbers::Constant(_) => None,
                })
                .collect();
            add_ranks(columns, bars, executor)?;
        }
        Ok(())
    }

    fn column_count(&self, part: usize) -> usize {
        match self.values.get(part) {
            Some(PartValues::Numbers(numbers)) => {
                numbers.iter().filter(|numbers| matches!(numbers, Numbers::Column(_))).count()
            }
            _ => 0,
        }
    }
}

/// Returns for each domain the slots of the tuples that occur, and these tuples in the order of their slots.
fn find_tuples(
    source: &SignalSource<'_>,
    combinations: Range<usize>,
) -> Result<(Vec<Slots>, Vec<Vec<u64>>)> {
    const WHAT: &str = "tuples of parameters";
    let domains = &source.template().domains;
    let is_everything = combinations.len() as u64 == source.space().grid_size();
    let mut all_slots = Vec::with_capacity(domains.len());
    let mut all_tuples = Vec::with_capacity(domains.len());
    let mut indices = vec![0; source.space().axes().len()];
    for domain in domains {
        if is_listed(domain) {
            let mut of_combinations = reserve::with_capacity(combinations.len(), WHAT)?;
            for combination in combinations.clone() {
                source.space().indices(combination, &mut indices);
                of_combinations.push(domain.tuple(&indices));
            }
            let mut tuples = reserve::with_capacity(combinations.len(), WHAT)?;
            tuples.extend_from_slice(&of_combinations);
            tuples.sort_unstable();
            tuples.dedup();
            let mut slots = reserve::with_capacity(combinations.len(), WHAT)?;
            slots.extend(of_combinations.iter().map(|tuple| {
                tuples
                    .binary_search(tuple)
                    .ok()
                    .and_then(|slot| u32::try_from(slot).ok())
                    .unwrap_or(NONE)
            }));
            all_slots.push(Slots::Listed(slots));
            all_tuples.push(tuples);
            continue;
        }
        let size = usize::try_from(domain.size()).unwrap_or(0);
        let mut table = reserve::with_capacity(size, WHAT)?;
        table.resize(size, if is_everything { 0 } else { NONE });
        if !is_everything {
            for combination in combinations.clone() {
                source.space().indices(combination, &mut indices);
                let tuple = usize::try_from(domain.tuple(&indices)).unwrap_or(usize::MAX);
                if let Some(slot) = table.get_mut(tuple) {
                    *slot = 0;
                }
            }
        }
        let mut tuples: Vec<u64> = reserve::with_capacity(size, WHAT)?;
        for (tuple, slot) in table.iter_mut().enumerate() {
            if *slot != NONE {
                *slot = u32::try_from(tuples.len()).unwrap_or(NONE);
                tuples.push(tuple as u64);
            }
        }
        all_slots.push(Slots::Table(table));
        all_tuples.push(tuples);
    }
    Ok((all_slots, all_tuples))
}

/// Stores the values of the parts of a domain by slot. Tuples that are not allowed lose their slots.
fn store(
    source: &SignalSource<'_>,
    (domain, slots): (usize, &mut Slots),
    computed: Vec<TupleValues>,
    values: &mut [PartValues],
) -> Result<()> {
    let mut new_slots: Vec<u32> = reserve::with_capacity(computed.len(), "tuples of parameters")?;
    let mut kept = 0;
    for of_tuple in computed {
        let Some(of_tuple) = of_tuple else {
            new_slots.push(NONE);
            continue;
        };
        new_slots.push(kept);
        kept += 1;
        let parts = source.template().parts.iter().zip(values.iter_mut());
        let parts = parts.filter(|(part, _)| part.domain == domain);
        for ((_, values), value) in parts.zip(of_tuple) {
            match (values, value) {
                (PartValues::Numbers(all), PartValue::Numbers(numbers)) => {
                    reserve::push(all, numbers, "shared columns")?;
                }
                (PartValues::Bits(all), PartValue::Bits(bits)) => {
                    reserve::push(all, bits, "shared conditions")?;
                }
                _ => {}
            }
        }
    }
    if kept as usize == new_slots.len() {
        return Ok(());
    }
    let (Slots::Table(slots) | Slots::Listed(slots)) = slots;
    for slot in slots {
        *slot = new_slots.get(*slot as usize).copied().unwrap_or(NONE);
    }
    Ok(())
}
