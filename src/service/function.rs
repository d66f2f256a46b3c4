//! Strategies whose signals a function of the caller computes: called from here, its answer checked, itself tested for
//! look-ahead.

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::market::{Bars, time};
use crate::request::{Fields, Input, Issues};
use crate::signals::{Bits, Signals};
use crate::store::BoxFuture;

use super::pool::{self, Length};

/// Where the problems of a function are.
pub(super) const PATH: &str = "strategy.generateSignals";

/// A copy of bars, one for each call, so that a function may do with it what it likes.
#[derive(Debug, Clone, PartialEq)]
pub struct Columns {
    /// Openings of the bars, UTC milliseconds.
    pub timestamps: Vec<f64>,
    /// Opening prices.
    pub open: Vec<f64>,
    /// Highest prices.
    pub high: Vec<f64>,
    /// Lowest prices.
    pub low: Vec<f64>,
    /// Closing prices.
    pub close: Vec<f64>,
    /// Traded volumes, where they are known.
    pub volume: Option<Vec<f64>>,
}

impl From<&Bars> for Columns {
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
    /// Calls the function with bars and parameters and returns its answer as it is, unchecked.
    ///
    /// Fails with `INVALID_ARGUMENT` where the function throws, and with `CLOSED` where its thread is gone.
    fn call(&self, bars: Columns, parameters: Map<String, Value>) -> BoxFuture<'_, Input>;
}

/// A function with the parameters of one run.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) function: Arc<dyn SignalFunction>,
    pub(super) parameters: Map<String, Value>,
}

impl Call {
    /// Returns the signals for bars.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` where the function throws, or its answer is not one 0 or 1 a bar for entries and for exits;
    /// `CLOSED`.
    pub(super) async fn signals(&self, bars: &Arc<Bars>) -> Result<Signals> {
        let columns = pool::run(Length::of(bars.len()), {
            let bars = Arc::clone(bars);
            move || Ok(Columns::from(&*bars))
        })
        .await?;
        let answer = self.function.call(columns, self.parameters.clone()).await?;
        read(&answer, bars)
    }
}

/// Checks the answer of a function.
fn read(answer: &Input, bars: &Bars) -> Result<Signals> {
    if !matches!(answer, Input::Record(_)) {
        let found = answer.describe();
        let message = format!("{PATH} must return an object with entries and exits, was {found}");
        return Err(Error::invalid(PATH, "type", message));
    }
    let mut issues = Issues::default();
    let mut fields = Fields::open(PATH, answer, &mut issues);
    let mut column = |name: &'static str, required: bool| {
        let found = fields.take(name).and_then(|input| {
            let path = fields.path(name);
            read_column(&path, input, bars, &mut issues)
        });
        if required && fields.take(name).is_none() {
            fields.missing(name, &mut issues);
        }
        found
    };
    let (entries, exits) = (column("entries", true), column("exits", true));
    let (short_entries, short_exits) = (column("shortEntries", false), column("shortExits", false));
    fields.finish(&mut issues);
    issues.into_result(Code::InvalidArgument)?;
    match (entries, exits) {
        (Some(entries), Some(exits)) => Ok(Signals { entries, exits, short_entries, short_exits }),
        _ => Err(Error::internal("a column of signals was neither read nor refused")),
    }
}

/// Reads one 0 or 1 (or boolean) a bar.
fn read_column(path: &str, input: &Input, bars: &Bars, issues: &mut Issues) -> Option<Bits> {
    let (length, bits, fault) = match input {
        Input::Bits(bits) | Input::Flags(bits) => (Some(bits.len()), Some(bits.clone()), None),
        Input::Bytes(bytes) => {
            let other = bytes.iter().enumerate().find(|(_, byte)| **byte > 1);
            let fault = other.map(|(bar, byte)| (bar, byte.to_string()));
            (Some(bytes.len()), Bits::from_bytes(bytes), fault)
        }
        Input::List(items) => {
            let other = items.iter().enumerate().find(|(_, item)| item_as_bit(item).is_none());
            let is_set = |bar| items.get(bar).and_then(item_as_bit) == Some(true);
            let fault = other.map(|(bar, item)| (bar, item.describe()));
            (Some(items.len()), Some(Bits::from_fn(items.len(), is_set)), fault)
        }
        Input::Mixed(mixed) => {
            (Some(mixed.length), None, Some((mixed.index, mixed.item.describe())))
        }
        _ => (None, None, None),
    };
    if length != Some(bars.len()) {
        let message = format!(
            "{path} must be a Uint8Array or an array of booleans with one value for each of the {} bars, was {}",
            bars.len(),
            input.describe()
        );
        issues.add(path, if length.is_some() { "length" } else { "type" }, message);
        return None;
    }
    if let Some((bar, found)) = fault {
        let place = format!("{path}[{bar}]");
        let message = format!(
            "{place} must be 0 or 1, was {found} (bar of {})",
            bars.timestamps()
                .get(bar)
                .map_or_else(String::new, |timestamp| time::short(*timestamp))
        );
        issues.add(place, "range", message);
        return None;
    }
    bits
}

fn item_as_bit(input: &Input) -> Option<bool> {
    match input {
        Input::Bool(value) => Some(*value),
        Input::Number(value) => as_bit(*value),
        _ => None,
    }
}

#[expect(clippy::float_cmp, reason = "nothing near 0 or 1 is meant")]
fn as_bit(value: f64) -> Option<bool> {
    if value == 0.0 { Some(false) } else { (value == 1.0).then_some(true) }
}
