//! What every statement of a store needs.

use std::sync::Arc;

use crate::db::postgres::Pool;

/// The connections, the schema and the engine of a store.
#[derive(Debug)]
pub(super) struct Context {
    /// The connections.
    pub pool: Arc<Pool>,
    /// The schema as an SQL identifier.
    pub schema: String,
    /// The `owner` of the runs of this engine.
    pub engine_id: String,
}
