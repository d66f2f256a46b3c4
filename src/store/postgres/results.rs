//! The results of runs as rows and compact columns.

use deadpool_postgres::Transaction;
use serde_json::{Map, Value};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::context::Context;
use super::json;
use crate::db::encoding::{
    damaged, decode_floats, decode_timestamps, encode_floats, encode_timestamps, timestamp_count,
};
use crate::db::postgres::{CopyWriter, Failure, SqlParameter};
use crate::error::Error;
use crate::portfolio::Trades;
use crate::simulation::ExitReason;
use crate::store::outcome_check::{check_outcome, float_columns};
use crate::store::record::{Outcome, Remarks, Summary};
use crate::store::result_parts::ResultParts;

type Result<T> = std::result::Result<T, Failure>;

/// Writes the outcome of a run.
pub(super) async fn insert(
    context: &Context,
    transaction: &Transaction<'_>,
    id: &str,
    outcome: &Outcome,
) -> Result<()> {
    check_outcome(outcome)?;
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
           notes, assumptions, outputs, timestamps, equity)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::jsonb, $14, $15::jsonb, $16::json,
           $17::json, $18::json, $19, $20)",
        context.schema
    );
    let values: [SqlParameter; 20] = [
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
        (&json::to_text(&metrics)?, Type::TEXT),
        (&json::key_order(&metrics), Type::TEXT_ARRAY),
        (&json::to_text(&summary.remarks.texts())?, Type::TEXT),
        (&json::to_optional_text(summary.remarks.notes())?, Type::TEXT),
        (&json::to_optional_text(summary.assumptions.as_ref())?, Type::TEXT),
        (&json::to_optional_text(summary.parts.names().as_ref())?, Type::TEXT),
        (&encode_timestamps(outcome.kept_timestamps())?, Type::BYTEA),
        (&encode_floats(&outcome.equity), Type::BYTEA),
    ];
    transaction.execute_typed(&sql, &values).await?;
    if !outcome.trades.is_empty() {
        insert_trades(context, transaction, id, outcome).await?;
    }
    Ok(())
}

async fn insert_trades(
    context: &Context,
    transaction: &Transaction<'_>,
    id: &str,
    outcome: &Outcome,
) -> Result<()> {
    let copy = format!(
        "COPY {}.backtest_trades (run_id, number, entry_date, exit_date, direction, status, entry_bar, exit_bar, quantity,
           entry_price, exit_price, entry_fees, exit_fees, pnl, pnl_percent, fees, exit_reason, max_adverse_excursion,
           max_favorable_excursion) FROM STDIN (FORMAT binary)",
        context.schema
    );
    let mut rows = CopyWriter::new(transaction.copy_in(&copy).await?);
    let trades = &outcome.trades;
    let date =
        |bar: u32| usize::try_from(bar).ok().and_then(|bar| outcome.timestamps.get(bar)).copied();
    let columns = float_columns(trades);
    for (at, (number, (entry, exit))) in
        (0_i32..).zip(trades.entry_bar.iter().zip(&trades.exit_bar)).enumerate()
    {
        let Some((entry_date, exit_date)) = date(*entry).zip(date(*exit)) else {
            return Err(Error::internal(format!("trade {number} is after the last bar")).into());
        };
        let is_closed = trades.status.get(at) == Some(&1);
        rows.row(19).await?;
        rows.text(id)?;
        rows.integer(number);
        rows.timestamp(entry_date);
        if is_closed {
            rows.timestamp(exit_date);
        } else {
            rows.null();
        }
        rows.text(if trades.direction.get(at) == Some(&1) { "short" } else { "long" })?;
        rows.text(if is_closed { "closed" } else { "open" })?;
        rows.integer(entry.cast_signed());
        rows.integer(exit.cast_signed());
        for column in columns {
            rows.float(column.get(at).copied().unwrap_or_default());
        }
        let fees = trades.entry_fees.get(at).zip(trades.exit_fees.get(at));
        rows.float(fees.map(|(entry, exit)| entry + exit).unwrap_or_default());
        let reason = trades.exit_reason.get(at).and_then(|code| ExitReason::of_code(*code));
        match reason {
            Some(reason) => rows.text(reason.as_str())?,
            None => rows.null(),
        }
        for column in [&trades.max_adverse_excursion, &trades.max_favorable_excursion] {
            match column.get(at) {
                Some(excursion) => rows.float(*excursion),
                None => rows.null(),
            }
        }
    }
    rows.finish().await?;
    Ok(())
}

/// Reads the outcome of a run whose summary was read.
pub(super) async fn outcome(
    context: &Context,
    transaction: &Transaction<'_>,
    id: &str,
    summary: Summary,
) -> Result<Outcome> {
    let sql = format!(
        "SELECT timestamps, equity FROM {}.backtest_results WHERE run_id = $1",
        context.schema
    );
    let row = transaction.query_typed_one(&sql, &[(&id, Type::TEXT)]).await?;
    let (times, curve): (&[u8], &[u8]) = (row.try_get(0)?, row.try_get(1)?);
    let (mut timestamps, mut equity) = (Vec::new(), Vec::new());
    let bars =
        timestamp_count(times).ok_or_else(|| damaged("a column of timestamps has no header"))?;
    if summary.parts.equity {
        decode_floats(&mut equity, curve, bars)?;
    }
    decode_timestamps(&mut timestamps, times, bars)?;
    Ok(Outcome {
        summary,
        trades: trades(context, transaction, id).await?,
        timestamps: timestamps.into(),
        equity,
    })
}

/// Reads the summary from the columns of a row that start at `offset`.
pub(super) fn summary(row: &Row, offset: usize) -> Result<Summary> {
    let metrics = json::to_map(row.try_get(offset + 2)?, row.try_get(offset + 3)?)?;
    let remarks = match row.try_get::<_, Option<&str>>(offset + 5)? {
        Some(notes) => Remarks::Notes(json::from_text(notes)?),
        None => Remarks::Texts(json::from_text(row.try_get(offset + 4)?)?),
    };
    let assumptions: Option<&str> = row.try_get(offset + 6)?;
    Ok(Summary {
        final_capital: row.try_get(offset)?,
        total_return: row.try_get(offset + 1)?,
        metrics: metrics.into_iter().map(|(name, value)| (name.into(), value.as_f64())).collect(),
        remarks,
        assumptions: assumptions.map(json::from_text).transpose()?,
        parts: match row.try_get::<_, Option<&str>>(offset + 7)? {
            Some(names) => ResultParts::named(
                json::from_text::<Vec<String>>(names)?.iter().map(String::as_str),
            ),
            None => ResultParts::ALL,
        },
    })
}

async fn trades(context: &Context, transaction: &Transaction<'_>, id: &str) -> Result<Trades> {
    let sql = format!(
        "SELECT entry_bar, exit_bar, direction = 'short', status = 'closed', quantity, entry_price, exit_price, entry_fees,
           exit_fees, pnl, pnl_percent, exit_reason, max_adverse_excursion, max_favorable_excursion
         FROM {}.backtest_trades WHERE run_id = $1 ORDER BY number",
        context.schema
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
        let reason = row.try_get::<_, Option<&str>>(11)?.and_then(ExitReason::parse);
        trades.push_details(reason, row.try_get(12)?, row.try_get(13)?);
    }
    Ok(trades)
}
