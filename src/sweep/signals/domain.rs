//! The tuples of values of some axes.

use crate::sweep::space::Axis;

/// Up to this many tuples, a table says which of them occur.
pub(super) const MAX_TABLE: u64 = 1 << 17;

/// Some axes of a sweep. Their tuples are numbered, the last axis runs fastest.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Domain {
    /// The axes as indices into those of the space, and the distance of the numbers of two tuples that differ by one there.
    axes: Vec<(usize, u64)>,
    /// The number of tuples, at most `u64::MAX`.
    size: u64,
}

impl Domain {
    /// Creates a domain. The axes that come first run slowest.
    pub(super) fn new(axes: &[usize], all: &[Axis]) -> Self {
        let mut size = 1_u64;
        let mut strides = Vec::with_capacity(axes.len());
        for axis in axes.iter().rev() {
            strides.push((*axis, size));
            let values = all.get(*axis).map_or(1, |axis| axis.values.len() as u64);
            size = size.saturating_mul(values.max(1));
        }
        strides.reverse();
        Self { axes: strides, size }
    }

    /// Returns the number of tuples.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Returns the number of a tuple, given the index of the value on each axis of the space. The numbers of a domain of 2⁶⁴
    /// tuples and more are not unique, but no space has that many points.
    #[inline]
    pub(super) fn tuple(&self, indices: &[u32]) -> u64 {
        self.axes.iter().fold(0, |tuple, (axis, stride)| {
            let index = indices.get(*axis).copied().unwrap_or(0);
            tuple.wrapping_add(u64::from(index).wrapping_mul(*stride))
        })
    }

    /// Returns the distance of the numbers of two tuples that differ by one on the slowest axis; 1 without axes.
    pub(super) fn slowest_stride(&self) -> u64 {
        self.axes.first().map_or(1, |(_, stride)| *stride)
    }

    /// Calls `visit` with each axis and the index of the value of a tuple there.
    pub(super) fn values_of(&self, tuple: u64, mut visit: impl FnMut(usize, usize)) {
        let mut rest = tuple;
        for (axis, stride) in &self.axes {
            let index = rest / (*stride).max(1);
            rest %= (*stride).max(1);
            visit(*axis, usize::try_from(index).unwrap_or(usize::MAX));
        }
    }
}

/// Which tuples of a domain occur in a range of combinations. Each of them has a slot: slots are in the order of the tuples.
#[derive(Debug)]
pub(super) enum Slots {
    /// The slot of each tuple, [`NONE`] for those that do not occur.
    Table(Vec<u32>),
    /// The slot of each combination of the range.
    Listed(Vec<u32>),
}

/// What is no slot: the tuple does not occur, or its values are not allowed.
pub(super) const NONE: u32 = u32::MAX;
