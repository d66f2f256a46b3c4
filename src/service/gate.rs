//! The limit on runs at once: one more waits its turn, in order of arrival.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

#[derive(Debug)]
struct State {
    free: u32,
    next: u64,
    waiting: BTreeMap<u64, oneshot::Sender<()>>,
}

/// Lets a set number of runs in.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Mutex<State>>);

impl Gate {
    /// Creates a gate for that many runs at once.
    pub fn new(places: u32) -> Self {
        Self(Arc::new(Mutex::new(State { free: places, next: 0, waiting: BTreeMap::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next place in the queue; the order of these calls is the order of arrival.
    pub fn arrive(&self) -> Ticket {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let receiver = if state.free > 0 {
            state.free -= 1;
            None
        } else {
            let (sender, receiver) = oneshot::channel();
            state.waiting.insert(number, sender);
            Some(receiver)
        };
        drop(state);
        Ticket { gate: self.clone(), number, turn: receiver }
    }

    fn leave(&self, number: u64) {
        let mut state = self.state();
        if state.waiting.remove(&number).is_some() {
            return;
        }
        while let Some((_, next)) = state.waiting.pop_first() {
            if next.send(()).is_ok() {
                return;
            }
        }
        state.free += 1;
    }
}

/// A place in the queue, and then among those let in; given up when dropped.
#[derive(Debug)]
pub struct Ticket {
    gate: Gate,
    number: u64,
    turn: Option<oneshot::Receiver<()>>,
}

impl Ticket {
    /// Returns whether the turn has not come yet.
    pub fn must_wait(&mut self) -> bool {
        if self.turn.as_mut().is_some_and(|turn| turn.try_recv().is_err()) {
            return true;
        }
        self.turn = None;
        false
    }

    /// Waits for the turn.
    pub async fn turn(&mut self) {
        if let Some(turn) = &mut self.turn {
            // The sender lives in the gate until it is used.
            let _ = turn.await;
            self.turn = None;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.gate.leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_given_in_order_of_arrival_and_given_back() {
        let gate = Gate::new(1);
        let mut first = gate.arrive();
        let mut second = gate.arrive();
        let mut gives_up = gate.arrive();
        let mut last = gate.arrive();
        assert!(
            !first.must_wait() && second.must_wait() && gives_up.must_wait() && last.must_wait()
        );
        drop(first);
        second.turn().await;
        assert!(last.must_wait());
        drop(gives_up);
        drop(second);
        last.turn().await;
        drop(last);
        assert!(!gate.arrive().must_wait());
    }
}
