//! Tables of the first bar on which a stop closes a position, for all combinations with the same stops.
//!
//! Which bar that is depends on the bar of the entry and the stops alone. An entry is searched when a combination asks for it,
//! as far as it asks, and what was found serves the others. All threads find the same.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::compute::reserve;
use crate::simulation::{LongStop, LongStopRule, Prices};

/// Memory for the tables of an asset, bytes.
const BUDGET: usize = 16_000_000;

/// What is known of an entry.
#[derive(Debug, Default)]
struct Hit {
    /// The price of the exit before slippage, as bits, if a stop is hit.
    price: AtomicU64,
    /// Twice the bar up to which is known what happens, and 1 if a stop is hit on it.
    known: AtomicU32,
}

/// The first hits of one rule.
#[derive(Debug)]
pub(super) struct FirstHits {
    rule: LongStopRule,
    hits: Vec<Hit>,
}

impl FirstHits {
    fn new(rule: LongStopRule, bars: usize) -> Option<Self> {
        let mut hits = reserve::with_capacity(bars, "first hits of stops").ok()?;
        hits.resize_with(bars, Hit::default);
        Some(Self { rule, hits })
    }

    /// Returns what [`LongStopRule::first`] returns.
    #[inline]
    pub(super) fn first(&self, prices: &Prices<'_>, entry: usize, last: usize) -> Option<LongStop> {
        let hit = self.hits.get(entry)?;
        // The price was stored before.
        let known = hit.known.load(Ordering::Acquire);
        let bar = (known / 2) as usize;
        if known % 2 == 1 {
            let reference_price = f64::from_bits(hit.price.load(Ordering::Relaxed));
            return (bar <= last).then_some(LongStop { bar, reference_price });
        }
        if bar >= last { None } else { self.search(hit, prices, entry, (bar, last)) }
    }

    /// Searches beyond the bar up to which is known that no stop is hit.
    #[inline(never)]
    fn search(
        &self,
        hit: &Hit,
        prices: &Prices<'_>,
        entry: usize,
        (known, last): (usize, usize),
    ) -> Option<LongStop> {
        // Twice as far as before, so that few searches begin anew.
        let beyond = entry.saturating_add(2 * known.saturating_sub(entry));
        let until = last.max(beyond).min(self.hits.len() - 1);
        let found = self.rule.first(prices, entry, until);
        let (bar, is_hit) = found.map_or((until, 0), |stop| (stop.bar, 1));
        if let Some(stop) = &found {
            hit.price.store(stop.reference_price.to_bits(), Ordering::Relaxed);
        }
        // Another thread may have searched farther. A hit is the end of every search, and a shorter one is only repeated.
        if let Ok(bar) = u32::try_from(2 * bar + is_hit) {
            hit.known.store(bar, Ordering::Release);
        }
        found.filter(|stop| stop.bar <= last)
    }
}

/// The tables of an asset.
#[derive(Debug, Default)]
pub(super) struct StopTables {
    tables: Mutex<Tables>,
}

#[derive(Debug, Default)]
struct Tables {
    /// The one that was made last comes last.
    tables: Vec<Arc<FirstHits>>,
    /// The last rule that had no table and no room.
    missed: Option<LongStopRule>,
}

impl StopTables {
    /// Returns the table of a rule. `None` if there is no room for it: a rule replaces the oldest table when it is asked for
    /// twice in a row, so that a sweep over many stops does not make a table for each combination.
    pub(super) fn of(&self, rule: &LongStopRule, bars: usize) -> Option<Arc<FirstHits>> {
        let mut state = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = state.tables.iter().rev().find(|table| table.rule == *rule) {
            return Some(Arc::clone(found));
        }
        let most = (BUDGET / (size_of::<Hit>() * bars.max(1))).max(1);
        if state.tables.len() >= most {
            if state.missed != Some(*rule) {
                state.missed = Some(*rule);
                return None;
            }
            state.tables.remove(0);
        }
        let table = Arc::new(FirstHits::new(*rule, bars)?);
        reserve::push(&mut state.tables, Arc::clone(&table), "tables of first hits").ok()?;
        Some(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::sweep::measure::testing::{Random, walk};

    fn rule(loss: f64, trails: bool, profit: Option<f64>) -> LongStopRule {
        LongStopRule::new(&Settings::default().with(|it| {
            (it.stops.sl_stop, it.stops.sl_trail, it.stops.tp_stop) = (Some(loss), trails, profit);
        }))
    }

    #[test]
    fn what_is_looked_up_is_what_a_search_finds() {
        let bars = 400;
        let close = walk(bars, 0.01, 4);
        let high: Vec<f64> = close.iter().map(|close| close * 1.004).collect();
        let low: Vec<f64> = close.iter().map(|close| close * 0.996).collect();
        let prices = Prices::new(None, Some(&high), Some(&low), &close).unwrap();
        let mut random = Random::new(7);
        let mut below = |most: usize| usize::try_from(random.bits() >> 11).unwrap() % most;
        let rules = [
            rule(0.02, false, Some(0.03)),
            rule(0.02, true, None),
            rule(0.5, false, None),
            rule(0.5, true, None),
        ];
        let tables = StopTables::default();
        let (mut hits, mut misses) = (0, 0);
        for _ in 0..20_000 {
            let (rule, entry) = (&rules[below(rules.len())], below(bars - 1));
            let last = entry + 1 + below(bars - entry - 1);
            let found = tables.of(rule, bars).unwrap().first(&prices, entry, last);
            assert_eq!(found, rule.first(&prices, entry, last));
            *(if found.is_some() { &mut hits } else { &mut misses }) += 1;
        }
        assert!(hits > 2_000 && misses > 2_000, "{hits} {misses}");
    }

    #[test]
    fn a_rule_without_room_gets_a_table_when_it_is_asked_for_twice_in_a_row() {
        let tables = StopTables::default();
        // Room for two.
        let bars = BUDGET / size_of::<Hit>() / 2;
        let [a, b, c] = [0.01, 0.02, 0.03].map(|loss| rule(loss, false, None));
        assert!(tables.of(&a, bars).is_some() && tables.of(&b, bars).is_some());
        assert!(tables.of(&c, bars).is_none());
        assert!(tables.of(&c, bars).is_some());
        // The oldest one made room.
        assert!(tables.of(&b, bars).is_some() && tables.of(&a, bars).is_none());
    }
}
