//! Bars kept in memory for a while, so that a second run on them loads nothing.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use crate::data::Loaded;
use crate::error::{Error, Result};
use crate::market::Timeframe;

/// Memory that cached bars may take, bytes.
const CAPACITY: u64 = 512 * 1024 * 1024;

/// Which bars: a new revision of a series makes new keys, so that imported bars are seen at once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The asset.
    pub symbol: String,
    /// The timeframe that is stored.
    pub stored: Timeframe,
    /// The timeframe that is wanted.
    pub wanted: Timeframe,
    /// Whether each tick is a bar of its own.
    pub ticks: bool,
    /// First moment, UTC milliseconds.
    pub start: i64,
    /// Last moment, UTC milliseconds.
    pub end: i64,
    /// The revision of the stored series.
    pub revision: i64,
}

/// A cache whose entries live for a set time; disabled when that is 0.
#[derive(Debug)]
pub struct BarCache(Option<Cache<Key, Arc<Loaded>>>);

impl BarCache {
    /// Creates a cache.
    pub fn new(ttl_seconds: u64) -> Self {
        let cache = (ttl_seconds > 0).then(|| {
            Cache::builder()
                .max_capacity(CAPACITY)
                .weigher(|_, loaded: &Arc<Loaded>| {
                    u32::try_from(loaded.bars.len().saturating_mul(48).saturating_add(256))
                        .unwrap_or(u32::MAX)
                })
                .time_to_live(Duration::from_secs(ttl_seconds))
                .build()
        });
        Self(cache)
    }

    /// Returns the bars of a key, loading them once however many ask at the same time. Failures are not kept.
    ///
    /// # Errors
    /// Those of `load`.
    pub async fn get(
        &self,
        key: Key,
        load: impl Future<Output = Result<Arc<Loaded>>>,
    ) -> Result<Arc<Loaded>> {
        match &self.0 {
            Some(cache) => {
                cache.try_get_with(key, load).await.map_err(|error: Arc<Error>| (*error).clone())
            }
            None => load.await,
        }
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
                .map(|bars| Arc::new(Loaded::from(bars)))
            };
            cache.get(key(*revision), load).await.unwrap();
        }
        count.into_inner()
    }

    #[tokio::test]
    async fn a_second_run_loads_nothing_and_a_new_revision_does() {
        assert_eq!(loads(&BarCache::new(60), &[1, 1, 1, 2, 2]).await, 2);
        assert_eq!(loads(&BarCache::new(0), &[1, 1]).await, 2);
    }
}
