//! The wall clock and new ids. Results depend on neither.

use uuid::Uuid;

/// Returns the current time, UTC milliseconds.
pub fn now() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
    let now = chrono::Utc::now();
    now.timestamp_millis()
}

/// Returns a new id of a backtest: `bt-` and 12 hex digits.
pub fn backtest_id() -> String {
    new_id("bt-")
}

/// Returns a new id of a sweep: `sw-` and 12 hex digits.
pub fn sweep_id() -> String {
    new_id("sw-")
}

/// Returns a new id of a walk-forward: `wf-` and 12 hex digits.
pub fn walk_forward_id() -> String {
    new_id("wf-")
}

/// Returns a new name of a call.
pub fn claim() -> String {
    Uuid::new_v4().simple().to_string()
}

fn new_id(prefix: &str) -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(12);
    format!("{prefix}{id}")
}
