//! Sweeps in a schema.

use std::sync::Arc;

use super::postgres_store::PostgresStore;
use super::{sweep_columns, sweeps};
use crate::db::postgres::retry;
use crate::error::Code;
use crate::future::BoxFuture;
use crate::store::errors::is_ended;
use crate::store::sweep_interface::SweepStore;
use crate::store::sweep_record::{Sweep, SweepChunk, SweepDetails, SweepEnd, SweepFilter};

impl SweepStore for PostgresStore {
    fn create_sweep(&self, sweep: Sweep, details: SweepDetails) -> BoxFuture<'_, ()> {
        self.run_task(async move |lease| {
            let is_new = lease.recent_runs().begin(&sweep.id);
            let context = lease.context();
            let created = retry!(
                &context.pool,
                is_retry => sweeps::create(context, &sweep, &details, is_retry)
            );
            if created.is_err() && is_new {
                // If the sweep was written despite the error, the lease finds it and marks it as failed.
                lease.recent_runs().forget(&sweep.id);
            }
            created
        })
    }

    fn begin_sweep(
        &self,
        id: &str,
        claim: &str,
        fingerprints: Vec<String>,
        at: i64,
    ) -> BoxFuture<'_, ()> {
        let (id, claim) = (id.to_owned(), claim.to_owned());
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(&context.pool, _ => sweeps::begin(context, (&id, &claim), &fingerprints, at))
        })
    }

    fn resume_sweep(
        &self,
        id: &str,
        claim: &str,
        engine_version: &str,
        at: i64,
    ) -> BoxFuture<'_, Option<(Sweep, SweepDetails)>> {
        let (id, claim) = (id.to_owned(), claim.to_owned());
        let version = engine_version.to_owned();
        self.run_task(async move |lease| {
            let is_new = lease.recent_runs().begin(&id);
            let context = lease.context();
            let mut resumed = retry!(
                &context.pool,
                is_retry => sweeps::resume(context, (&id, &claim), &version, at, is_retry)
            );
            // The process that ran the sweep may have died a moment ago.
            if matches!(&resumed, Err(error) if error.code == Code::InvalidArgument)
                && matches!(lease.fail_orphaned_work().await, Ok(failed) if failed > 0)
            {
                resumed = retry!(
                    &context.pool,
                    is_retry => sweeps::resume(context, (&id, &claim), &version, at, is_retry)
                );
            }
            if is_new && !matches!(resumed, Ok(Some(_))) {
                lease.recent_runs().forget(&id);
            }
            resumed
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
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(
                &context.pool,
                is_retry => sweeps::append(context, (&id, &claim), &chunk, at, is_retry)
            )
        })
    }

    fn end_sweep(&self, id: &str, claim: &str, end: SweepEnd) -> BoxFuture<'_, ()> {
        let (id, claim) = (id.to_owned(), claim.to_owned());
        self.run_task(async move |lease| {
            let context = lease.context();
            let ended = retry!(&context.pool, _ => sweeps::end(context, (&id, &claim), &end));
            match &ended {
                Ok(()) => lease.recent_runs().forget(&id),
                Err(error) if is_ended(error) => lease.recent_runs().forget(&id),
                // The sweep stays unfinished until its end is written.
                Err(_) => {}
            }
            ended
        })
    }

    fn sweep(&self, id: &str) -> BoxFuture<'_, Option<(Sweep, SweepDetails)>> {
        let id = id.to_owned();
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(&context.pool, _ => sweeps::find(context, &id))
        })
    }

    fn sweep_chunk(
        &self,
        id: &str,
        combination: u64,
        columns: Vec<String>,
    ) -> BoxFuture<'_, Option<SweepChunk>> {
        let id = id.to_owned();
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(
                &context.pool,
                _ => sweep_columns::chunk(context, &id, combination, columns.clone())
            )
        })
    }

    fn list_sweeps(&self, filter: &SweepFilter) -> BoxFuture<'_, Vec<Sweep>> {
        let filter = filter.clone();
        self.run_task(async move |lease| {
            let context = lease.context();
            retry!(&context.pool, _ => sweeps::list(context, &filter))
        })
    }

    fn delete_sweep(&self, id: &str) -> BoxFuture<'_, bool> {
        let id = id.to_owned();
        self.run_task(async move |lease| {
            lease.recent_runs().forget(&id);
            let context = lease.context();
            retry!(&context.pool, is_retry => sweeps::delete(context, &id, is_retry))
        })
    }
}
