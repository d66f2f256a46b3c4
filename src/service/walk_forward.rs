//! Runs a walk-forward: chooses the best combination on one window, tests it on the next, and moves on.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use crate::backtest::{Backtest, BacktestInput, Outputs, Pipeline, WindowRun, stitch};
use crate::compute::parallel::Sequential;
use crate::error::{Code, Error, Result};
use crate::market::{Bars, Timeframe};
use crate::note::{self, Note, NoteCode};
use crate::numbers::count_to_f64;
use crate::quote::counted;
use crate::simulation::{Prices, Simulation};
use crate::store::result_parts::ResultParts;
use crate::sweep::ranking::Ranking;
use crate::sweep::walk_forward::{FoldSummary, efficiency, stability};
use crate::validation::splits::walk_forward::{Span, Window, Windows};

use super::clock;
use super::engine::Engine;
use super::outcome;
use super::pool::{self, JobLength};
use super::progress::{CallControl, Progress};
use super::run_queue::Ticket;
use super::sweep_run::{LoadedSeries, SweepRun, Tested};
use super::walk_forward_request::WalkForwardRequest;
use super::walk_forward_result::{Choice, Fold, WalkForwardResult};

/// The metric of holding the asset.
const BENCHMARK: &str = "benchmarkReturn";

/// Shorter tests say nothing, and a unit is probably mistaken: `m` is a minute, `M` a month.
const MIN_TEST_BARS: usize = 5;

/// Fewer windows say nothing.
const MIN_WINDOWS: usize = 3;

/// What is kept of a window until all are done.
struct DoneFold {
    fold: Fold,
    summary: FoldSummary,
    simulation: Simulation,
    final_capital: f64,
    train_sharpe: Option<f64>,
}

impl Engine {
    /// Runs a walk-forward.
    ///
    /// # Errors
    /// Those of [`Engine::run_sweep`]; `INVALID_ARGUMENT` for fewer than three windows; `LIMIT_EXCEEDED` for too many combinations
    /// over all windows. Cancelled by the caller.
    #[expect(
        clippy::disallowed_methods,
        reason = "the duration is reported; it does not affect results"
    )]
    pub async fn walk_forward(
        &self,
        request: WalkForwardRequest,
        control: CallControl,
        mut ticket: Ticket,
    ) -> Result<(WalkForwardResult, Progress)> {
        let start = Instant::now();
        let _call = self.start_recorded_call(&control.cancellation)?;
        let cancellation = control.cancellation.clone();
        let id = clock::walk_forward_id();
        let WalkForwardRequest { sweep, windows } = request;
        let mut run = self.plan_sweep(sweep, &id, control.clone()).await?;
        let windows =
            windows.ok_or_else(|| Error::internal("windows with an issue were not rejected"))?;
        if ticket.must_wait() {
            run.reporter.stage("queued");
            let wait = async {
                ticket.wait().await;
                Ok(())
            };
            cancellation.or(wait).await?;
        }
        run.reporter.stage("loading");
        let series = run.load(self, 0).await?;
        let windows = self.windows(&windows, &series, &run)?;
        let train = windows.iter().map(|window| window.train.clone()).collect();
        run.sweep_windows(self, train, control).await?;
        let mut done = Vec::with_capacity(windows.len());
        for (index, window) in windows.iter().enumerate() {
            let fold = self.fold(&mut run, &series, index, window).await;
            done.push(fold.map_err(|error| cancellation.explain(error))?);
        }
        let result = finish(&run, &series, windows, done).await;
        let mut result = result.map_err(|error| cancellation.explain(error))?;
        result.elapsed_ms = start.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(
            walk_forward_id = result.walk_forward_id,
            strategy_id = result.strategy_id,
            folds = result.folds.len(),
            combinations = result.combinations,
            elapsed_ms = result.elapsed_ms,
            "walk-forward completed"
        );
        Ok((result, run.reporter.last()))
    }

    /// Returns the windows of the bars.
    fn windows(
        &self,
        windows: &Windows,
        series: &LoadedSeries,
        run: &SweepRun,
    ) -> Result<Vec<Window>> {
        let timestamps = series.bars().timestamps();
        let combinations = run.sweep.space.len().max(1);
        let limit = usize::try_from(self.config.max_combinations).unwrap_or(usize::MAX);
        let most = limit / combinations;
        if let (Span::Milliseconds(test), Some(bar)) = (windows.test, series.bars().median_step())
            && test <= bar
        {
            return Err(short_test(windows.test, 1));
        }
        let found = windows.of(timestamps, run.sweep.start..=run.sweep.end, most)?;
        let bars = counted(timestamps.len(), "bar");
        if found.len() > most {
            let message = format!(
                "{} on more than {most} windows are above the limit maxCombinations (MAX_COMBINATIONS) of {limit}; sweep fewer \
                 combinations, or move by a longer step",
                counted(combinations, "combination")
            );
            return Err(Error::new(Code::LimitExceeded, message));
        }
        if found.len() < MIN_WINDOWS {
            let fit = match found.len() {
                0 => "no window fits".to_owned(),
                1 => "only 1 window fits".to_owned(),
                count => format!("only {count} windows fit"),
            };
            let message = format!(
                "a walk-forward needs at least {MIN_WINDOWS} windows, and {fit} into {bars} with train {}, test {}, step {} and purge {}; \
                 shorten them, or choose a longer range",
                windows.train, windows.test, windows.step, windows.purge
            );
            return Err(Error::invalid("train", "range", message));
        }
        let longest = found.iter().map(|window| window.test.len()).max().unwrap_or(0);
        if longest < MIN_TEST_BARS {
            return Err(short_test(windows.test, longest));
        }
        if found.windows(2).any(|pair| matches!(pair, [a, b] if a.test.end > b.test.start)) {
            let message = format!(
                "step must be at least test, so that no bar is tested twice: step is {}, test is {}",
                windows.step, windows.test
            );
            return Err(Error::invalid("step", "range", message));
        }
        Ok(found)
    }

    /// Chooses on one window, and tests the choice on the next.
    async fn fold(
        &self,
        run: &mut SweepRun,
        series: &Arc<LoadedSeries>,
        index: usize,
        window: &Window,
    ) -> Result<DoneFold> {
        let combinations = run.sweep.space.len();
        let first = index * combinations;
        let mut columns = run.columns(first, combinations)?;
        while columns.len() < combinations {
            let (more, ended) = run.advance(self, columns, combinations).await;
            ended?;
            columns = more;
        }
        let mut ranking = Ranking::new(1);
        ranking.add_columns(&columns);
        let best = ranking.best().first().map(|best| (best.combination, best.objective));
        let capital = run.sweep.initial_capital;
        let bars = (window.train.len(), window.test.len());
        let times = |range: &Range<usize>| {
            let of = series.bars().timestamps().get(range.clone()).unwrap_or(&[]);
            (of.first().copied().unwrap_or(0), of.last().copied().unwrap_or(0))
        };
        let mut fold = Fold {
            train: times(&window.train),
            test: times(&window.test),
            bars,
            choice: None,
            closed_at_end: false,
        };
        let mut summary = FoldSummary {
            choice: None,
            train_growth: f64::NAN,
            train_bars: bars.0,
            test_growth: 1.0,
            test_bars: bars.1,
        };
        let Some((combination, objective)) = best else {
            let simulation = Simulation { cash: capital, ..Simulation::default() };
            return Ok(DoneFold {
                fold,
                summary,
                simulation,
                final_capital: capital,
                train_sharpe: None,
            });
        };
        let trained = run.run_again(self, &[combination]).await?.into_iter().next();
        let trained = trained.ok_or_else(|| Error::internal("the choice was not run"))?;
        let looks_ahead = trained.notes.iter().find(|note| note.code == NoteCode::LookAhead);
        if !run.notes.iter().any(|note| note.code == NoteCode::LookAhead) {
            run.notes.extend(looks_ahead.cloned());
        }
        let own = combination - first;
        let Tested { backtest, closed_at_end } = run.test(series, own, window.test.clone()).await?;
        summary.choice = Some(own);
        summary.train_growth =
            metric(&trained.metrics, "finalCapital").unwrap_or(f64::NAN) / capital;
        summary.test_growth = backtest.final_capital / capital;
        let train_sharpe = metric(&trained.metrics, "sharpeRatio");
        fold.closed_at_end = closed_at_end;
        fold.choice = Some(Choice {
            combination: own,
            parameters: run.parameters_of(combination),
            objective,
            in_sample: outcome::values(trained.metrics),
            out_of_sample: outcome::values(backtest.metrics),
        });
        let final_capital = backtest.final_capital;
        let simulation = backtest.simulation;
        Ok(DoneFold { fold, summary, simulation, final_capital, train_sharpe })
    }
}

/// Joins the tests of all windows.
async fn finish(
    run: &SweepRun,
    series: &Arc<LoadedSeries>,
    windows: Vec<Window>,
    done: Vec<DoneFold>,
) -> Result<WalkForwardResult> {
    let sweep = &run.sweep;
    let capital = sweep.initial_capital;
    let tests = |fold: &DoneFold| (fold.fold.bars.1, fold.final_capital);
    let runs: Vec<WindowRun<'_>> = done
        .iter()
        .map(|fold| {
            let (bars, final_capital) = tests(fold);
            WindowRun { simulation: &fold.simulation, bars, final_capital }
        })
        .collect();
    let joined = stitch(&runs, capital)?;
    let (mut backtest, bars) = measure(run, series, windows, joined).await?;
    let summaries: Vec<FoldSummary> = done.iter().map(|fold| fold.summary).collect();
    let sharpes: Vec<f64> = done.iter().filter_map(|fold| fold.train_sharpe).collect();
    let mean_sharpe = sharpes.iter().sum::<f64>() / count_to_f64(sharpes.len());
    let sharpe = metric(&backtest.metrics, "sharpeRatio");
    let assumptions = run.bars.first().map(|of| of.assumptions.clone());
    let assumptions = assumptions.ok_or_else(|| Error::internal("a walk-forward without bars"))?;
    let folds: Vec<Fold> = done.into_iter().map(|fold| fold.fold).collect();
    let mut notes = notes_of(&folds);
    notes.append(&mut backtest.notes);
    notes.extend(run.notes.iter().cloned());
    note::sort(&mut notes);
    Ok(WalkForwardResult {
        walk_forward_id: run.id.clone(),
        strategy_id: sweep.strategy_id().to_owned(),
        strategy_source: sweep.strategy_source.clone(),
        asset_symbol: sweep.asset_symbols.first().cloned().unwrap_or_default(),
        timeframe: series.interval(),
        initial_capital: capital,
        objective: sweep.objective.text().to_owned(),
        combinations: sweep.space.len(),
        efficiency: efficiency(&summaries),
        sharpe_efficiency: sharpe.map(|sharpe| sharpe / mean_sharpe).filter(|_| mean_sharpe > 0.0),
        stability: stability(&summaries, &sweep.space),
        stitched: outcome::outcome(backtest, &bars, assumptions.clone(), ResultParts::ALL),
        folds,
        assumptions,
        notes,
        elapsed_ms: 0.0,
    })
}

/// Values and measures the joined tests. Returns them with their bars.
async fn measure(
    run: &SweepRun,
    series: &Arc<LoadedSeries>,
    windows: Vec<Window>,
    joined: Simulation,
) -> Result<(Backtest, Bars)> {
    let (sweep, series) = (Arc::clone(&run.sweep), Arc::clone(series));
    let reporter = Arc::clone(&run.reporter);
    pool::run(JobLength::of(series.bars().len()), move || {
        let tests: Vec<_> = windows.into_iter().map(|window| window.test).collect();
        let bars = joined_bars(series.bars(), &tests)?;
        let times = if adjoin(&tests) { bars.timestamps() } else { &[] };
        let input = BacktestInput {
            prices: Prices::from(&bars),
            timestamps: bars.timestamps(),
            bar_milliseconds: series.interval().timeframe().map(Timeframe::milliseconds),
            // What lies between tests does not count.
            annualization: series.annualization().of_part(times),
            initial_capital: sweep.initial_capital,
            settings: &sweep.settings,
        };
        let pipeline = Pipeline { executor: &Sequential, observer: &*reporter };
        let mut backtest = pipeline.measured(&input, joined, &Outputs::ALL)?;
        if !adjoin(&tests) {
            let held = held_return(series.bars(), &tests);
            for (_, value) in backtest.metrics.iter_mut().filter(|(name, _)| *name == BENCHMARK) {
                *value = Some(held).filter(|held| held.is_finite());
            }
        }
        Ok((backtest, bars))
    })
    .await
}

fn short_test(test: Span, bars: usize) -> Error {
    let bars = counted(bars, "bar");
    let message = format!(
        "a test of {test} has at most {bars}, and needs at least {MIN_TEST_BARS}; lengthen test (m is minutes, M is months)"
    );
    Error::invalid("test", "range", message)
}

/// Returns whether each test begins where the one before ends.
fn adjoin(tests: &[Range<usize>]) -> bool {
    tests.windows(2).all(|pair| matches!(pair, [a, b] if a.end == b.start))
}

/// Returns what the asset made if it was held in each test from its first close on, and not between them, percent.
fn held_return(bars: &Bars, tests: &[Range<usize>]) -> f64 {
    let close = bars.close();
    let growth = tests.iter().filter_map(|test| {
        let closes = close.get(test.clone())?;
        Some(closes.last()? / closes.first()?)
    });
    (growth.product::<f64>() - 1.0) * 100.0
}

/// Returns the bars of all tests.
fn joined_bars(bars: &Bars, tests: &[Range<usize>]) -> Result<Bars> {
    let (Some(first), Some(last)) = (tests.first(), tests.last()) else {
        return Err(Error::internal("a walk-forward without tests"));
    };
    if adjoin(tests) {
        return Ok(bars.slice(first.start..last.end));
    }
    bars.pick(tests)
}

fn metric(metrics: &[(&'static str, Option<f64>)], name: &str) -> Option<f64> {
    metrics.iter().find(|(of, _)| *of == name).and_then(|(_, value)| *value)
}

/// Returns what a reader should know of the windows.
fn notes_of(folds: &[Fold]) -> Vec<Note> {
    let mut notes = Vec::new();
    let without = folds.iter().filter(|fold| fold.choice.is_none()).count();
    if without > 0 {
        let text = format!(
            "no combination competed in the training of {without} of {}, whose tests hold cash; lower minTrades, or lengthen train",
            counted(folds.len(), "window")
        );
        let note = Note::new(NoteCode::NothingCompetes, text);
        notes.push(note.with("windows", without).with("of", folds.len()));
    }
    notes
}
