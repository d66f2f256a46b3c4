//! Reads a stored sweep, whole or a page of it.

use std::ops::Range;

use crate::compute::reserve;
use crate::error::{Code, Error, Result, known_names, nearest};
use crate::quote::quoted;
use crate::request::{self, Fields, Input, Issues};
use crate::store::{Store, Sweep, SweepDetails};
use crate::sweep::filter::{Filter, FilterColumn};

use super::cancellation::Cancellation;
use super::engine::Engine;
use super::id_argument;
use super::stored_sweep::{ChunkReader, OBJECTIVE, StoredRequest};
use super::sweep_result::{SweepPart, SweepResult, SweepSummary};

/// More combinations than any sweep has.
const MAX_COMBINATIONS: f64 = 1e15;

/// A page of a sweep.
#[derive(Debug, Default)]
struct Page {
    /// The first combination.
    from: Option<u64>,
    /// The combination after the last one.
    to: Option<u64>,
    /// The metrics to read; `None` for all that are kept.
    metrics: Option<Vec<String>>,
    /// Which combinations to return.
    condition: Option<String>,
}

impl Engine {
    /// Returns a sweep, or the combinations of a page as far as they are kept; `None` if no sweep has the id.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, also for metrics that the sweep does not keep; `LIMIT_EXCEEDED` if the page does not fit into
    /// memory; `STORAGE`, `CLOSED`.
    pub async fn get_sweep(&self, id: &Input, page: &Input) -> Result<Option<SweepResult>> {
        let _call = self.start_call(&Cancellation::default())?;
        let id = id_argument::read("sweepId", id)?;
        let page = read_page(page)?;
        let store = &self.backends().await?.store;
        let Some((sweep, details)) = store.sweep(&id).await? else { return Ok(None) };
        let stored = StoredRequest::of(&sweep, &details)?;
        let metrics = match page.metrics {
            Some(names) => kept_metrics(&sweep, &stored, names)?,
            None => stored.metrics.clone(),
        };
        let condition = page.condition.map(|text| Condition::parse(&text, &stored)).transpose()?;
        let range = page.from.unwrap_or(0)..page.to.unwrap_or(u64::MAX).min(sweep.done);
        let part = read_part(&**store, &sweep, &stored, range, &metrics, condition).await?;
        Ok(Some(with_part(sweep, details, part)?))
    }
}

/// Returns a result with some rows.
///
/// # Errors
/// `STORAGE` if the summary of the sweep is damaged.
pub(super) fn with_part(
    sweep: Sweep,
    details: SweepDetails,
    part: SweepPart,
) -> Result<SweepResult> {
    let summary = match details.summary {
        Some(summary) => serde_json::from_value(summary).map_err(|error| {
            Error::storage(format!("the summary of sweep {} is damaged: {error}", sweep.id))
        })?,
        None => SweepSummary::default(),
    };
    let timeframes = sweep.timeframes.iter().map(|timeframe| timeframe.as_str().to_owned());
    Ok(SweepResult {
        sweep_id: sweep.id,
        status: sweep.status,
        strategy_id: sweep.strategy_id,
        strategy_source: sweep.strategy_source,
        objective_text: sweep.objective,
        timeframes: timeframes.collect(),
        asset_symbols: sweep.asset_symbols,
        start: sweep.start,
        end: sweep.end,
        combinations: usize::try_from(sweep.combinations).unwrap_or(usize::MAX),
        done: usize::try_from(sweep.done).unwrap_or(usize::MAX),
        error: sweep.error,
        part,
        summary,
    })
}

/// Reads the combinations of a range that are kept and for which a condition holds, chunk by chunk: beyond the result, one
/// chunk is in memory.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the result does not fit into memory; `STORAGE`, also if the sweep is deleted meanwhile; `CLOSED`.
pub(super) async fn read_part(
    store: &dyn Store,
    sweep: &Sweep,
    stored: &StoredRequest,
    range: Range<u64>,
    metrics: &[String],
    mut condition: Option<Condition>,
) -> Result<SweepPart> {
    let mut part = PartBuilder::new(sweep, stored, &range, metrics, condition.is_some())?;
    let mut names = ChunkReader::columns(stored);
    names.extend(metrics.iter().cloned());
    for name in condition.iter().flat_map(|condition| &condition.metrics) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let mut next = range.start;
    while next < range.end {
        let found = store.sweep_chunk(&sweep.id, next, names.clone()).await?;
        let chunk = found.ok_or_else(|| {
            let id = &sweep.id;
            Error::storage(format!("combination {next} of sweep {id} is gone: it was deleted"))
        })?;
        part.append(&ChunkReader::new(stored, &chunk), &(next..range.end), condition.as_mut())?;
        next = chunk.from + chunk.count as u64;
    }
    Ok(part.part)
}

fn read_page(input: &Input) -> Result<Page> {
    let mut issues = Issues::default();
    let empty = Input::Record(Vec::new());
    let mut fields =
        Fields::open("", if matches!(input, Input::Null) { &empty } else { input }, &mut issues);
    let number = request::Range::between(0.0, MAX_COMBINATIONS);
    let page = Page {
        from: fields.integer("from", number, &mut issues),
        to: fields.integer("to", number, &mut issues),
        metrics: read_metrics(&mut fields, &mut issues),
        condition: fields.text("where", &mut issues),
    };
    if let (Some(from), Some(to)) = (page.from, page.to)
        && from > to
    {
        let message = format!("to must be at least from, which is {from}, was {to}");
        issues.add("to", "range", message);
    }
    fields.finish(&mut issues);
    issues.into_result(Code::InvalidArgument)?;
    Ok(page)
}

/// Reads the names of metrics. Which of them a sweep keeps is not checked.
fn read_metrics(fields: &mut Fields<'_>, issues: &mut Issues) -> Option<Vec<String>> {
    let stated = match fields.take("metrics")? {
        Input::List(names) => names,
        other => {
            let message =
                format!("metrics must be an array of metric names, was {}", other.describe());
            issues.add("metrics", "type", message);
            return None;
        }
    };
    let mut names = Vec::with_capacity(stated.len());
    for (index, name) in stated.iter().enumerate() {
        match name {
            Input::Text(name) => names.push(name.clone()),
            other => issues.add_with("type", || {
                let path = format!("metrics[{index}]");
                let message = format!("{path} must be a string, was {}", other.describe());
                (path, message)
            }),
        }
    }
    Some(names)
}

/// Returns the named metrics, each once.
///
/// # Errors
/// `INVALID_ARGUMENT` for those that a sweep does not keep.
fn kept_metrics(sweep: &Sweep, stored: &StoredRequest, names: Vec<String>) -> Result<Vec<String>> {
    let known = || stored.metrics.iter().map(String::as_str);
    let mut issues = Issues::default();
    let mut kept: Vec<String> = Vec::new();
    for (index, name) in names.into_iter().enumerate() {
        if kept.contains(&name) {
            continue;
        }
        if stored.metrics.contains(&name) {
            kept.push(name);
            continue;
        }
        issues.add_with("choice", || {
            let path = format!("metrics[{index}]");
            let hint = nearest(&name, known()).map_or_else(
                || known_names("metrics", &name, &known().collect::<Vec<_>>()),
                |near| format!(", did you mean {near}?"),
            );
            let (name, id) = (quoted(&name), &sweep.id);
            let message = format!("{path}: sweep {id} keeps no metric {name}{hint}");
            (path, message)
        });
    }
    issues.into_result(Code::InvalidArgument)?;
    Ok(kept)
}

/// A condition on combinations.
#[derive(Debug)]
pub(super) struct Condition {
    filter: Filter,
    /// The columns that it reads, by their index in the filter.
    inputs: Vec<(usize, Source)>,
    /// The names of the metrics among them.
    metrics: Vec<String>,
}

/// Where the values of a column come from.
#[derive(Debug)]
enum Source {
    /// The column of a chunk with a name.
    Chunk(String),
    /// The axis at an index.
    Axis(usize),
}

impl Condition {
    /// Reads a condition over the metrics that a sweep keeps, its objective and its parameters.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with every problem.
    fn parse(text: &str, stored: &StoredRequest) -> Result<Self> {
        let values = stored.metrics.iter().map(String::as_str).chain([OBJECTIVE]);
        let mut columns: Vec<FilterColumn> = values.map(FilterColumn::number).collect();
        columns.extend(
            stored
                .axes
                .iter()
                .map(|axis| FilterColumn { name: axis.name.clone(), is_flag: axis.is_flag }),
        );
        let filter = Filter::parse("where", text, &columns)
            .map_err(|issues| Error::with_issues(Code::InvalidArgument, issues))?;
        let source = |input: &usize| {
            if let Some(axis) = input.checked_sub(stored.metrics.len() + 1) {
                (*input, Source::Axis(axis))
            } else {
                let name = stored.metrics.get(*input).map_or(OBJECTIVE, String::as_str);
                (*input, Source::Chunk(name.to_owned()))
            }
        };
        let inputs: Vec<(usize, Source)> = filter.inputs().iter().map(source).collect();
        let metrics =
            filter.inputs().iter().filter_map(|input| stored.metrics.get(*input).cloned());
        Ok(Self { metrics: metrics.collect(), filter, inputs })
    }

    /// Returns the rows for which the condition holds.
    fn rows(
        &mut self,
        chunk: &ChunkReader<'_>,
        parameters: &[Vec<f64>],
        rows: Range<usize>,
    ) -> Result<Vec<usize>> {
        let mut columns: Vec<(usize, &[f64])> = Vec::with_capacity(self.inputs.len());
        for (input, source) in &self.inputs {
            let column = match source {
                Source::Chunk(name) => chunk.column(name)?,
                Source::Axis(axis) => parameters.get(*axis).map_or(&[][..], Vec::as_slice),
            };
            columns.push((*input, column));
        }
        let mut selected = reserve::with_capacity(rows.len(), "combinations")?;
        for row in rows {
            let value = |column: usize| {
                let found = columns.iter().find(|(input, _)| *input == column);
                found.and_then(|(_, values)| values.get(row)).copied().unwrap_or(f64::NAN)
            };
            if self.filter.holds(value) {
                selected.push(row);
            }
        }
        Ok(selected)
    }
}

/// Rows that grow chunk by chunk.
struct PartBuilder<'a> {
    sweep: &'a Sweep,
    stored: &'a StoredRequest,
    part: SweepPart,
}

impl<'a> PartBuilder<'a> {
    /// Creates an empty part. Without a condition, all combinations of the range will be in it.
    fn new(
        sweep: &'a Sweep,
        stored: &'a StoredRequest,
        range: &Range<u64>,
        metrics: &[String],
        has_condition: bool,
    ) -> Result<Self> {
        let expected = range.end.saturating_sub(range.start);
        let expected =
            if has_condition { 0 } else { usize::try_from(expected).unwrap_or(usize::MAX) };
        let named = |name: &String| Ok((name.clone(), empty(expected)?));
        let timeframes = sweep.timeframes.iter().map(|timeframe| timeframe.as_str().to_owned());
        let (assets, intervals) = (stored.lists_assets, stored.lists_timeframes);
        let part = SweepPart {
            rows: has_condition.then(Vec::new),
            from: usize::try_from(range.start).unwrap_or(usize::MAX),
            parameters: stored.axes.iter().map(|axis| named(&axis.name)).collect::<Result<_>>()?,
            asset: if assets {
                Some((sweep.asset_symbols.clone(), empty(expected)?))
            } else {
                None
            },
            timeframe: if intervals {
                Some((timeframes.collect(), empty(expected)?))
            } else {
                None
            },
            metrics: metrics.iter().map(named).collect::<Result<_>>()?,
            objective: empty(expected)?,
            standing: empty(expected)?,
            sums: None,
        };
        Ok(Self { sweep, stored, part })
    }

    /// Appends the combinations of a chunk that are in a range and for which a condition holds.
    fn append(
        &mut self,
        chunk: &ChunkReader<'_>,
        range: &Range<u64>,
        condition: Option<&mut Condition>,
    ) -> Result<()> {
        let parameters = chunk.parameters()?;
        let rows = match condition {
            Some(condition) => condition.rows(chunk, &parameters, chunk.rows(range))?,
            None => chunk.rows(range).collect(),
        };
        if let Some(numbers) = &mut self.part.rows {
            reserve::additional(numbers, rows.len(), "combinations")?;
            let number = |row: &usize| u32::try_from(chunk.number(*row)).unwrap_or(u32::MAX);
            numbers.extend(rows.iter().map(number));
        }
        for ((_, into), column) in self.part.parameters.iter_mut().zip(&parameters) {
            extend(into, column, &rows)?;
        }
        for (name, into) in &mut self.part.metrics {
            extend(into, chunk.column(name)?, &rows)?;
        }
        extend(&mut self.part.objective, chunk.column(OBJECTIVE)?, &rows)?;
        extend(&mut self.part.standing, &chunk.standing()?, &rows)?;
        self.append_series(chunk, &rows)
    }

    /// Appends the assets and the timeframes.
    fn append_series(&mut self, chunk: &ChunkReader<'_>, rows: &[usize]) -> Result<()> {
        let timeframes = self.sweep.timeframes.len().max(1) as u64;
        let too_many = |_| Error::internal("a sweep has too many assets or timeframes");
        let series =
            rows.iter().map(|row| chunk.number(*row) / self.stored.combinations_per_series.max(1));
        if let Some((_, index)) = &mut self.part.asset {
            reserve::additional(index, rows.len(), "combinations")?;
            for series in series.clone() {
                index.push(u16::try_from(series / timeframes).map_err(too_many)?);
            }
        }
        if let Some((_, index)) = &mut self.part.timeframe {
            reserve::additional(index, rows.len(), "combinations")?;
            for series in series {
                index.push(u8::try_from(series % timeframes).map_err(too_many)?);
            }
        }
        Ok(())
    }
}

/// Creates an empty column.
fn empty<T>(expected: usize) -> Result<Vec<T>> {
    reserve::with_capacity(expected, "combinations")
}

/// Appends some rows of a column.
fn extend<T: Copy>(into: &mut Vec<T>, column: &[T], rows: &[usize]) -> Result<()> {
    reserve::additional(into, rows.len(), "combinations")?;
    into.extend(rows.iter().filter_map(|row| column.get(*row)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::config::Config;
    use crate::store::sweep_conformance::{details, sweep};
    use crate::store::{Status, SweepChunk, SweepEnd};
    use crate::sweep::space::{Axis, Space, Target};
    use crate::sweep::standing::Standing;

    const LAST: usize = 600;

    fn space() -> Space {
        let axis = |name: &str, values: std::ops::Range<u32>| Axis {
            name: name.into(),
            target: Target::PositionSize,
            values: values.map(f64::from).collect(),
        };
        let axes = vec![axis("fast", 0..20), axis("slow", 100..130)];
        // Every other point of the grid.
        Space::keeping(axes, |indices| indices.iter().sum::<u32>() % 2 == 0).unwrap()
    }

    /// Creates an engine with a sweep over two assets on two timeframes, of which half is done.
    async fn engine(folder: &Path) -> (Engine, String) {
        let options = json!({"dataDir": folder, "logLevel": "off"});
        let config = Config::resolve(&Input::from(options), &|_| None, None).unwrap();
        let engine = Engine::new(config).unwrap();
        let space = space();
        assert_eq!(space.len(), 300);
        let mut stored = StoredRequest {
            metrics: vec!["sharpeRatio".into(), "totalTrades".into()],
            lists_assets: true,
            lists_timeframes: true,
            ..StoredRequest::default()
        };
        stored.set_space(&space, |_| false);
        let sweep = Sweep { combinations: 1200, ..sweep("sw-1") };
        let details = SweepDetails {
            request: serde_json::to_value(&stored).unwrap(),
            columns: stored.columns(),
            ..details()
        };
        let store = &engine.backends().await.unwrap().store;
        store.create_sweep(sweep.clone(), details.clone()).await.unwrap();
        for first in (0..LAST).step_by(70) {
            let numbers = || first..LAST.min(first + 70);
            let mut columns: Vec<Vec<f64>> = vec![
                numbers().map(|number| number as f64 / 7.0).collect(),
                numbers().map(|number| (number % 13) as f64).collect(),
                numbers().map(|number| -(number as f64)).collect(),
                numbers().map(|_| f64::from(Standing::FewTrades as u8)).collect(),
            ];
            columns.extend(stored.points(&space, numbers()).unwrap());
            let names = details.columns.iter().cloned();
            let chunk = SweepChunk {
                from: first as u64,
                count: numbers().len(),
                columns: names.zip(columns).collect(),
            };
            let (id, claim) = (&sweep.id, &sweep.claim);
            store.append_sweep_chunk(id, claim, Arc::new(chunk), 5).await.unwrap();
        }
        (engine, sweep.id)
    }

    async fn page(engine: &Engine, id: &str, page: Value) -> Result<SweepResult> {
        let found = engine.get_sweep(&Input::Text(id.into()), &Input::from(page)).await?;
        Ok(found.unwrap())
    }

    #[tokio::test]
    async fn pages_cross_chunks() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, id) = engine(folder.path()).await;
        let space = space();
        for (from, to) in [(0, LAST), (0, 1), (69, 71), (123, 456), (299, 301), (599, 600), (5, 5)]
        {
            let result = page(&engine, &id, json!({"from": from, "to": to})).await.unwrap();
            assert_eq!((result.combinations, result.status), (1200, Status::Running));
            let part = result.part;
            assert_eq!((part.from, part.rows), (from, None));
            let numbers = || from..to;
            let metric = |name: &str| part.metrics.iter().find(|(known, _)| known == name).unwrap();
            let expected: Vec<f64> = numbers().map(|number| number as f64 / 7.0).collect();
            assert_eq!(metric("sharpeRatio").1, expected);
            let expected: Vec<f64> = numbers().map(|number| -(number as f64)).collect();
            assert_eq!(part.objective, expected);
            for (axis, (name, values)) in part.parameters.iter().enumerate() {
                assert_eq!(name, ["fast", "slow"][axis]);
                let expected: Vec<f64> =
                    numbers().map(|number| space.value(number % 300, axis)).collect();
                assert_eq!(*values, expected);
            }
            let (symbols, assets) = part.asset.unwrap();
            assert_eq!(symbols, ["AAPL", "BRK,\"B\""]);
            assert!(assets.iter().all(|asset| *asset == 0) && assets.len() == to - from);
            let (timeframes, index) = part.timeframe.unwrap();
            assert_eq!(timeframes, ["1d", "1h"]);
            let expected: Vec<u8> = numbers().map(|number| u8::from(number >= 300)).collect();
            assert_eq!(index, expected);
            assert_eq!(part.standing, vec![Standing::FewTrades; to - from]);
        }
        // What is not done yet is left out.
        let part = page(&engine, &id, json!({"from": 590, "to": 5000})).await.unwrap().part;
        assert_eq!((part.from, part.objective.len()), (590, 10));
        let part = page(&engine, &id, json!({"from": 600})).await.unwrap().part;
        assert_eq!((part.from, part.objective.len()), (600, 0));
        assert_eq!(page(&engine, &id, Value::Null).await.unwrap().part.objective.len(), LAST);
    }

    #[tokio::test]
    async fn metrics_are_chosen() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, id) = engine(folder.path()).await;
        for (names, expected) in [
            (json!(["totalTrades"]), vec!["totalTrades"]),
            (
                json!(["totalTrades", "sharpeRatio", "totalTrades"]),
                vec!["totalTrades", "sharpeRatio"],
            ),
            (json!([]), vec![]),
            (Value::Null, vec!["sharpeRatio", "totalTrades"]),
        ] {
            let part = page(&engine, &id, json!({"metrics": names, "to": 9})).await.unwrap().part;
            let found: Vec<&str> = part.metrics.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(found, expected);
            assert!(part.metrics.iter().all(|(_, values)| values.len() == 9));
        }
    }

    #[tokio::test]
    async fn conditions_choose_combinations() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, id) = engine(folder.path()).await;
        let space = space();
        // `slow` is the second axis.
        let slow = |number: usize| space.value(number % 300, 1);
        let condition = "totalTrades >= 10 and slow < 110 and objective > -500";
        for (from, to, metrics) in [(0, 600, json!(["sharpeRatio"])), (65, 310, Value::Null)] {
            let request = json!({"from": from, "to": to, "where": condition, "metrics": metrics});
            let part = page(&engine, &id, request).await.unwrap().part;
            let numbers = (from..to)
                .filter(|number| *number % 13 >= 10 && slow(*number) < 110.0 && *number < 500);
            let numbers: Vec<usize> = numbers.collect();
            assert!(numbers.len() > 5);
            let rows = part.rows.unwrap();
            assert_eq!(rows.iter().map(|row| *row as usize).collect::<Vec<_>>(), numbers);
            assert_eq!(part.from, from);
            let expected: Vec<f64> = numbers.iter().map(|number| *number as f64 / 7.0).collect();
            assert_eq!(part.metrics[0], ("sharpeRatio".to_owned(), expected));
            let expected: Vec<f64> = numbers.iter().map(|number| slow(*number)).collect();
            assert_eq!(part.parameters[1].1, expected);
            assert_eq!(part.asset.unwrap().1.len(), numbers.len());
        }
        let part = page(&engine, &id, json!({"where": "fast > 1000"})).await.unwrap().part;
        assert_eq!((part.rows, part.objective.len()), (Some(vec![]), 0));
        let error = page(&engine, &id, json!({"where": "sharpe > 1"})).await.unwrap_err();
        assert_eq!(
            error.message,
            "where at 1:1: unknown column `sharpe`, did you mean `sharpeRatio`?"
        );
    }

    #[tokio::test]
    async fn every_problem_of_a_page_is_found_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, id) = engine(folder.path()).await;
        let messages = async |value: Value| {
            let error = page(&engine, &id, value).await.unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument);
            let issues = error.issues.into_iter().map(|issue| issue.message);
            issues.collect::<Vec<_>>()
        };
        assert_eq!(
            messages(json!({"from": 5, "to": 4.5, "metrics": ["x", 1], "form": 1, "where": ""}))
                .await,
            [
                "to must be a whole number, was 4.5",
                "metrics[1] must be a string, was number 1",
                "where must not be empty",
                "unknown field form, did you mean from?"
            ]
        );
        assert_eq!(
            messages(json!({"from": 5, "to": 4})).await,
            ["to must be at least from, which is 5, was 4"]
        );
        assert_eq!(
            messages(json!({"metrics": ["sharpRatio", "valueAtRisk"]})).await,
            [
                format!(
                    "metrics[0]: sweep {id} keeps no metric \"sharpRatio\", did you mean sharpeRatio?"
                ),
                format!(
                    "metrics[1]: sweep {id} keeps no metric \"valueAtRisk\"; known metrics: sharpeRatio, totalTrades"
                ),
            ]
        );
        let missing = engine.get_sweep(&Input::Text("sw-none".into()), &Input::Null).await;
        assert!(missing.unwrap().is_none());
        let error = engine.get_sweep(&Input::Null, &Input::Null).await.unwrap_err();
        assert_eq!(error.message, "sweepId is required");
    }

    #[tokio::test]
    async fn a_sweep_is_listed_and_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let (engine, id) = engine(folder.path()).await;
        let input = Input::Text(id.clone());
        let listed = async |filter: Value| {
            let sweeps = engine.list_sweeps(&Input::from(filter)).await?;
            let found = sweeps.into_iter().map(|sweep| (sweep.done, sweep.status));
            Result::<Vec<_>>::Ok(found.collect())
        };
        assert_eq!(listed(Value::Null).await.unwrap(), [(600, Status::Running)]);
        let error = engine.delete_sweep(&input).await.unwrap_err();
        assert_eq!(error.message, format!("sweep {id} is running: abort it before deleting it"));
        let end = SweepEnd {
            status: Status::Cancelled,
            error: Some("ABORT_ERR".into()),
            best: None,
            summary: None,
            at: 9,
        };
        let store = &engine.backends().await.unwrap().store;
        store.end_sweep(&id, "first", end).await.unwrap();
        let cancelled = json!({"status": "cancelled", "assetSymbol": "AAPL", "limit": 1});
        assert_eq!(listed(cancelled).await.unwrap(), [(600, Status::Cancelled)]);
        assert_eq!(listed(json!({"status": "failed"})).await.unwrap(), []);
        assert!(engine.delete_sweep(&input).await.unwrap());
        assert!(!engine.delete_sweep(&input).await.unwrap());
        assert_eq!(listed(Value::Null).await.unwrap(), []);
        let error = listed(json!({"asset": 1, "limit": 0})).await.unwrap_err();
        let messages: Vec<_> = error.issues.into_iter().map(|issue| issue.message).collect();
        assert_eq!(
            messages,
            [
                "limit must be between 1 and 1000, was 0",
                "unknown field asset, did you mean assetSymbol?"
            ]
        );
    }
}
