//! The program that computes conditions of a combination from shared parts, word by word.

/// Where the words of a condition are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A shared part.
    Part(usize),
    /// A buffer of the program.
    Buffer(usize),
}

/// How two numbers relate on a bar. None holds if one of them has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Above,
    Below,
    AtLeast,
    AtMost,
    Equal,
    Different,
    CrossedAbove,
    CrossedBelow,
}

impl Relation {
    /// Returns the same relation with the numbers in the other order.
    pub(super) const fn swapped(self) -> Self {
        match self {
            Self::Above => Self::Below,
            Self::Below => Self::Above,
            Self::AtLeast => Self::AtMost,
            Self::AtMost => Self::AtLeast,
            Self::CrossedAbove => Self::CrossedBelow,
            Self::CrossedBelow => Self::CrossedAbove,
            Self::Equal | Self::Different => self,
        }
    }
}

/// One operation. Its result is in a buffer of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Copy(Source),
    Not(Source),
    And(Source, Source),
    Or(Source, Source),
    If(Source, Source, Source),
    /// Compares two parts. The result has two buffers: where the first number is above the second, and below.
    Compare {
        a: usize,
        b: usize,
    },
    /// Whether two parts relate, given the first buffer of their comparison.
    Relation {
        relation: Relation,
        a: usize,
        b: usize,
        sides: usize,
    },
}

/// An operation with its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instruction {
    pub(super) operation: Operation,
    /// The first buffer of the result.
    pub(super) buffer: usize,
    /// The signals that depend on it, one bit each.
    pub(super) roots: u8,
}

/// Operations in the order in which they are computed.
#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    pub(super) instructions: Vec<Instruction>,
    pub(super) buffers: usize,
    /// For each part the signals that depend on it, one bit each.
    pub(super) roots_of_parts: Vec<u8>,
}

impl Program {
    /// Adds an operation, or finds the existing one, and returns its first buffer.
    pub(super) fn add(&mut self, operation: Operation) -> usize {
        let mut known = self.instructions.iter();
        if let Some(known) = known.find(|known| known.operation == operation) {
            return known.buffer;
        }
        let buffer = self.buffers;
        self.buffers += if matches!(operation, Operation::Compare { .. }) { 2 } else { 1 };
        self.instructions.push(Instruction { operation, buffer, roots: 0 });
        buffer
    }

    /// Returns the conditions that operations read.
    pub(super) fn sources(&self) -> Vec<Source> {
        self.instructions.iter().flat_map(|instruction| instruction.operation.sources()).collect()
    }

    /// Finds the signals that depend on each operation and part.
    pub(super) fn finish(&mut self, roots: &[Source]) {
        let mut of_buffers = vec![0_u8; self.buffers];
        let mut of_parts: Vec<u8> = Vec::new();
        let mut mark = |source: Source, bits: u8, of_buffers: &mut Vec<u8>| match source {
            Source::Part(part) => {
                if of_parts.len() <= part {
                    of_parts.resize(part + 1, 0);
                }
                if let Some(of_part) = of_parts.get_mut(part) {
                    *of_part |= bits;
                }
            }
            Source::Buffer(buffer) => {
                if let Some(of_buffer) = of_buffers.get_mut(buffer) {
                    *of_buffer |= bits;
                }
            }
        };
        for (index, root) in roots.iter().enumerate().take(8) {
            mark(*root, 1 << index, &mut of_buffers);
        }
        for instruction in self.instructions.iter_mut().rev() {
            instruction.roots = of_buffers.get(instruction.buffer).copied().unwrap_or(0);
            for source in instruction.operation.sources() {
                mark(source, instruction.roots, &mut of_buffers);
            }
            match instruction.operation {
                Operation::Compare { a, b } => {
                    mark(Source::Part(a), instruction.roots, &mut of_buffers);
                    mark(Source::Part(b), instruction.roots, &mut of_buffers);
                }
                Operation::Relation { sides, .. } => {
                    mark(Source::Buffer(sides), instruction.roots, &mut of_buffers);
                }
                _ => {}
            }
        }
        self.roots_of_parts = of_parts;
    }
}

impl Operation {
    /// Returns the conditions that the operation reads.
    fn sources(self) -> Vec<Source> {
        match self {
            Self::Copy(a) | Self::Not(a) => vec![a],
            Self::And(a, b) | Self::Or(a, b) => vec![a, b],
            Self::If(condition, a, b) => vec![condition, a, b],
            Self::Compare { .. } | Self::Relation { .. } => Vec::new(),
        }
    }
}
