//! Limits on the number of rows of an input.

use crate::error::{Code, Error, Result};

/// The most rows that an input may have, with the words for the error if it has more.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// The most rows.
    pub rows: u64,
    /// The subject of the message and its unit: `the run`, `bars`.
    pub subject: (&'static str, &'static str),
    /// The setting by its names in JavaScript and in the environment: `maxDataPoints`, `MAX_DATA_POINTS`.
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

    /// Checks a number of rows before memory is allocated for them.
    ///
    /// # Errors
    /// `LIMIT_EXCEEDED` if it is above the limit.
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
