//! The grid of all values of all axes.

/// A grid: its points are numbered, the last axis runs fastest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grid {
    lengths: Vec<u32>,
    size: u64,
}

impl Grid {
    /// Creates a grid from the number of values on each axis; `None` if it has 2⁶³ points or more. No axis is one point.
    pub(super) fn new(lengths: Vec<u32>) -> Option<Self> {
        let points = |size: u64, length: &u32| size.checked_mul(u64::from(*length));
        let size = lengths.iter().try_fold(1, points).filter(|size| *size < 1 << 63)?;
        Some(Self { lengths, size })
    }

    /// Returns the number of points.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Returns the number of values on each axis.
    pub(super) fn lengths(&self) -> &[u32] {
        &self.lengths
    }

    /// Writes the index of the value on each axis. The point must be below the size.
    #[inline]
    pub(super) fn indices(&self, point: u64, into: &mut [u32]) {
        let mut rest = point;
        for (length, index) in self.lengths.iter().zip(into).rev() {
            let length = u64::from(*length).max(1);
            #[expect(clippy::cast_possible_truncation, reason = "below the length, which is a u32")]
            let remainder = (rest % length) as u32;
            *index = remainder;
            rest /= length;
        }
    }

    /// Returns how many consecutive points have the same value on an axis.
    pub(super) fn stride(&self, axis: usize) -> u64 {
        let faster = self.lengths.iter().skip(axis + 1);
        faster.map(|length| u64::from(*length).max(1)).product()
    }

    /// Returns the index of the value of a point on one axis.
    pub(super) fn index(&self, point: u64, axis: usize) -> u32 {
        let stride = self.stride(axis);
        let length = self.lengths.get(axis).copied().map_or(1, u64::from).max(1);
        #[expect(clippy::cast_possible_truncation, reason = "below the length, which is a u32")]
        let index = (point / stride % length) as u32;
        index
    }

    /// Returns the point with these indices; `None` if one of them is beyond its axis or their number is wrong.
    pub(super) fn point(&self, indices: &[u32]) -> Option<u64> {
        if indices.len() != self.lengths.len() {
            return None;
        }
        let mut point = 0;
        for (length, index) in self.lengths.iter().zip(indices) {
            if index >= length {
                return None;
            }
            point = point * u64::from(*length) + u64::from(*index);
        }
        Some(point)
    }
}
