//! The results of runs as rows and blobs.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};
use serde_json::{Map, Value};

use super::json;
use crate::db::encoding::{
    damaged, decode_floats, decode_timestamps, encode_floats, encode_timestamps, timestamp_count,
};
use crate::db::sqlite::Failure;
use crate::error::Error;
use crate::portfolio::Trades;
use crate::simulation::ExitReason;
use crate::store::outcome_check::check_outcome;
use crate::store::record::{Outcome, Remarks, Summary};
use crate::store::result_parts::ResultParts;

type Result<T> = std::result::Result<T, Failure>;

/// Writes the outcome of a run.
pub fn insert(transaction: &Transaction, id: &str, outcome: &Outcome) -> Result<()> {
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
    let sql = "
        INSERT INTO backtest_results (run_id, final_capital, total_return, sharpe_ratio, max_drawdown, win_rate,
          total_trades, winning_trades, losing_trades, avg_win, avg_loss, profit_factor, metrics, warnings, notes, assumptions, outputs,
          timestamps, equity)
        VALUES (:run_id, :final_capital, :total_return, :sharpe_ratio, :max_drawdown, :win_rate,
          :total_trades, :winning_trades, :losing_trades, :avg_win, :avg_loss, :profit_factor, :metrics, :warnings, :notes, :assumptions, :outputs,
          :timestamps, :equity)";
    transaction.prepare_cached(sql)?.execute(named_params! {
        ":run_id": id,
        ":final_capital": summary.final_capital,
        ":total_return": summary.total_return,
        ":sharpe_ratio": metric("sharpeRatio"),
        ":max_drawdown": metric("maxDrawdown"),
        ":win_rate": metric("winRate"),
        ":total_trades": count("totalTrades"),
        ":winning_trades": count("winningTrades"),
        ":losing_trades": count("losingTrades"),
        ":avg_win": metric("avgWin"),
        ":avg_loss": metric("avgLoss"),
        ":profit_factor": metric("profitFactor"),
        ":metrics": json::to_text(&metrics)?,
        ":warnings": json::to_text(&summary.remarks.texts())?,
        ":notes": json::to_optional_text(summary.remarks.notes())?,
        ":assumptions": json::to_optional_text(summary.assumptions.as_ref())?,
        ":outputs": json::to_optional_text(summary.parts.names().as_ref())?,
        ":timestamps": encode_timestamps(outcome.kept_timestamps())?,
        ":equity": encode_floats(&outcome.equity),
    })?;
    insert_trades(transaction, id, outcome)
}

fn insert_trades(transaction: &Transaction, id: &str, outcome: &Outcome) -> Result<()> {
    let sql = "
        INSERT INTO backtest_trades (run_id, number, entry_date, exit_date, direction, entry_price, exit_price, quantity, pnl,
          pnl_percent, fees, status, entry_bar, exit_bar, entry_fees, exit_fees, exit_reason, max_adverse_excursion,
          max_favorable_excursion)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
    let mut statement = transaction.prepare_cached(sql)?;
    for number in 0..outcome.trades.len() {
        let trade = Trade::at(&outcome.trades, number).ok_or_else(|| {
            Error::internal(format!("the columns of the trades differ in length at trade {number}"))
        })?;
        let date = |bar: u32| {
            let date =
                usize::try_from(bar).ok().and_then(|bar| outcome.timestamps.get(bar)).copied();
            date.ok_or_else(|| {
                Error::internal(format!("trade {number} is at bar {bar}, after the last one"))
            })
        };
        let exit_date = if trade.is_closed { Some(date(trade.exit_bar)?) } else { None };
        statement.execute(params![
            id,
            i64::try_from(number).unwrap_or(i64::MAX),
            date(trade.entry_bar)?,
            exit_date,
            if trade.is_short { "short" } else { "long" },
            trade.entry_price,
            trade.exit_price,
            trade.size,
            trade.pnl,
            trade.pnl_percent,
            trade.entry_fees + trade.exit_fees,
            if trade.is_closed { "closed" } else { "open" },
            trade.entry_bar,
            trade.exit_bar,
            trade.entry_fees,
            trade.exit_fees,
            trade.exit_reason.map(ExitReason::as_str),
            trade.max_adverse_excursion,
            trade.max_favorable_excursion,
        ])?;
    }
    Ok(())
}

/// One row of the columns of trades.
#[derive(Debug)]
struct Trade {
    entry_bar: u32,
    exit_bar: u32,
    is_short: bool,
    is_closed: bool,
    size: f64,
    entry_price: f64,
    exit_price: f64,
    entry_fees: f64,
    exit_fees: f64,
    pnl: f64,
    pnl_percent: f64,
    exit_reason: Option<ExitReason>,
    max_adverse_excursion: Option<f64>,
    max_favorable_excursion: Option<f64>,
}

impl Trade {
    /// Returns `None` if a column is too short.
    fn at(trades: &Trades, number: usize) -> Option<Self> {
        Some(Self {
            entry_bar: *trades.entry_bar.get(number)?,
            exit_bar: *trades.exit_bar.get(number)?,
            is_short: *trades.direction.get(number)? == 1,
            is_closed: *trades.status.get(number)? == 1,
            size: *trades.size.get(number)?,
            entry_price: *trades.entry_price.get(number)?,
            exit_price: *trades.exit_price.get(number)?,
            entry_fees: *trades.entry_fees.get(number)?,
            exit_fees: *trades.exit_fees.get(number)?,
            pnl: *trades.pnl.get(number)?,
            pnl_percent: *trades.pnl_percent.get(number)?,
            exit_reason: trades.exit_reason.get(number).and_then(|code| ExitReason::of_code(*code)),
            max_adverse_excursion: trades.max_adverse_excursion.get(number).copied(),
            max_favorable_excursion: trades.max_favorable_excursion.get(number).copied(),
        })
    }
}

/// Reads the outcome of a run; `None` if it has none.
pub fn outcome(connection: &Connection, id: &str) -> Result<Option<Outcome>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM backtest_results WHERE run_id = ?1")?;
    let read = |row: &Row| {
        Ok((|| -> Result<Outcome> {
            let (mut timestamps, mut equity) = (Vec::new(), Vec::new());
            let curve = row.get_ref("equity")?.as_blob().map_err(rusqlite::Error::from)?;
            let times = row.get_ref("timestamps")?.as_blob().map_err(rusqlite::Error::from)?;
            let bars = timestamp_count(times)
                .ok_or_else(|| damaged("a column of timestamps has no header"))?;
            let summary = summary(row)?;
            if summary.parts.equity {
                decode_floats(&mut equity, curve, bars)?;
            }
            decode_timestamps(&mut timestamps, times, bars)?;
            Ok(Outcome {
                summary,
                trades: Trades::default(),
                timestamps: timestamps.into(),
                equity,
            })
        })())
    };
    let Some(outcome) = statement.query_row([id], read).optional()? else { return Ok(None) };
    let mut outcome = outcome?;
    outcome.trades = trades(connection, id)?;
    Ok(Some(outcome))
}

/// Reads the summary from the columns of a row.
pub fn summary(row: &Row) -> Result<Summary> {
    let metrics = json::to_map(row.get_ref("metrics")?.as_str().map_err(rusqlite::Error::from)?)?;
    let text = |column| row.get::<_, Option<String>>(column);
    let remarks = match text("notes")? {
        Some(notes) => Remarks::Notes(json::from_text(&notes)?),
        None => Remarks::Texts(json::from_text(&row.get::<_, String>("warnings")?)?),
    };
    Ok(Summary {
        final_capital: row.get("final_capital")?,
        total_return: row.get("total_return")?,
        metrics: metrics.into_iter().map(|(name, value)| (name.into(), value.as_f64())).collect(),
        remarks,
        assumptions: text("assumptions")?.map(|text| json::from_text(&text)).transpose()?,
        parts: match text("outputs")? {
            Some(names) => {
                let names: Vec<String> = json::from_text(&names)?;
                ResultParts::named(names.iter().map(String::as_str))
            }
            None => ResultParts::ALL,
        },
    })
}

fn trades(connection: &Connection, id: &str) -> Result<Trades> {
    let sql = "
        SELECT entry_bar, exit_bar, direction = 'short', status = 'closed', quantity, entry_price, exit_price, entry_fees,
          exit_fees, pnl, pnl_percent, exit_reason, max_adverse_excursion, max_favorable_excursion
        FROM backtest_trades WHERE run_id = ?1 ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    let mut trades = Trades::default();
    while let Some(row) = rows.next()? {
        trades.entry_bar.push(row.get(0)?);
        trades.exit_bar.push(row.get(1)?);
        trades.direction.push(row.get(2)?);
        trades.status.push(row.get(3)?);
        trades.size.push(row.get(4)?);
        trades.entry_price.push(row.get(5)?);
        trades.exit_price.push(row.get(6)?);
        trades.entry_fees.push(row.get(7)?);
        trades.exit_fees.push(row.get(8)?);
        trades.pnl.push(row.get(9)?);
        trades.pnl_percent.push(row.get(10)?);
        let reason = row.get_ref(11)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        trades.push_details(reason.and_then(ExitReason::parse), row.get(12)?, row.get(13)?);
    }
    Ok(trades)
}
