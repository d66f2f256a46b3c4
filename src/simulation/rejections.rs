//! Why signals made no order, counted.

/// The kinds of signals that a simulation acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignalKind {
    /// Opens a long position or adds to it.
    LongEntry,
    /// Closes a long position or takes from it.
    LongExit,
    /// Opens a short position or adds to it.
    ShortEntry,
    /// Closes a short position or takes from it.
    ShortExit,
    /// A stop loss, trailing stop or take profit that was hit.
    Stop,
}

impl SignalKind {
    /// Every kind, in the order of the variants.
    pub const ALL: [Self; 5] =
        [Self::LongEntry, Self::LongExit, Self::ShortEntry, Self::ShortExit, Self::Stop];

    /// Returns the name for messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LongEntry => "long entry",
            Self::LongExit => "long exit",
            Self::ShortEntry => "short entry",
            Self::ShortExit => "short exit",
            Self::Stop => "stop",
        }
    }
}

/// Why a signal made no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RejectionReason {
    /// An entry lost against an exit or an entry of the other direction on its bar.
    Conflict,
    /// An exit from the position, or an entry against it, lost against an entry on its bar: the position stays.
    ExitDropped,
    /// A stop was hit on its bar; stops go first.
    StopWentFirst,
    /// Another signal of its bar was acted on instead.
    OtherSignalWentFirst,
    /// An entry while already in a position of its direction, without accumulation.
    AlreadyInPosition,
    /// An exit without a position of its direction.
    NoPosition,
    /// An entry against the position, with such entries ignored.
    OppositeEntryIgnored,
    /// A signal of the last bar, to be filled at an open that does not exist.
    NoNextBar,
    /// The order's size was zero, perhaps after rounding down to the granularity.
    SizeZero,
    /// No cash to buy with.
    NoCash,
    /// No free cash to sell short on.
    NoFreeCash,
    /// The fees exceed the value of the order or the cash.
    CannotCoverFees,
    /// The size is below the minimum.
    BelowMinSize,
    /// The size is above the maximum, and partial fills are not allowed.
    AboveMaxSize,
    /// The order could only be filled in part, and partial fills are not allowed.
    PartialFill,
}

impl RejectionReason {
    /// Every reason, in the order of the variants.
    pub const ALL: [Self; 15] = [
        Self::Conflict,
        Self::ExitDropped,
        Self::StopWentFirst,
        Self::OtherSignalWentFirst,
        Self::AlreadyInPosition,
        Self::NoPosition,
        Self::OppositeEntryIgnored,
        Self::NoNextBar,
        Self::SizeZero,
        Self::NoCash,
        Self::NoFreeCash,
        Self::CannotCoverFees,
        Self::BelowMinSize,
        Self::AboveMaxSize,
        Self::PartialFill,
    ];

    /// Returns the name for messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "in conflict with another signal of the bar",
            Self::ExitDropped => "dropped because of an entry on the bar",
            Self::StopWentFirst => "a stop was hit on the bar",
            Self::OtherSignalWentFirst => "another signal of the bar went first",
            Self::AlreadyInPosition => "already in position",
            Self::NoPosition => "no position to close",
            Self::OppositeEntryIgnored => "against the position",
            Self::NoNextBar => "no next bar to fill on",
            Self::SizeZero => "size is zero",
            Self::NoCash => "no cash",
            Self::NoFreeCash => "no free cash to sell short",
            Self::CannotCoverFees => "cannot cover the fees",
            Self::BelowMinSize => "below the minimum size",
            Self::AboveMaxSize => "above the maximum size",
            Self::PartialFill => "only a partial fill was possible",
        }
    }
}

/// How often signals of one kind made no order for one reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// The kind of signal.
    pub kind: SignalKind,
    /// Why it made no order.
    pub reason: RejectionReason,
    /// How often, above 0.
    pub count: u32,
}

/// Counts signals that made no order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RejectionCounts([[u32; RejectionReason::ALL.len()]; SignalKind::ALL.len()]);

impl RejectionCounts {
    /// Counts `count` signals.
    #[inline]
    pub(super) fn add(&mut self, kind: SignalKind, reason: RejectionReason, count: u32) {
        self.0[kind as usize][reason as usize] += count;
    }

    /// Returns the counts above 0, by kind and then by reason, in the memory of a list.
    pub(super) fn into_list(self, mut list: Vec<Rejection>) -> Vec<Rejection> {
        let rows = SignalKind::ALL.into_iter().zip(self.0);
        let all = rows.flat_map(|(kind, counts)| {
            RejectionReason::ALL.into_iter().zip(counts).map(move |(reason, count)| Rejection {
                kind,
                reason,
                count,
            })
        });
        list.clear();
        list.extend(all.filter(|unexecuted| unexecuted.count > 0));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_the_order_of_the_variants() {
        assert!(SignalKind::ALL.iter().enumerate().all(|(index, kind)| *kind as usize == index));
        assert!(
            RejectionReason::ALL
                .iter()
                .enumerate()
                .all(|(index, reason)| *reason as usize == index)
        );
    }
}
