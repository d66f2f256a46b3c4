//! Jobs in order of arrival.

use std::collections::VecDeque;

/// Work over at most this many bars is short: it takes a few milliseconds and never waits for longer work. It is one section
/// of [`crate::metrics`], so short work is not split between threads either.
pub const SHORT_BARS: usize = 1 << 15;

/// Work over at most this many bars is brief: with a built-in strategy, it takes a fraction of a millisecond, of which waking the
/// thread that would do it is a good part.
pub const BRIEF_BARS: usize = 10_000;

/// Resampling at most this many bars is short: it takes one pass.
pub const SHORT_SOURCE_BARS: usize = 1 << 20;

/// How long a job takes, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobLength {
    /// A fraction of a millisecond.
    Brief,
    /// A few milliseconds.
    Short,
    /// Unknown, up to minutes.
    Long,
}

impl JobLength {
    /// Returns the length of work over `bars` bars.
    pub fn of(bars: usize) -> Self {
        Self::up_to(SHORT_BARS, bars)
    }

    /// Returns the length of resampling `bars` bars.
    pub fn of_resampling(bars: usize) -> Self {
        Self::up_to(SHORT_SOURCE_BARS, bars)
    }

    fn up_to(short: usize, bars: usize) -> Self {
        match bars {
            ..=BRIEF_BARS => Self::Brief,
            _ if bars <= short => Self::Short,
            _ => Self::Long,
        }
    }
}

/// A job.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// The waiting jobs.
#[derive(Default)]
pub(super) struct JobQueue {
    next_number: u64,
    short: VecDeque<(u64, Job)>,
    long: VecDeque<(u64, Job)>,
}

impl JobQueue {
    /// Appends a job.
    pub(super) fn push(&mut self, length: JobLength, job: Job) {
        let queue = if length == JobLength::Long { &mut self.long } else { &mut self.short };
        queue.push_back((self.next_number, job));
        self.next_number += 1;
    }

    /// Removes the job that arrived first.
    pub(super) fn pop(&mut self) -> Option<Job> {
        let number = |queue: &VecDeque<(u64, Job)>| queue.front().map(|(number, _)| *number);
        let queue = match (number(&self.short), number(&self.long)) {
            (Some(short), Some(long)) if long < short => &mut self.long,
            (Some(_), _) => &mut self.short,
            (None, _) => &mut self.long,
        };
        queue.pop_front().map(|(_, job)| job)
    }

    /// Removes the short job that arrived first.
    pub(super) fn pop_short(&mut self) -> Option<Job> {
        self.short.pop_front().map(|(_, job)| job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_any_length_are_taken_in_order_of_arrival() {
        let mut queue = JobQueue::default();
        let (sender, receiver) = std::sync::mpsc::channel();
        let lengths = [JobLength::Long, JobLength::Short, JobLength::Short, JobLength::Long];
        for (number, length) in lengths.into_iter().enumerate() {
            let sender = sender.clone();
            queue.push(length, Box::new(move || sender.send(number).unwrap()));
        }
        while let Some(job) = queue.pop() {
            job();
        }
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
