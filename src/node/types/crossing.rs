//! Results on their way to JavaScript: one text, and columns of numbers.

use serde::{Serialize, Serializer};

use super::results::{BacktestResult, JsSimulationResult, OrderColumns, TradeColumns};
use crate::compute::prefetch::{PREFETCH_DISTANCE, prefetch_at};
use crate::metrics::METRICS;
use crate::portfolio::Trades;
use crate::store::record::MetricValues;

/// What crosses to JavaScript as text: parsing it there takes a fraction of the time of setting property after property.
/// BarColumns cross beside it and have their places in it.
fn text(result: &impl Serialize) -> crate::Result<String> {
    serde_json::to_string(result)
        .map_err(|failure| crate::Error::internal(format!("a result without a text: {failure}")))
}

/// Writes the place of a column.
pub(super) fn place<T, S: Serializer>(_: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_unit()
}

/// Writes metrics as an object.
pub(super) fn by_name<S: Serializer>(
    metrics: &MetricValues,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(metrics.iter().map(|(name, value)| (name, value)))
}

/// The result of a backtest on its way: text, and columns of numbers.
pub struct CrossingResult {
    /// All that is in no column, as JSON.
    pub text: String,
    /// The columns.
    pub columns: ResultColumns,
}

/// The columns of a backtest on their way.
pub enum ResultColumns {
    /// All in one block: every metric, NaN where it has no value, the trades, the openings of the bars and equity; and how
    /// many bars there are.
    Packed(Vec<f64>, u32),
    /// Trades, openings of the bars and equity, each by itself; the metrics are in the text.
    Whole(Vec<f64>, Vec<f64>, Vec<f64>),
}

impl BacktestResult {
    /// Prepares the result for its way.
    ///
    /// # Errors
    /// None but a defect.
    pub fn cross(mut self) -> crate::Result<CrossingResult> {
        let bars = self.equity_curve.len();
        let numbers = METRICS.len() + self.trades.len() + 2 * bars;
        // A run that another version kept may have other metrics, and one that did not end has none.
        let named = self.metrics.iter().map(|(name, _)| &**name);
        if numbers > FEW_NUMBERS || !named.eq(METRICS.iter().map(|metric| metric.name)) {
            let text = text(&self)?;
            let Self { trades, timestamps, equity_curve, .. } = self;
            let columns = ResultColumns::Whole(trades, timestamps, equity_curve);
            return Ok(CrossingResult { text, columns });
        }
        let metrics = std::mem::take(&mut self.metrics);
        let text = text(&self)?;
        let mut packed = Vec::with_capacity(numbers);
        packed.extend(metrics.iter().map(|(_, value)| value.unwrap_or(f64::NAN)));
        for column in [&self.trades, &self.timestamps, &self.equity_curve] {
            packed.extend_from_slice(column);
        }
        let columns = ResultColumns::Packed(packed, u32::try_from(bars).unwrap_or_default());
        Ok(CrossingResult { text, columns })
    }
}

/// Returns the names of the metrics, in the order in which they are packed.
pub fn metric_names() -> Vec<&'static str> {
    METRICS.iter().map(|metric| metric.name).collect()
}

/// Packs trades for `complete` of `runtime.js`, which makes objects of them: 10 columns, in the order that is read there.
pub(super) fn trade_columns(trades: &Trades, timestamps: &[i64]) -> Vec<f64> {
    let mut packed = Vec::with_capacity(trades.len() * 10);
    #[expect(clippy::cast_precision_loss, reason = "timestamps of a Date are below 2^53")]
    let timestamp =
        |bar: &u32| timestamps.get(*bar as usize).map_or(0.0, |&timestamp| timestamp as f64);
    for bars in [&trades.entry_bar, &trades.exit_bar] {
        packed.extend(bars.iter().enumerate().map(|(trade, bar)| {
            if let Some(&later) = bars.get(trade + PREFETCH_DISTANCE) {
                prefetch_at(timestamps, later as usize);
            }
            timestamp(bar)
        }));
    }
    packed.extend(trades.direction.iter().copied().map(f64::from));
    packed.extend(trades.status.iter().copied().map(f64::from));
    for column in
        [&trades.entry_price, &trades.exit_price, &trades.size, &trades.pnl, &trades.pnl_percent]
    {
        packed.extend_from_slice(column);
    }
    packed
        .extend(trades.entry_fees.iter().zip(&trades.exit_fees).map(|(entry, exit)| entry + exit));
    packed
}

/// BarColumns of up to so many numbers cross in one block and are copied out of it: a block of its own for each takes longer.
const FEW_NUMBERS: usize = 16_384;

/// The columns of a simulation on their way.
pub enum CrossingColumns {
    /// All in one block, the orders', the trades' and equity; and how many orders and trades there are.
    Packed(Vec<f64>, u32, u32),
    /// Each by itself.
    Whole(Box<(OrderColumns, TradeColumns, Vec<f64>)>),
}

impl JsSimulationResult {
    /// Prepares the result for its way: its text and its columns.
    ///
    /// # Errors
    /// None but a defect.
    pub fn cross(self) -> crate::Result<(String, CrossingColumns)> {
        let text = text(&self)?;
        let Self { orders, trades, equity_curve, .. } = self;
        let numbers = orders.len() * 5 + trades.len() * 11 + equity_curve.len();
        if numbers > FEW_NUMBERS {
            let whole = (orders.into(), trades.into(), equity_curve);
            return Ok((text, CrossingColumns::Whole(Box::new(whole))));
        }
        let mut packed = Vec::with_capacity(numbers);
        packed.extend(orders.bar.iter().copied().map(f64::from));
        packed.extend(orders.side.iter().copied().map(f64::from));
        for column in [&orders.size, &orders.price, &orders.fees] {
            packed.extend_from_slice(column);
        }
        packed.extend(trades.entry_bar.iter().copied().map(f64::from));
        packed.extend(trades.exit_bar.iter().copied().map(f64::from));
        packed.extend(trades.direction.iter().copied().map(f64::from));
        packed.extend(trades.status.iter().copied().map(f64::from));
        for column in [
            &trades.size,
            &trades.entry_price,
            &trades.exit_price,
            &trades.entry_fees,
            &trades.exit_fees,
            &trades.pnl,
            &trades.pnl_percent,
            &equity_curve,
        ] {
            packed.extend_from_slice(column);
        }
        let count = |length: usize| u32::try_from(length).unwrap_or_default();
        let (orders, trades) = (count(orders.len()), count(trades.len()));
        Ok((text, CrossingColumns::Packed(packed, orders, trades)))
    }
}
