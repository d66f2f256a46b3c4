//! How many rows an input may have.

use crate::error::{Code, Error, Result};

/// The most rows of an input, and what to say where it has more.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// The most rows.
    pub rows: u64,
    /// What has the rows, and what they are called: `the run`, `bars`.
    pub subject: (&'static str, &'static str),
    /// The setting, as in JavaScript and as in the environment: `maxDataPoints`, `MAX_DATA_POINTS`.
    pub setting: (&'static str, &'static str),
}

impl Limit {
    /// Creates the limit on the bars of a run.
    pub fn of_run(rows: u64) -> Self {
        Self { rows, subject: ("the run", "bars"), setting: ("maxDataPoints", "MAX_DATA_POINTS") }
    }

    /// Creates the limit on the rows of an import.
    pub fn of_import(rows: u64) -> Self {
        Self {
            rows,
            subject: ("the import", "rows"),
            setting: ("maxImportRows", "MAX_IMPORT_ROWS"),
        }
    }

    /// Checks a number of rows before memory is made for them.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED`.
    pub fn check(&self, rows: u64) -> Result<()> {
        if rows <= self.rows {
            return Ok(());
        }
        let ((subject, unit), (setting, variable)) = (self.subject, self.setting);
        let limit = self.rows;
        let message = format!(
            "{subject} has more than {limit} {unit}, the limit {setting} ({variable}) is {limit}"
        );
        Err(Error::new(Code::LimitExceeded, message))
    }
}
