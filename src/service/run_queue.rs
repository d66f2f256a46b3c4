//! Limits the number of concurrent runs. Further runs wait in order of arrival.
//!
//! One extra slot is reserved for short runs, so that a run of a millisecond does not wait for one of a minute.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// What a ticket holds after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// A slot for any run.
    Regular,
    /// The slot for short runs.
    Short,
}

#[derive(Debug)]
struct Waiting {
    /// Set once the bars of the run are known.
    is_short: bool,
    turn: oneshot::Sender<Slot>,
}

#[derive(Debug)]
struct QueueState {
    free_regular: u32,
    free_short: u32,
    next_number: u64,
    /// By number, in order of arrival.
    waiting: BTreeMap<u64, Waiting>,
}

impl QueueState {
    /// Assigns free slots to waiting runs.
    fn assign_slots(&mut self) {
        while self.free_regular > 0 {
            let Some((_, first)) = self.waiting.pop_first() else { break };
            // A run that was cancelled in the meantime takes no slot.
            if first.turn.send(Slot::Regular).is_ok() {
                self.free_regular -= 1;
            }
        }
        while self.free_short > 0 {
            let first = self.waiting.iter().find(|(_, waiting)| waiting.is_short);
            let Some(number) = first.map(|(number, _)| *number) else { break };
            let Some(first) = self.waiting.remove(&number) else { break };
            if first.turn.send(Slot::Short).is_ok() {
                self.free_short -= 1;
            }
        }
    }
}

/// Admits a set number of runs, and one extra short run.
#[derive(Debug, Clone)]
pub struct RunQueue(Arc<Mutex<QueueState>>);

impl RunQueue {
    /// Creates a queue for `slots` concurrent runs.
    pub fn new(slots: u32) -> Self {
        let state = QueueState {
            free_regular: slots,
            free_short: 1,
            next_number: 0,
            waiting: BTreeMap::new(),
        };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the next ticket. The order of these calls is the order of arrival.
    pub fn enqueue(&self) -> Ticket {
        let mut state = self.state();
        let number = state.next_number;
        state.next_number += 1;
        let (sender, receiver) = oneshot::channel();
        state.waiting.insert(number, Waiting { is_short: false, turn: sender });
        state.assign_slots();
        drop(state);
        Ticket { queue: self.clone(), number, turn: Some(receiver), slot: None }
    }
}

/// A position in the queue, and then a slot; released when dropped.
#[derive(Debug)]
pub struct Ticket {
    queue: RunQueue,
    number: u64,
    turn: Option<oneshot::Receiver<Slot>>,
    slot: Option<Slot>,
}

impl Ticket {
    /// Marks the run as short, so that it may take the reserved slot.
    pub fn set_short(&mut self) {
        let mut state = self.queue.state();
        if let Some(waiting) = state.waiting.get_mut(&self.number) {
            waiting.is_short = true;
            state.assign_slots();
        }
    }

    /// Returns whether the run still has to wait.
    pub fn must_wait(&mut self) -> bool {
        if let Some(turn) = &mut self.turn {
            match turn.try_recv() {
                Ok(slot) => self.slot = Some(slot),
                Err(oneshot::error::TryRecvError::Empty) => return true,
                // The sender stays in the queue until it is used.
                Err(oneshot::error::TryRecvError::Closed) => {}
            }
        }
        self.turn = None;
        false
    }

    /// Waits for a slot.
    pub async fn wait(&mut self) {
        if let Some(turn) = &mut self.turn {
            self.slot = turn.await.ok();
            self.turn = None;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.waiting.remove(&self.number);
        // A slot may have been assigned that was not received yet.
        let unreceived = self.turn.as_mut().and_then(|turn| turn.try_recv().ok());
        match self.slot.or(unreceived) {
            Some(Slot::Regular) => state.free_regular += 1,
            Some(Slot::Short) => state.free_short += 1,
            None => return,
        }
        state.assign_slots();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slots_are_assigned_in_order_of_arrival_and_released() {
        let queue = RunQueue::new(1);
        let mut first = queue.enqueue();
        let mut second = queue.enqueue();
        let mut cancelled = queue.enqueue();
        let mut last = queue.enqueue();
        assert!(
            !first.must_wait() && second.must_wait() && cancelled.must_wait() && last.must_wait()
        );
        drop(first);
        second.wait().await;
        assert!(last.must_wait());
        drop(cancelled);
        drop(second);
        last.wait().await;
        drop(last);
        assert!(!queue.enqueue().must_wait());
    }

    #[tokio::test]
    async fn a_short_run_waits_only_for_other_short_runs() {
        let queue = RunQueue::new(2);
        let long = [queue.enqueue(), queue.enqueue()];
        let mut waiting = queue.enqueue();
        let mut short = queue.enqueue();
        let mut next = queue.enqueue();
        assert!(waiting.must_wait() && short.must_wait());
        short.set_short();
        next.set_short();
        assert!(!short.must_wait() && next.must_wait() && waiting.must_wait());
        drop(short);
        next.wait().await;
        // The reserved slot is not assigned to a long run, and regular slots are assigned in order of arrival.
        drop(next);
        assert!(waiting.must_wait());
        drop(long);
        assert!(!waiting.must_wait());
    }

    #[test]
    fn a_slot_that_was_assigned_but_not_received_is_released() {
        let queue = RunQueue::new(1);
        let first = queue.enqueue();
        let unreceived = queue.enqueue();
        let mut last = queue.enqueue();
        drop(first);
        drop(unreceived);
        assert!(!last.must_wait());
    }
}
