//! The limit on runs at once: one more waits its turn, in order of arrival.
//!
//! One place more is kept for short runs, so that a run that takes a millisecond does not wait for one that takes a minute.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// What a ticket holds once its turn has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// One of the places that every run may take.
    Regular,
    /// The place that only short runs take.
    Short,
}

#[derive(Debug)]
struct Waiting {
    /// Only known once the run's bars are found.
    is_short: bool,
    turn: oneshot::Sender<Place>,
}

#[derive(Debug)]
struct State {
    regular: u32,
    short: u32,
    next: u64,
    /// By number, which is the order of arrival.
    waiting: BTreeMap<u64, Waiting>,
}

impl State {
    /// Executor out free places as long as somebody may take one.
    fn hand_out(&mut self) {
        while self.regular > 0 {
            let Some((_, first)) = self.waiting.pop_first() else { break };
            // A run that was given up in the meantime takes no place.
            if first.turn.send(Place::Regular).is_ok() {
                self.regular -= 1;
            }
        }
        while self.short > 0 {
            let first = self.waiting.iter().find(|(_, waiting)| waiting.is_short);
            let Some(number) = first.map(|(number, _)| *number) else { break };
            let Some(first) = self.waiting.remove(&number) else { break };
            if first.turn.send(Place::Short).is_ok() {
                self.short -= 1;
            }
        }
    }
}

/// Lets a set number of runs begin, and one short run more.
#[derive(Debug, Clone)]
pub struct RunQueue(Arc<Mutex<State>>);

impl RunQueue {
    /// Creates a queue for that many runs at once.
    pub fn new(places: u32) -> Self {
        let state = State { regular: places, short: 1, next: 0, waiting: BTreeMap::new() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next number; the order of these calls is the order of arrival.
    pub fn arrive(&self) -> Ticket {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let (sender, receiver) = oneshot::channel();
        state.waiting.insert(number, Waiting { is_short: false, turn: sender });
        state.hand_out();
        drop(state);
        Ticket { queue: self.clone(), number, turn: Some(receiver), place: None }
    }
}

/// A number in the queue, and then a place among the runs; given up when dropped.
#[derive(Debug)]
pub struct Ticket {
    queue: RunQueue,
    number: u64,
    turn: Option<oneshot::Receiver<Place>>,
    place: Option<Place>,
}

impl Ticket {
    /// Notes that the run is short, so that it may take the place that is kept for such runs.
    pub fn set_short(&mut self) {
        let mut state = self.queue.state();
        if let Some(waiting) = state.waiting.get_mut(&self.number) {
            waiting.is_short = true;
            state.hand_out();
        }
    }

    /// Returns whether the turn has not come yet.
    pub fn must_wait(&mut self) -> bool {
        if let Some(turn) = &mut self.turn {
            match turn.try_recv() {
                Ok(place) => self.place = Some(place),
                Err(oneshot::error::TryRecvError::Empty) => return true,
                // The sender lives in the queue until it is used.
                Err(oneshot::error::TryRecvError::Closed) => {}
            }
        }
        self.turn = None;
        false
    }

    /// Waits for the turn.
    pub async fn turn(&mut self) {
        if let Some(turn) = &mut self.turn {
            self.place = turn.await.ok();
            self.turn = None;
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.waiting.remove(&self.number);
        // A place may have been handed out that nobody has looked at yet.
        let unseen = self.turn.as_mut().and_then(|turn| turn.try_recv().ok());
        match self.place.or(unseen) {
            Some(Place::Regular) => state.regular += 1,
            Some(Place::Short) => state.short += 1,
            None => return,
        }
        state.hand_out();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_given_in_order_of_arrival_and_given_back() {
        let queue = RunQueue::new(1);
        let mut first = queue.arrive();
        let mut second = queue.arrive();
        let mut gives_up = queue.arrive();
        let mut last = queue.arrive();
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
        assert!(!queue.arrive().must_wait());
    }

    #[tokio::test]
    async fn a_short_run_does_not_wait_for_long_ones_but_for_other_short_ones() {
        let queue = RunQueue::new(2);
        let long = [queue.arrive(), queue.arrive()];
        let mut waiting = queue.arrive();
        let mut short = queue.arrive();
        let mut next = queue.arrive();
        assert!(waiting.must_wait() && short.must_wait());
        short.set_short();
        next.set_short();
        assert!(!short.must_wait() && next.must_wait() && waiting.must_wait());
        drop(short);
        next.turn().await;
        // The place of short runs is not given to a long one, and regular places go by arrival.
        drop(next);
        assert!(waiting.must_wait());
        drop(long);
        assert!(!waiting.must_wait());
    }

    #[test]
    fn a_place_that_was_handed_out_unseen_is_not_lost() {
        let queue = RunQueue::new(1);
        let first = queue.arrive();
        let unseen = queue.arrive();
        let mut last = queue.arrive();
        drop(first);
        drop(unseen);
        assert!(!last.must_wait());
    }
}
