//! Runs a sweep.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::language::Binding;
use crate::market::Limit;
use crate::note;
use crate::request::json_number;
use crate::settings::SettingKind;
use crate::store::Status;
use crate::sweep::columns::SweepColumns;
use crate::sweep::plateau::{Neighbors, Plateau};
use crate::sweep::ranking::Ranking;
use crate::sweep::remarks::{BestCombination, SweepFindings};
use crate::sweep::space::{Axis, Target};
use crate::sweep::whole_runs::WholeRun;

use super::bound_sweep::BoundSweep;
use super::engine::Engine;
use super::kept_sweep::KeptSweep;
use super::pool::JobLength;
use super::progress::{CallControl, Progress};
use super::run_queue::Ticket;
use super::sweep_progress::SweepReporter;
use super::sweep_request::SweepRequest;
use super::sweep_result::{Neighborhood, SweepPart, SweepResult, SweepSummary, TopCombination};
use super::sweep_run::SweepRun;
use super::{clock, pool};

/// The size of a part of a sweep, bytes.
const PART_BYTES: usize = 16 << 20;

/// How a sweep ended.
#[derive(Debug)]
pub enum SweepOutcome {
    /// All combinations are done.
    Completed(Box<SweepResult>, Progress),
    /// Its caller aborted it. The result has what was done before.
    Aborted(Box<SweepResult>),
}

/// A sweep whose parts are computed one after the other.
#[derive(Debug)]
pub struct SweepStream {
    run: SweepRun,
}

impl Engine {
    /// Runs a sweep and returns the metrics of all combinations as columns.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, `UNKNOWN_STRATEGY`, `NO_DATA`, `BAD_DATA`, `LIMIT_EXCEEDED`, `STORAGE`, `CLOSED`, and `Cancelled` if the
    /// caller cancels it before the first combination.
    #[expect(
        clippy::disallowed_methods,
        reason = "the duration is reported; it does not affect results"
    )]
    pub async fn run_sweep(
        &self,
        request: SweepRequest,
        control: CallControl,
        mut ticket: Ticket,
    ) -> Result<SweepOutcome> {
        let start = Instant::now();
        let _call = self.start_recorded_call(&control.cancellation)?;
        let (mut run, mut kept) = self.begin_sweep(request, control, &mut ticket).await?;
        // A panic ends the sweep like any other failure, so that its record does not remain `running`.
        let work =
            pool::catch_panics(Box::pin(self.finish_sweep(&mut run, &mut kept, ticket, start)));
        let result = work.await;
        if let (Err(error), Some(kept)) = (&result, &kept) {
            kept.fail(error).await;
        }
        result
    }

    /// Plans a sweep, or resumes one, and keeps it if it should be kept.
    async fn begin_sweep(
        &self,
        request: SweepRequest,
        control: CallControl,
        ticket: &mut Ticket,
    ) -> Result<(SweepRun, Option<KeptSweep>)> {
        let cancellation = control.cancellation.clone();
        if let Some(id) = request.resumed()? {
            cancellation.check()?;
            // A request that does not fit leaves the sweep as it is.
            let (record, stored) = KeptSweep::find(self, id).await?;
            let request = request.resuming(&record, stored)?;
            let (kept, record) = KeptSweep::resume(self, &record.id).await?;
            let planned = self.plan_sweep(request, &record.id, control).await;
            let checked = planned.and_then(|run| {
                let (found, expected) = (run.total() as u64, record.combinations);
                if found == expected {
                    return Ok(run);
                }
                let message = format!(
                    "sweep {} had {expected} combinations and now has {found}, so that it cannot go on; run it again",
                    record.id
                );
                Err(Error::new(Code::BadData, message))
            });
            return match checked {
                Ok(run) => Ok((run, Some(kept))),
                Err(error) => {
                    kept.fail(&error).await;
                    Err(error)
                }
            };
        }
        let stored = request.to_json();
        let mut run = self.plan_sweep(request, &clock::sweep_id(), control).await?;
        let kept = if run.sweep.persist {
            cancellation.or_soon(self.backends()).await?;
            Some(KeptSweep::create(self, &mut run, stored, ticket.must_wait()).await?)
        } else {
            None
        };
        Ok((run, kept))
    }

    async fn finish_sweep(
        &self,
        run: &mut SweepRun,
        kept: &mut Option<KeptSweep>,
        mut ticket: Ticket,
        start: Instant,
    ) -> Result<SweepOutcome> {
        let cancellation = run.reporter.cancellation().clone();
        if ticket.must_wait() {
            run.reporter.stage("queued");
            let wait = async {
                ticket.wait().await;
                Ok(())
            };
            cancellation.or(wait).await?;
        }
        run.reporter.stage("loading");
        let total = run.total();
        let mut columns = match kept {
            Some(kept) => kept.read(run).await?,
            None => run.columns(0, total)?,
        };
        run.next = columns.len();
        if let Some(kept) = kept {
            // The result has the bars of all assets, and those of combinations that are done must not have changed either.
            for series in 0..run.locate(run.next).0 {
                run.load(self, series).await?;
            }
            kept.bars_loaded(run).await?;
        }
        let mut ended = Ok(());
        while ended.is_ok() && run.next < total {
            let limit = kept.as_ref().map_or(total, |kept| kept.limit().min(total));
            (columns, ended) = run.advance(self, columns, limit).await;
            if let Some(kept) = kept {
                kept.bars_loaded(run).await?;
                if ended.is_err() || kept.is_due(&columns) || run.next == total {
                    kept.append(&run.sweep.space, &columns).await?;
                }
            }
        }
        let summary = match ended {
            Ok(()) => {
                let summarized = run.summarize(self, columns).await;
                columns = summarized.0;
                summarized.1.map_err(|error| cancellation.explain(error))
            }
            Err(error) => Err(error),
        };
        let elapsed = || start.elapsed().as_secs_f64() * 1000.0;
        match summary {
            Ok(mut summary) => {
                summary.elapsed_ms = elapsed();
                if let Some(kept) = kept {
                    kept.complete(&summary).await?;
                }
                tracing::info!(
                    sweep_id = run.id,
                    strategy_id = run.sweep.strategy_id(),
                    combinations = total,
                    persisted = kept.is_some(),
                    elapsed_ms = summary.elapsed_ms,
                    "sweep completed"
                );
                let last = run.reporter.last();
                let result = run.result(columns, None, summary)?;
                Ok(SweepOutcome::Completed(Box::new(result), last))
            }
            Err(error) if error.code == Code::Cancelled && !columns.is_empty() => {
                if let Some(kept) = kept {
                    kept.fail(&error).await;
                }
                let mut summary = run.short_summary(&columns);
                summary.elapsed_ms = elapsed();
                let result = run.result(columns, Some(&error), summary)?;
                Ok(SweepOutcome::Aborted(Box::new(result)))
            }
            Err(error) => Err(error),
        }
    }

    /// Prepares a sweep whose parts are computed one after the other.
    ///
    /// # Errors
    /// Those of [`Self::run_sweep`].
    pub async fn start_sweep(
        &self,
        request: SweepRequest,
        control: CallControl,
    ) -> Result<SweepStream> {
        let _call = self.start_call(&control.cancellation)?;
        if request.resumed()?.is_some() {
            let message = "resume is for runSweep: a sweep in parts is not kept";
            return Err(Error::invalid("resume", "conflict", message));
        }
        Ok(SweepStream { run: self.plan_sweep(request, &clock::sweep_id(), control).await? })
    }

    pub(super) async fn plan_sweep(
        &self,
        request: SweepRequest,
        id: &str,
        control: CallControl,
    ) -> Result<SweepRun> {
        let cancellation = control.cancellation.clone();
        let catalog = cancellation.or_soon(self.catalog_for(request.reference())).await?;
        let limit = Limit::of_run(self.config.max_data_points);
        let max_combinations = self.config.max_combinations;
        let sweep = pool::run_blocking(true, || request.bind(&catalog, limit, max_combinations))?;
        SweepRun::plan(self, Arc::new(sweep), id, control).await
    }
}

impl SweepStream {
    /// Computes the next part; `None` after the last one.
    ///
    /// # Errors
    /// Those of [`Engine::run_sweep`].
    pub async fn next(&mut self, engine: &Engine) -> Result<Option<SweepPart>> {
        let run = &mut self.run;
        if run.next >= run.total() {
            return Ok(None);
        }
        let cancellation = run.reporter.cancellation().clone();
        let _call = engine.start_call(&cancellation)?;
        let mut ticket = engine.enqueue_run();
        if ticket.must_wait() {
            let wait = async {
                ticket.wait().await;
                Ok(())
            };
            cancellation.or(wait).await?;
        }
        let rows = rows_of_a_part(run.sweep.metrics.len(), run.sweep.space.axes().len());
        let rows = rows.min(run.total() - run.next);
        let mut columns = run.columns(run.next, rows)?;
        while columns.len() < rows {
            let (more, ended) = run.advance(engine, columns, rows).await;
            ended?;
            columns = more;
        }
        Ok(Some(run.part(columns)?))
    }
}

/// Returns how many combinations a part has.
pub(super) fn rows_of_a_part(metrics: usize, axes: usize) -> usize {
    PART_BYTES / ((metrics + axes + 2) * size_of::<f64>())
}

impl BoundSweep {
    pub(super) fn strategy_id(&self) -> &str {
        &self.strategy.definition().id
    }

    /// Returns whether the values of an axis are flags.
    pub(super) fn is_flag(&self, axis: &Axis) -> bool {
        match axis.target {
            Target::Parameter(parameter) => {
                matches!(self.values.bindings().get(parameter), Some(Binding::Condition(_)))
            }
            Target::PositionSize => false,
            Target::Setting(setting) => setting.kind == SettingKind::Boolean,
        }
    }
}

impl SweepRun {
    /// Returns the columns with those of the parameters.
    fn part(&self, columns: SweepColumns) -> Result<SweepPart> {
        let SweepColumns { from, metrics, objective, standing, sums } = columns;
        let rows = from..from + objective.len();
        let sweep = &self.sweep;
        let mut parameters = Vec::new();
        for (axis, of) in sweep.space.axes().iter().enumerate() {
            let mut values = crate::compute::reserve::with_capacity(rows.len(), "combinations")?;
            let mut row = rows.start;
            while row < rows.end {
                let (_, first) = self.locate(row);
                let end = sweep.space.len().min(first + (rows.end - row));
                sweep.space.column(axis, first..end, &mut values)?;
                row += end - first;
            }
            parameters.push((of.name.clone(), values));
        }
        let timeframes = sweep.timeframes.len().max(1);
        let asset = sweep.lists_assets.then(|| {
            let index = rows.clone().map(|row| self.locate(row).0 / timeframes);
            let index = index.map(|index| u16::try_from(index).unwrap_or(u16::MAX)).collect();
            (sweep.asset_symbols.clone(), index)
        });
        let timeframe = sweep.lists_timeframes.then(|| {
            let index = rows.clone().map(|row| self.locate(row).0 % timeframes);
            let index = index.map(|index| u8::try_from(index).unwrap_or(u8::MAX)).collect();
            (self.timeframe_names(), index)
        });
        let names = sweep.metrics.iter().map(|metric| metric.name.to_owned());
        Ok(SweepPart {
            rows: None,
            from,
            parameters,
            asset,
            timeframe,
            metrics: names.zip(metrics).collect(),
            objective,
            standing,
            sums,
        })
    }

    fn timeframe_names(&self) -> Vec<String> {
        let intervals = self.intervals().take(self.sweep.timeframes.len());
        intervals.map(|interval| interval.as_str().to_owned()).collect()
    }

    /// Returns the result of a sweep that is completed, or was aborted.
    fn result(
        &self,
        columns: SweepColumns,
        aborted: Option<&Error>,
        summary: SweepSummary,
    ) -> Result<SweepResult> {
        Ok(SweepResult {
            sweep_id: self.id.clone(),
            status: if aborted.is_some() { Status::Cancelled } else { Status::Completed },
            error: aborted.map(KeptSweep::describe_error),
            done: columns.len(),
            strategy_id: self.sweep.strategy_id().to_owned(),
            strategy_source: self.sweep.strategy_source.clone(),
            objective_text: self.sweep.objective.text().to_owned(),
            asset_symbols: self.sweep.asset_symbols.clone(),
            timeframes: self.timeframe_names(),
            start: self.sweep.start,
            end: self.sweep.end,
            combinations: self.total(),
            part: self.part(columns)?,
            summary,
        })
    }

    /// Returns the values of the axes of a combination by name.
    pub(super) fn parameters_of(&self, combination: usize) -> Map<String, Value> {
        let (_, combination) = self.locate(combination);
        let space = &self.sweep.space;
        let value = |(index, axis): (usize, &Axis)| {
            (axis.name.clone(), self.axis_value(axis, space.value(combination, index)))
        };
        space.axes().iter().enumerate().map(value).collect()
    }

    fn axis_value(&self, axis: &Axis, value: f64) -> Value {
        if self.sweep.is_flag(axis) {
            Value::Bool(value != 0.0)
        } else if value.is_nan() {
            Value::Null
        } else {
            json_number(value)
        }
    }
}

impl SweepRun {
    /// Returns what is known of a completed sweep as a whole.
    async fn summarize(
        &mut self,
        engine: &Engine,
        columns: SweepColumns,
    ) -> (SweepColumns, Result<SweepSummary>) {
        let (sweep, reporter) = (Arc::clone(&self.sweep), Arc::clone(&self.reporter));
        let ranked = pool::run(JobLength::of(columns.len()), move || {
            let ranked = rank(&sweep, &columns, &reporter);
            Ok((columns, ranked))
        });
        let (columns, ranked) = match ranked.await {
            Ok((columns, Ok(ranked))) => (columns, ranked),
            Ok((columns, Err(error))) => return (columns, Err(error)),
            Err(error) => return (SweepColumns::default(), Err(error)),
        };
        let summary = self.summarize_ranked(engine, ranked).await;
        (columns, summary)
    }

    async fn summarize_ranked(&mut self, engine: &Engine, ranked: Ranked) -> Result<SweepSummary> {
        let mut summary = SweepSummary::default();
        let choices = || ranked.best.iter().chain(&ranked.plateau_choice);
        let combinations: Vec<usize> = choices().map(|of| of.combination).collect();
        let mut runs = self.run_again(engine, &combinations).await?;
        // What speaks against the run of the best combination speaks against the choice of it.
        let of_best = runs.first_mut().map(|run| std::mem::take(&mut run.notes));
        let mut described = choices().zip(runs).map(|(of, run)| self.describe_one(of, run));
        summary.top = described.by_ref().take(ranked.best.len()).collect();
        summary.plateau_choice = described.next();
        summary.idle_parameters = ranked.idle_parameters;
        self.describe(&ranked.ranking, ranked.best.first(), &mut summary);
        summary.notes.extend(of_best.into_iter().flatten());
        note::sort(&mut summary.notes);
        Ok(summary)
    }

    /// Returns what is known of a sweep that was interrupted.
    fn short_summary(&self, columns: &SweepColumns) -> SweepSummary {
        let mut ranking = Ranking::new(0);
        ranking.add_columns(columns);
        let mut summary = SweepSummary::default();
        self.describe(&ranking, None, &mut summary);
        note::sort(&mut summary.notes);
        summary
    }

    fn describe(
        &self,
        ranking: &Ranking,
        best: Option<&RankedCombination>,
        summary: &mut SweepSummary,
    ) {
        summary.excluded =
            ranking.excluded().map(|(name, count)| (name.to_owned(), count.into())).collect();
        summary.paths =
            self.paths.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect();
        summary.series.clone_from(&self.bars);
        let failure = self.failure.as_ref().map(|(combination, error)| {
            let values = self.parameters_of(*combination);
            format!("{}: {}", Value::Object(values), error.message)
        });
        let is_idle = |axis: &Axis| summary.idle_parameters.contains(&axis.name);
        let axes = self.sweep.space.axes().iter().enumerate();
        let idle: Vec<usize> =
            axes.filter(|(_, axis)| is_idle(axis)).map(|(index, _)| index).collect();
        let found = SweepFindings {
            space: &self.sweep.space,
            standings: ranking.standings(),
            min_trades: self.sweep.min_trades,
            best: best.map(|best| BestCombination {
                combination: self.locate(best.combination).1,
                neighbors: best.neighbors.count,
                score: best.neighbors.score,
            }),
            idle: &idle,
            is_ranked: best.is_some() || ranking.standings()[0] == 0,
            failure: failure.as_deref(),
        };
        summary.notes = found.notes();
        summary.notes.extend(self.notes.iter().cloned());
    }

    fn describe_one(&self, of: &RankedCombination, run: WholeRun) -> TopCombination {
        let (series, _) = self.locate(of.combination);
        let (asset_symbol, timeframe) = self.names(series);
        let value = |value: Option<f64>| value.map_or(Value::Null, json_number);
        TopCombination {
            combination: of.combination as u64,
            asset_symbol,
            timeframe,
            parameters: self.parameters_of(of.combination),
            objective: of.objective,
            metrics: run
                .metrics
                .into_iter()
                .map(|(name, of)| (name.to_owned(), value(of)))
                .collect(),
            neighbours: Neighborhood {
                count: of.neighbors.count as u64,
                score: of.neighbors.score,
                positive: of.neighbors.positive,
            },
        }
    }
}

/// A combination with its neighbors.
struct RankedCombination {
    combination: usize,
    objective: f64,
    neighbors: Neighbors,
}

/// The ranking of all combinations.
struct Ranked {
    ranking: Ranking,
    best: Vec<RankedCombination>,
    plateau_choice: Option<RankedCombination>,
    idle_parameters: Vec<String>,
}

/// Ranks all combinations of a sweep.
fn rank(sweep: &BoundSweep, columns: &SweepColumns, reporter: &SweepReporter) -> Result<Ranked> {
    let mut ranking = Ranking::new(sweep.top);
    ranking.add_columns(columns);
    let each = sweep.space.len().max(1);
    let plateaus: Vec<Plateau<'_>> = columns
        .objective
        .chunks(each)
        .map(|objective| Plateau::new(&sweep.space, objective, reporter))
        .collect::<Result<_>>()?;
    let with_neighbors = |combination: usize, objective: f64| RankedCombination {
        combination,
        objective,
        neighbors: plateaus
            .get(combination / each)
            .map_or(Neighbors { count: 0, score: None, positive: None }, |plateau| {
                plateau.neighbors(combination % each)
            }),
    };
    let ranked = ranking.best();
    let best = ranked.iter().map(|of| with_neighbors(of.combination, of.objective)).collect();
    // The best plateau of the asset and timeframe that the best combination is of.
    let series = ranked.first().map_or(0, |best| best.combination / each);
    let standing = columns.standing.get(series * each..).unwrap_or(&[]);
    let (mut plateau_choice, mut idle_parameters) = (None, Vec::new());
    if let Some(plateau) = plateaus.get(series) {
        plateau_choice = plateau.choice(standing, reporter)?.and_then(|choice| {
            let combination = series * each + choice.combination;
            Some(with_neighbors(combination, *columns.objective.get(combination)?))
        });
        let axes = plateau.idle_axes().iter().filter_map(|axis| sweep.space.axes().get(*axis));
        idle_parameters = axes.map(|axis| axis.name.clone()).collect();
    }
    Ok(Ranked { ranking, best, plateau_choice, idle_parameters })
}
