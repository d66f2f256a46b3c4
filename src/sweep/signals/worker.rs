//! Computes the signals of combinations one after the other in buffers that are reused.

use std::ops::Range;

use super::comparison::compare;
use super::domain::NONE;
use super::program::{Instruction, Operation, Relation, Source};
use super::stage::Stage;
use crate::compute::reserve;
use crate::error::{Error, Issue, Result};
use crate::language::Crossing;
use crate::observer::ProgressObserver;
use crate::strategies::SignalField;
use crate::sweep::swept_signals::SweptSignals;

/// The number of words that pass through the program at once: the buffers of a tile stay in the L1 cache.
const TILE: usize = 256;
/// A worker looks for cancellation after this many bars.
const BARS_BETWEEN_POLLS: usize = 1 << 18;

/// The signals of a combination, or why its parameters are not allowed together.
pub type Found<'a> = std::result::Result<SweptSignals<'a>, Vec<Issue>>;

/// Computes the signals of combinations of a stage on one thread.
#[derive(Debug)]
pub struct Worker<'a> {
    stage: &'a Stage<'a>,
    /// The indices of the values of the current combination.
    indices: Vec<u32>,
    /// The slot of the current combination in each domain.
    slots: Vec<u32>,
    /// The signals that depend on each domain, one bit each.
    roots_of_domains: Vec<u8>,
    /// The buffers of the program: those of signals for all words, the others for one tile.
    buffers: Vec<Buffer>,
    /// The state of the crossing of each instruction.
    crossings: Vec<Crossing>,
    /// Words without any bar, for signals that the strategy does not have.
    nothing: Vec<u64>,
    /// The signals whose buffers are not those of the current combination, one bit each.
    outdated: u8,
}

#[derive(Debug, Default)]
struct Buffer {
    words: Vec<u64>,
    is_signal: bool,
}

impl Buffer {
    fn tile(&self, tile: &Range<usize>) -> &[u64] {
        let range = if self.is_signal { tile.clone() } else { 0..tile.len() };
        self.words.get(range).unwrap_or(&[])
    }

    fn tile_mut(&mut self, tile: &Range<usize>) -> &mut [u64] {
        let range = if self.is_signal { tile.clone() } else { 0..tile.len() };
        self.words.get_mut(range).unwrap_or(&mut [])
    }
}

impl Stage<'_> {
    /// Creates a worker, which has buffers for one thread.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if the memory cannot be allocated.
    pub fn worker(&self) -> Result<Worker<'_>> {
        Worker::new(self)
    }
}

impl<'a> Worker<'a> {
    fn new(stage: &'a Stage<'a>) -> Result<Self> {
        const WHAT: &str = "words of signals";
        let source = stage.source();
        let template = source.template();
        let words = source.bars().len().div_ceil(64);
        let mut buffers = Vec::with_capacity(template.program.buffers);
        for buffer in 0..template.program.buffers {
            let is_signal =
                template.roots.iter().any(|(_, root, _)| *root == Source::Buffer(buffer));
            let len = if is_signal { words } else { words.min(TILE) };
            let mut words = reserve::with_capacity(len, WHAT)?;
            words.resize(len, 0);
            buffers.push(Buffer { words, is_signal });
        }
        let mut nothing = reserve::with_capacity(words, WHAT)?;
        nothing.resize(words, 0);
        let mut roots_of_domains = vec![0; template.domains.len()];
        for (part, roots) in template.parts.iter().zip(&template.program.roots_of_parts) {
            if let Some(of_domain) = roots_of_domains.get_mut(part.domain) {
                *of_domain |= roots;
            }
        }
        Ok(Self {
            stage,
            indices: vec![0; source.space().axes().len()],
            slots: vec![NONE; template.domains.len()],
            roots_of_domains,
            buffers,
            crossings: vec![Crossing::default(); template.program.instructions.len()],
            nothing,
            outdated: u8::MAX,
        })
    }

    /// Passes the signals of each combination of a range of the stage to `take`, in order. A combination whose parameters are not
    /// allowed together has issues instead.
    ///
    /// # Errors
    /// Those of `take`; `ABORT_ERR` if the observer is cancelled.
    pub fn each(
        &mut self,
        combinations: Range<usize>,
        observer: &dyn ProgressObserver,
        take: &mut dyn FnMut(usize, Found<'_>) -> Result<()>,
    ) -> Result<()> {
        let every = (BARS_BETWEEN_POLLS / self.stage.source().bars().len().max(1)).max(1);
        for (count, combination) in combinations.enumerate() {
            if count % every == 0 && observer.is_cancelled() {
                return Err(Error::cancelled());
            }
            if self.select(combination) {
                self.compute();
                take(combination, Ok(self.signals()))?;
            } else {
                take(combination, Err(self.issues()?))?;
            }
        }
        Ok(())
    }

    /// Makes a combination the current one. Returns whether its parameters are allowed together.
    #[inline]
    fn select(&mut self, combination: usize) -> bool {
        self.stage.source().space().indices(combination, &mut self.indices);
        let mut is_allowed = true;
        for (domain, (slot, roots)) in self.slots.iter_mut().zip(&self.roots_of_domains).enumerate()
        {
            let now = self.stage.slot(domain, combination, &self.indices);
            if now != *slot {
                *slot = now;
                self.outdated |= roots;
            }
            is_allowed &= now != NONE;
        }
        is_allowed
    }

    /// Returns why the parameters of the current combination are not allowed together.
    fn issues(&self) -> Result<Vec<Issue>> {
        let source = self.stage.source();
        let mut bindings = source.bindings().to_vec();
        for (axis, value) in self.indices.iter().enumerate() {
            source.bind(axis, *value as usize, &mut bindings);
        }
        let issues = source.strategy().binding_issues(&bindings);
        if issues.is_empty() {
            return Err(Error::internal("a combination is not in its stage"));
        }
        Ok(issues)
    }

    /// Computes the signals of the current combination that are outdated.
    fn compute(&mut self) {
        let outdated = std::mem::take(&mut self.outdated);
        let source = self.stage.source();
        let program = &source.template().program;
        if outdated == 0 || program.instructions.is_empty() {
            return;
        }
        self.crossings.fill(Crossing::default());
        let words = source.bars().len().div_ceil(64);
        for start in (0..words).step_by(TILE) {
            let tile = start..words.min(start + TILE);
            for (index, instruction) in program.instructions.iter().enumerate() {
                if instruction.roots & outdated != 0 {
                    self.run(index, *instruction, &tile);
                }
            }
        }
        let (bars, warm_up) = (source.bars().len(), source.warm_up());
        let roots = &source.template().roots;
        for (index, (_, root, _)) in roots.iter().enumerate() {
            // Signals with the same buffer are outdated together.
            let is_first = !roots.iter().take(index).any(|(_, before, _)| before == root);
            if outdated >> index & 1 == 1
                && is_first
                && let Source::Buffer(buffer) = root
                && let Some(found) = self.buffers.get_mut(*buffer)
            {
                drop_warm_up(&mut found.words, bars, warm_up);
            }
        }
    }

    /// Runs an instruction on a tile.
    #[inline]
    fn run(&mut self, index: usize, instruction: Instruction, tile: &Range<usize>) {
        let mut result = self.take_buffer(instruction.buffer);
        let to = result.tile_mut(tile);
        match instruction.operation {
            Operation::Copy(a) => to.copy_from_slice(self.words(a, tile)),
            Operation::Not(a) => map(to, self.words(a, tile), |a| !a),
            Operation::And(a, b) => {
                zip(to, self.words(a, tile), self.words(b, tile), |a, b| a & b);
            }
            Operation::Or(a, b) => {
                zip(to, self.words(a, tile), self.words(b, tile), |a, b| a | b);
            }
            Operation::If(condition, a, b) => {
                zip(to, self.words(condition, tile), self.words(a, tile), |is, a| is & a);
                let (condition, b) = (self.words(condition, tile), self.words(b, tile));
                for ((to, condition), b) in to.iter_mut().zip(condition).zip(b) {
                    *to |= !condition & b;
                }
            }
            Operation::Compare { a, b } => {
                let mut below = self.take_buffer(instruction.buffer + 1);
                if let (Some(a), Some(b)) = (self.numbers(a), self.numbers(b)) {
                    compare(a, b, tile.clone(), to, below.tile_mut(tile));
                }
                self.put_buffer(instruction.buffer + 1, below);
            }
            Operation::Relation { relation, a, b, sides } => {
                let mut crossing = self.crossings.get(index).copied().unwrap_or_default();
                self.relate(relation, (a, b), sides, tile, &mut crossing, to);
                if let Some(kept) = self.crossings.get_mut(index) {
                    *kept = crossing;
                }
            }
        }
        self.put_buffer(instruction.buffer, result);
    }

    fn relate(
        &self,
        relation: Relation,
        (a, b): (usize, usize),
        sides: usize,
        tile: &Range<usize>,
        crossing: &mut Crossing,
        to: &mut [u64],
    ) {
        let (Some(a), Some(b)) = (self.numbers(a), self.numbers(b)) else { return };
        let above = self.words(Source::Buffer(sides), tile);
        let below = self.words(Source::Buffer(sides + 1), tile);
        let complete = a.complete_from().max(b.complete_from()).clamp(tile.start, tile.end);
        let before = complete - tile.start;
        let first = a.first_word().max(b.first_word()).clamp(tile.start, complete) - tile.start;
        let defined = |word: usize| a.defined(word) & b.defined(word);
        // Where a value is missing, neither number is above the other. These words come first.
        let defined = |offset: usize| {
            if offset < before { defined(tile.start + offset) } else { u64::MAX }
        };
        match relation {
            Relation::Above => to.copy_from_slice(above),
            Relation::Below => to.copy_from_slice(below),
            Relation::Different => zip(to, above, below, |above, below| above | below),
            Relation::AtLeast => zip_defined(to, above, below, defined, |_, below, is| !below & is),
            Relation::AtMost => zip_defined(to, above, below, defined, |above, _, is| !above & is),
            Relation::Equal => {
                zip_defined(to, above, below, defined, |above, below, is| !above & !below & is);
            }
            Relation::CrossedAbove => cross(crossing, to, above, below, first..before, defined),
            Relation::CrossedBelow => cross(crossing, to, below, above, first..before, defined),
        }
    }

    /// Returns the words of a condition in a tile.
    #[inline]
    fn words(&self, source: Source, tile: &Range<usize>) -> &[u64] {
        match source {
            Source::Part(part) => {
                let words = self.stage.words(part, self.slot_of(part));
                words.get(tile.clone()).unwrap_or(&[])
            }
            Source::Buffer(buffer) => {
                self.buffers.get(buffer).map_or(&[], |buffer| buffer.tile(tile))
            }
        }
    }

    fn numbers(&self, part: usize) -> Option<&super::columns::Numbers> {
        self.stage.numbers(part, self.slot_of(part))
    }

    #[inline]
    fn slot_of(&self, part: usize) -> u32 {
        let part = self.stage.source().template().parts.get(part);
        part.and_then(|part| self.slots.get(part.domain)).copied().unwrap_or(NONE)
    }

    fn take_buffer(&mut self, buffer: usize) -> Buffer {
        self.buffers.get_mut(buffer).map(std::mem::take).unwrap_or_default()
    }

    fn put_buffer(&mut self, buffer: usize, words: Buffer) {
        if let Some(place) = self.buffers.get_mut(buffer) {
            *place = words;
        }
    }

    /// Returns the signals of the current combination.
    fn signals(&self) -> SweptSignals<'_> {
        let source = self.stage.source();
        let bars = source.bars().len().saturating_sub(source.warm_up());
        let words = bars.div_ceil(64);
        let nothing = self.nothing.get(..words).unwrap_or(&[]);
        let mut signals = SweptSignals {
            bars,
            entries: nothing,
            exits: nothing,
            short_entries: None,
            short_exits: None,
        };
        for (field, root, _) in &source.template().roots {
            let found = match root {
                Source::Part(part) => self.stage.words(*part, self.slot_of(*part)),
                Source::Buffer(buffer) => {
                    self.buffers.get(*buffer).map_or(&[][..], |buffer| &buffer.words)
                }
            };
            let found = found.get(..words).unwrap_or(nothing);
            match field {
                SignalField::Entries => signals.entries = found,
                SignalField::Exits => signals.exits = found,
                SignalField::ShortEntries => signals.short_entries = Some(found),
                SignalField::ShortExits => signals.short_exits = Some(found),
            }
        }
        signals
    }
}

#[inline]
fn map(to: &mut [u64], a: &[u64], combine: impl Fn(u64) -> u64) {
    for (to, a) in to.iter_mut().zip(a) {
        *to = combine(*a);
    }
}

#[inline]
fn zip(to: &mut [u64], a: &[u64], b: &[u64], combine: impl Fn(u64, u64) -> u64) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to = combine(*a, *b);
    }
}

/// Combines words with those of the bars that have values.
#[inline]
fn zip_defined(
    to: &mut [u64],
    a: &[u64],
    b: &[u64],
    defined: impl Fn(usize) -> u64,
    mut combine: impl FnMut(u64, u64, u64) -> u64,
) {
    for (offset, ((to, a), b)) in to.iter_mut().zip(a).zip(b).enumerate() {
        *to = combine(*a, *b, defined(offset));
    }
}

/// Finds crossings to the target side. Values can be missing in the words `incomplete`, and are missing before them.
#[inline]
fn cross(
    crossing: &mut Crossing,
    to: &mut [u64],
    target: &[u64],
    other: &[u64],
    incomplete: Range<usize>,
    defined: impl Fn(usize) -> u64,
) {
    let before = incomplete.end.min(to.len()).min(target.len()).min(other.len());
    let ((to_first, to), (target_first, target), (other_first, other)) =
        (to.split_at_mut(before), target.split_at(before), other.split_at(before));
    let rows = to_first.iter_mut().zip(target_first).zip(other_first).enumerate();
    for (offset, ((to, target), other)) in rows {
        *to = if offset < incomplete.start {
            0
        } else {
            crossing.word(*target, *other, defined(offset))
        };
    }
    crossing.complete_words(target, other, to);
}

/// Clears the bits beyond the last bar and drops those of the warm-up from the front.
fn drop_warm_up(words: &mut [u64], bars: usize, warm_up: usize) {
    if !bars.is_multiple_of(64)
        && let Some(last) = words.last_mut()
    {
        *last &= (1 << (bars % 64)) - 1;
    }
    let (skipped, shift) = (warm_up / 64, warm_up % 64);
    if warm_up == 0 {
        return;
    }
    for index in 0..words.len() {
        let word = |at: usize| words.get(at).copied().unwrap_or(0);
        let (low, high) = (word(index + skipped), word(index + skipped + 1));
        if let Some(word) = words.get_mut(index) {
            *word = if shift == 0 { low } else { low >> shift | high << (64 - shift) };
        }
    }
}
