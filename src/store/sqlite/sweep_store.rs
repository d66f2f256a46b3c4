//! Sweeps in a file.

use std::sync::Arc;

use rusqlite::Connection;

use super::sqlite_store::SqliteStore;
use super::{sweep_columns, sweeps};
use crate::error::{Error, Result};
use crate::future::BoxFuture;
use crate::store::sweep_check::check_chunk;
use crate::store::sweep_interface::SweepStore;
use crate::store::sweep_record::{Sweep, SweepChunk, SweepDetails, SweepEnd, SweepFilter};

impl SqliteStore {
    /// Reads a sweep. If it is unfinished and its process has died, it is marked as failed before.
    async fn find_sweep(&self, id: &str) -> Result<Option<(Sweep, SweepDetails)>> {
        let id = id.to_owned();
        let read = move |connection: &mut Connection| sweeps::find(connection, &id);
        self.read_alive(read, |found| {
            found.as_ref().is_some_and(|(sweep, _)| sweep.status.is_under_way())
        })
        .await
    }
}

impl SweepStore for SqliteStore {
    fn create_sweep(&self, sweep: Sweep, details: SweepDetails) -> BoxFuture<'_, ()> {
        let owner = self.engine_id().to_owned();
        Box::pin(
            self.database()
                .write(move |connection| sweeps::create(connection, &sweep, &details, &owner)),
        )
    }

    fn begin_sweep(
        &self,
        id: &str,
        claim: &str,
        fingerprints: Vec<String>,
        at: i64,
    ) -> BoxFuture<'_, ()> {
        let (id, claim) = (id.to_owned(), claim.to_owned());
        Box::pin(
            self.database()
                .write(move |connection| sweeps::begin(connection, &id, &claim, &fingerprints, at)),
        )
    }

    fn resume_sweep(
        &self,
        id: &str,
        claim: &str,
        engine_version: &str,
        at: i64,
    ) -> BoxFuture<'_, Option<(Sweep, SweepDetails)>> {
        let (id, claim) = (id.to_owned(), claim.to_owned());
        let (owner, version) = (self.engine_id().to_owned(), engine_version.to_owned());
        Box::pin(async move {
            // The process that ran the sweep may have died since the store was opened.
            self.find_sweep(&id).await?;
            self.database()
                .write(move |connection| {
                    sweeps::resume(connection, &id, &claim, (&owner, &version), at)
                })
                .await
        })
    }

    fn append_sweep_chunk(
        &self,
        id: &str,
        claim: &str,
        chunk: Arc<SweepChunk>,
        at: i64,
    ) -> BoxFuture<'_, ()> {
        let (id, claim) = (id.to_owned(), claim.to_owned());
        Box::pin(self.database().write(move |connection| {
            let to = chunk
                .from
                .checked_add(chunk.count as u64)
                .ok_or_else(|| Error::internal("a chunk has too many combinations"))?;
            let transaction = connection.transaction()?;
            let columns = sweeps::advance(&transaction, &id, &claim, (chunk.from, to), at)?;
            check_chunk(&chunk, &columns)?;
            sweep_columns::insert(&transaction, &id, &chunk)?;
            Ok(transaction.commit()?)
        }))
    }

    fn end_sweep(&self, id: &str, claim: &str, end: SweepEnd) -> BoxFuture<'_, ()> {
        let (id, claim) = (id.to_owned(), claim.to_owned());
        Box::pin(
            self.database().write(move |connection| sweeps::end(connection, &id, &claim, &end)),
        )
    }

    fn sweep(&self, id: &str) -> BoxFuture<'_, Option<(Sweep, SweepDetails)>> {
        let id = id.to_owned();
        Box::pin(async move { self.find_sweep(&id).await })
    }

    fn sweep_chunk(
        &self,
        id: &str,
        combination: u64,
        columns: Vec<String>,
    ) -> BoxFuture<'_, Option<SweepChunk>> {
        let id = id.to_owned();
        Box::pin(self.database().read(move |connection| {
            let transaction = connection.transaction()?;
            sweep_columns::chunk(&transaction, &id, combination, columns)
        }))
    }

    fn list_sweeps(&self, filter: &SweepFilter) -> BoxFuture<'_, Vec<Sweep>> {
        let filter = filter.clone();
        let read = move |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            sweeps::list(&transaction, &filter)
        };
        Box::pin(
            self.read_alive(read, |found| found.iter().any(|sweep| sweep.status.is_under_way())),
        )
    }

    fn delete_sweep(&self, id: &str) -> BoxFuture<'_, bool> {
        let id = id.to_owned();
        Box::pin(self.database().write(move |connection| {
            Ok(connection.execute("DELETE FROM sweeps WHERE id = ?1", [id])? > 0)
        }))
    }
}
