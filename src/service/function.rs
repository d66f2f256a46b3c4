//! Strategies whose signals a function of the caller computes. The function is called here, and its result is checked.

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::future::BoxFuture;
use crate::market::{Bars, time};
use crate::request::{Fields, Input, Issues};
use crate::signals::{Bits, Signals};

use super::pool::{self, JobLength};
use super::signal_input::{EXPECTED, SignalColumn, way_out};

/// The path of a function in issues.
pub(super) const PATH: &str = "strategy.generateSignals";

/// A copy of bars for one call, which the function may modify.
#[derive(Debug, Clone, PartialEq)]
pub struct BarColumns {
    /// Opening times of the bars, UTC milliseconds.
    pub timestamps: Vec<f64>,
    /// Opening prices.
    pub open: Vec<f64>,
    /// Highest prices.
    pub high: Vec<f64>,
    /// Lowest prices.
    pub low: Vec<f64>,
    /// Closing prices.
    pub close: Vec<f64>,
    /// Traded volumes, if known; NaN for a bar without volume.
    pub volume: Option<Vec<f64>>,
}

impl From<&Bars> for BarColumns {
    fn from(bars: &Bars) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "timestamps are within ±8.64e15 ms")]
        let timestamps = bars.timestamps().iter().map(|timestamp| *timestamp as f64).collect();
        Self {
            timestamps,
            open: bars.open().to_vec(),
            high: bars.high().to_vec(),
            low: bars.low().to_vec(),
            close: bars.close().to_vec(),
            volume: bars.volume().map(|volume| volume.to_vec()),
        }
    }
}

/// A function of the caller that computes signals from bars.
pub trait SignalFunction: Send + Sync + Debug {
    /// Calls the function with bars and parameters and returns its unchecked result.
    ///
    /// Fails with `INVALID_ARGUMENT` if the function throws, and with `CLOSED` if its thread has ended.
    fn call(&self, bars: BarColumns, parameters: Map<String, Value>) -> BoxFuture<'_, Input>;
}

/// A function with the parameters of one run.
#[derive(Debug, Clone)]
pub(super) struct BoundFunction {
    pub(super) function: Arc<dyn SignalFunction>,
    pub(super) parameters: Map<String, Value>,
}

impl BoundFunction {
    /// Returns the signals for bars.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the function throws, or does not return one 0 or 1 per bar for entries and for exits;
    /// `CLOSED`.
    pub(super) async fn signals(&self, bars: &Arc<Bars>) -> Result<Signals> {
        let columns = pool::run(JobLength::of(bars.len()), {
            let bars = Arc::clone(bars);
            move || Ok(BarColumns::from(&*bars))
        })
        .await?;
        let result = self.function.call(columns, self.parameters.clone()).await?;
        read(&result, bars)
    }
}

/// Reads and checks the result of a function.
fn read(result: &Input, bars: &Bars) -> Result<Signals> {
    if !matches!(result, Input::Record(_)) {
        let found = result.describe();
        let message = format!("{PATH} must return an object with entries and exits, was {found}");
        return Err(Error::invalid(PATH, "type", message));
    }
    let mut issues = Issues::default();
    let mut fields = Fields::open(PATH, result, &mut issues);
    let mut column = |name: &'static str, required: bool| {
        let Some(input) = fields.take(name) else {
            if required {
                fields.missing(name, &mut issues);
            }
            return None;
        };
        read_column(&fields.path(name), input, bars, &mut issues)
    };
    let (entries, exits) = (column("entries", true), column("exits", true));
    let (short_entries, short_exits) = (column("shortEntries", false), column("shortExits", false));
    fields.finish(&mut issues);
    issues.into_result(Code::InvalidArgument)?;
    match (entries, exits) {
        (Some(entries), Some(exits)) => Ok(Signals { entries, exits, short_entries, short_exits }),
        _ => Err(Error::internal("a column of signals was neither read nor rejected")),
    }
}

/// Reads one 0 or 1 (or boolean) per bar.
fn read_column(path: &str, input: &Input, bars: &Bars, issues: &mut Issues) -> Option<Bits> {
    let each = match bars.len() {
        1 => "the only bar".to_owned(),
        count => format!("each of the {count} bars"),
    };
    let Some(column) = SignalColumn::read(input) else {
        let message = format!(
            "{path} must be {EXPECTED} with one value for {each}, was {}{}",
            input.describe(),
            way_out(input)
        );
        issues.add(path, "type", message);
        return None;
    };
    if column.length != bars.len() {
        let message = format!("{path} must have one value for {each}, has {}", column.length);
        issues.add(path, "length", message);
        return None;
    }
    if let Some((bar, found)) = &column.invalid {
        let path = format!("{path}[{bar}]");
        let date = bars.timestamps().get(*bar).map_or_else(String::new, |at| time::short(*at));
        let message = format!("{path} must be 0 or 1, was {found} (bar of {date})");
        issues.add(path, "range", message);
        return None;
    }
    column.bits.clone()
}
