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
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(12);
    format!("bt-{id}")
}
