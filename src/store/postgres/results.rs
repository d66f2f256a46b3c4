//! What came out of runs, as rows and compact columns.

use deadpool_postgres::Transaction;
use serde_json::{Map, Value};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::Shared;
use super::copy::Rows;
use super::failure::Failure;
use super::runs::{self, Parameter};
use crate::error::Error;
use crate::portfolio::Trades;
use crate::store::sqlite::blob::{self, damaged};
use crate::store::{Outcome, Summary};

type Done<T> = Result<T, Failure>;

/// Keeps the outcome of a run.
pub async fn insert(
    shared: &Shared,
    transaction: &Transaction<'_>,
    id: &str,
    outcome: &Outcome,
) -> Done<()> {
    check(outcome)?;
    let summary = &outcome.summary;
    let metric = |name: &str| {
        summary.metrics.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value)
    };
    #[expect(clippy::cast_possible_truncation, reason = "counts of trades")]
    let count = |name: &str| metric(name).map(|value| value as i64);
    let metrics: Map<String, Value> = summary
        .metrics
        .iter()
        .map(|(name, value)| (name.to_string(), value.map_or(Value::Null, Value::from)))
        .collect();
    let sql = format!(
        "INSERT INTO {}.backtest_results (run_id, final_capital, total_return, sharpe_ratio, max_drawdown, win_rate,
           total_trades, winning_trades, losing_trades, avg_win, avg_loss, profit_factor, metrics, metric_order, warnings,
           timestamps, equity)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb, $14, $15::jsonb, $16, $17)",
        shared.schema
    );
    let values: [Parameter; 17] = [
        (&id, Type::TEXT),
        (&summary.final_capital, Type::FLOAT8),
        (&summary.total_return, Type::FLOAT8),
        (&metric("sharpeRatio"), Type::FLOAT8),
        (&metric("maxDrawdown"), Type::FLOAT8),
        (&metric("winRate"), Type::FLOAT8),
        (&count("totalTrades"), Type::INT8),
        (&count("winningTrades"), Type::INT8),
        (&count("losingTrades"), Type::INT8),
        (&metric("avgWin"), Type::FLOAT8),
        (&metric("avgLoss"), Type::FLOAT8),
        (&metric("profitFactor"), Type::FLOAT8),
        (&runs::json(&metrics)?, Type::TEXT),
        (&runs::order(&metrics), Type::TEXT_ARRAY),
        (&runs::json(&summary.warnings)?, Type::TEXT),
        (&blob::from_times(&outcome.timestamps)?, Type::BYTEA),
        (&blob::from_floats(&outcome.equity), Type::BYTEA),
    ];
    transaction.execute_typed(&sql, &values).await?;
    if !outcome.trades.is_empty() {
        insert_trades(shared, transaction, id, outcome).await?;
    }
    Ok(())
}

/// Refuses what no simulation can have made, before anything is written.
fn check(outcome: &Outcome) -> Result<(), Error> {
    let (trades, bars) = (&outcome.trades, outcome.timestamps.len());
    if bars != outcome.equity.len() {
        return Err(Error::internal("an equity curve must have one value a bar"));
    }
    let columns = numbers(trades);
    let lengths = [trades.exit_bar.len(), trades.direction.len(), trades.status.len()];
    if lengths
        .into_iter()
        .chain(columns.iter().map(|column| column.len()))
        .any(|len| len != trades.len())
    {
        return Err(Error::internal("the columns of the trades differ in length"));
    }
    let beyond = |bar: &u32| {
        usize::try_from(*bar).is_ok_and(|bar| bar >= bars) || i32::try_from(*bar).is_err()
    };
    if let Some(bar) = trades.entry_bar.iter().chain(&trades.exit_bar).find(|bar| beyond(bar)) {
        return Err(Error::internal(format!("a trade is at bar {bar}, beyond the last")));
    }
    let summary = [outcome.summary.final_capital, outcome.summary.total_return];
    let mut all = summary.iter().chain(&outcome.equity).chain(columns.into_iter().flatten());
    if all.all(|value| value.is_finite()) {
        Ok(())
    } else {
        Err(Error::internal("results that are not finite numbers cannot be kept"))
    }
}

fn numbers(trades: &Trades) -> [&Vec<f64>; 7] {
    [
        &trades.size,
        &trades.entry_price,
        &trades.exit_price,
        &trades.entry_fees,
        &trades.exit_fees,
        &trades.pnl,
        &trades.pnl_percent,
    ]
}

async fn insert_trades(
    shared: &Shared,
    transaction: &Transaction<'_>,
    id: &str,
    outcome: &Outcome,
) -> Done<()> {
    let copy = format!(
        "COPY {}.backtest_trades (run_id, number, entry_date, exit_date, direction, status, entry_bar, exit_bar, quantity,
           entry_price, exit_price, entry_fees, exit_fees, pnl, pnl_percent, fees) FROM STDIN (FORMAT binary)",
        shared.schema
    );
    let mut rows = Rows::new(transaction.copy_in(&copy).await?);
    let trades = &outcome.trades;
    let date =
        |bar: u32| usize::try_from(bar).ok().and_then(|bar| outcome.timestamps.get(bar)).copied();
    let columns = numbers(trades);
    for (at, (number, (entry, exit))) in
        (0_i32..).zip(trades.entry_bar.iter().zip(&trades.exit_bar)).enumerate()
    {
        let Some((entry_date, exit_date)) = date(*entry).zip(date(*exit)) else {
            return Err(Error::internal(format!("trade {number} is beyond the last bar")).into());
        };
        let closed = trades.status.get(at) == Some(&1);
        rows.row(16).await?;
        rows.text(id)?;
        rows.integer(number);
        rows.moment(entry_date);
        if closed {
            rows.moment(exit_date);
        } else {
            rows.null();
        }
        rows.text(if trades.direction.get(at) == Some(&1) { "short" } else { "long" })?;
        rows.text(if closed { "closed" } else { "open" })?;
        rows.integer(entry.cast_signed());
        rows.integer(exit.cast_signed());
        for column in columns {
            rows.float(column.get(at).copied().unwrap_or_default());
        }
        let fees = trades.entry_fees.get(at).zip(trades.exit_fees.get(at));
        rows.float(fees.map(|(entry, exit)| entry + exit).unwrap_or_default());
    }
    rows.finish().await?;
    Ok(())
}

/// Reads the outcome of a run, whose summary is known.
pub async fn outcome(
    shared: &Shared,
    transaction: &Transaction<'_>,
    id: &str,
    summary: Summary,
) -> Done<Outcome> {
    let sql = format!(
        "SELECT timestamps, equity FROM {}.backtest_results WHERE run_id = $1",
        shared.schema
    );
    let row = transaction.query_typed_one(&sql, &[(&id, Type::TEXT)]).await?;
    let (times, curve): (&[u8], &[u8]) = (row.try_get(0)?, row.try_get(1)?);
    let (mut timestamps, mut equity) = (Vec::new(), Vec::new());
    let bars =
        blob::count_times(times).ok_or_else(|| damaged("a column of times without its head"))?;
    blob::extend_floats(&mut equity, curve, bars)?;
    blob::extend_times(&mut timestamps, times, bars)?;
    Ok(Outcome {
        summary,
        trades: trades(shared, transaction, id).await?,
        timestamps: timestamps.into(),
        equity,
    })
}

/// Reads the summary from a row that has its columns from one position on.
pub fn summary(row: &Row, at: usize) -> Done<Summary> {
    let metrics = runs::map(row.try_get(at + 2)?, row.try_get(at + 3)?)?;
    Ok(Summary {
        final_capital: row.try_get(at)?,
        total_return: row.try_get(at + 1)?,
        metrics: metrics.into_iter().map(|(name, value)| (name.into(), value.as_f64())).collect(),
        warnings: serde_json::from_str(row.try_get(at + 4)?)
            .map_err(|error| damaged(format!("broken JSON: {error}")))?,
    })
}

async fn trades(shared: &Shared, transaction: &Transaction<'_>, id: &str) -> Done<Trades> {
    let sql = format!(
        "SELECT entry_bar, exit_bar, direction = 'short', status = 'closed', quantity, entry_price, exit_price, entry_fees,
           exit_fees, pnl, pnl_percent
         FROM {}.backtest_trades WHERE run_id = $1 ORDER BY number",
        shared.schema
    );
    let mut trades = Trades::default();
    for row in transaction.query_typed(&sql, &[(&id, Type::TEXT)]).await? {
        trades.entry_bar.push(row.try_get::<_, i32>(0)?.cast_unsigned());
        trades.exit_bar.push(row.try_get::<_, i32>(1)?.cast_unsigned());
        trades.direction.push(row.try_get::<_, bool>(2)?.into());
        trades.status.push(row.try_get::<_, bool>(3)?.into());
        trades.size.push(row.try_get(4)?);
        trades.entry_price.push(row.try_get(5)?);
        trades.exit_price.push(row.try_get(6)?);
        trades.entry_fees.push(row.try_get(7)?);
        trades.exit_fees.push(row.try_get(8)?);
        trades.pnl.push(row.try_get(9)?);
        trades.pnl_percent.push(row.try_get(10)?);
    }
    Ok(trades)
}
