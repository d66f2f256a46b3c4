//! An in-memory cache of bars.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::future::Cache;

use crate::data::LoadedBars;
use crate::error::{Error, Result};
use crate::market::Timeframe;

/// The maximum memory of cached bars, bytes.
const CAPACITY: u64 = 512 * 1024 * 1024;

/// Identifies cached bars. It contains the revision of the series, so imported bars take effect at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The asset.
    pub symbol: String,
    /// The stored timeframe.
    pub stored: Timeframe,
    /// The requested timeframe.
    pub wanted: Timeframe,
    /// Whether each tick is a bar of its own.
    pub ticks: bool,
    /// First timestamp, UTC milliseconds.
    pub start: i64,
    /// Last timestamp, UTC milliseconds.
    pub end: i64,
    /// How many earlier bars precede those of the range, at most.
    pub before: usize,
    /// The revision of the stored series.
    pub revision: i64,
}

/// A cache whose entries expire after a set time; disabled if that is 0.
#[derive(Debug)]
pub struct BarCache(Option<EnabledCache>);

#[derive(Debug)]
struct EnabledCache {
    bars: Cache<Key, Arc<LoadedBars>>,
    /// The last requested revision of each series, by symbol and timeframe.
    revisions: Mutex<BTreeMap<(String, Timeframe), i64>>,
}

impl BarCache {
    /// Creates a cache.
    pub fn new(ttl_seconds: u64) -> Self {
        let cache = (ttl_seconds > 0).then(|| {
            Cache::builder()
                .max_capacity(CAPACITY)
                .weigher(|_, loaded: &Arc<LoadedBars>| {
                    u32::try_from(loaded.bars.len().saturating_mul(48).saturating_add(256))
                        .unwrap_or(u32::MAX)
                })
                .time_to_live(Duration::from_secs(ttl_seconds))
                .support_invalidation_closures()
                .build()
        });
        Self(cache.map(|bars| EnabledCache { bars, revisions: Mutex::default() }))
    }

    /// Returns the bars of a key. Concurrent callers load them once. Failures are not cached.
    ///
    /// # Errors
    /// Those of `load`.
    pub async fn get(
        &self,
        key: Key,
        load: impl Future<Output = Result<Arc<LoadedBars>>>,
    ) -> Result<Arc<LoadedBars>> {
        match &self.0 {
            Some(cache) => {
                cache.drop_outdated(&key);
                let bars = cache.bars.try_get_with(key, load).await;
                bars.map_err(|error: Arc<Error>| (*error).clone())
            }
            None => load.await,
        }
    }
}

impl EnabledCache {
    /// Drops the bars of other revisions of a series. They are never requested again, but would stay in memory until they
    /// expire.
    fn drop_outdated(&self, key: &Key) {
        let series = (key.symbol.clone(), key.stored);
        let previous = self
            .revisions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(series.clone(), key.revision);
        if previous.is_none_or(|previous| previous == key.revision) {
            return;
        }
        let revision = key.revision;
        // Only fails for a cache that was built without support for it.
        let _ = self.bars.invalidate_entries_if(move |key, _| {
            key.symbol == series.0 && key.stored == series.1 && key.revision != revision
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn key(revision: i64) -> Key {
        Key {
            symbol: "A".into(),
            stored: Timeframe::D1,
            wanted: Timeframe::D1,
            ticks: false,
            start: 0,
            end: 1,
            before: 0,
            revision,
        }
    }

    async fn loads(cache: &BarCache, revisions: &[i64]) -> usize {
        let count = AtomicUsize::new(0);
        let none = Vec::new;
        for revision in revisions {
            let load = async {
                count.fetch_add(1, Ordering::Relaxed);
                crate::market::Bars::new(
                    Vec::new(),
                    none().into(),
                    none().into(),
                    none().into(),
                    none().into(),
                    None,
                )
                .map(|bars| Arc::new(LoadedBars::from(bars)))
            };
            cache.get(key(*revision), load).await.unwrap();
        }
        count.into_inner()
    }

    #[tokio::test]
    async fn bars_are_loaded_once_for_each_revision() {
        assert_eq!(loads(&BarCache::new(60), &[1, 1, 1, 2, 2]).await, 2);
        assert_eq!(loads(&BarCache::new(0), &[1, 1]).await, 2);
    }

    #[tokio::test]
    async fn bars_of_earlier_revisions_are_dropped() {
        let cache = BarCache::new(60);
        let bars = &cache.0.as_ref().unwrap().bars;
        let revisions: Vec<i64> = (1..=100).collect();
        for revision in &revisions {
            loads(&cache, &[*revision]).await;
            bars.run_pending_tasks().await;
        }
        assert!(bars.entry_count() < 5, "{} entries", bars.entry_count());
        assert_eq!(loads(&cache, &[100]).await, 0);
    }
}
