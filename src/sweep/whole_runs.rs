//! Whole runs of some combinations, for the answer.

use super::kernel::{SweepInput, bind};
use crate::backtest::{Backtest, Buffers, Outputs, Pipeline, StrategyRun};
use crate::compute::parallel::Sequential;
use crate::error::{Code, Error, Result};
use crate::note::Note;
use crate::observer::ProgressObserver;
use crate::signals::Signals;

/// What is needed of a whole run.
#[derive(Debug, Clone)]
pub struct WholeRun {
    /// The names and values of the metrics, in their order.
    pub metrics: Vec<(&'static str, Option<f64>)>,
    /// What speaks against the run, if that is wanted.
    pub notes: Vec<Note>,
}

impl SweepInput<'_> {
    /// Runs combinations, each as a single run. Their signals are computed together, unless those of a function are given. Notes
    /// are wanted of the combination `noted`.
    ///
    /// # Errors
    /// Those of their runs.
    pub fn whole_runs(
        &self,
        combinations: &[usize],
        signals: Option<Signals>,
        noted: Option<usize>,
        observer: &dyn ProgressObserver,
    ) -> Result<Vec<WholeRun>> {
        let bound =
            combinations.iter().map(|of| bind(self.space, *of, self.values, self.input.settings));
        let (values, settings): (Vec<_>, Vec<_>) = bound.unzip();
        let signals = match signals {
            Some(signals) => vec![signals],
            None => self.strategy.joint_signals(&values, self.bars, observer)?,
        };
        let pipeline = Pipeline { executor: &Sequential, observer };
        let mut buffers = Buffers::default();
        let mut runs = Vec::with_capacity(combinations.len());
        let each = combinations.iter().zip(&values).zip(&settings).zip(signals);
        for (((combination, values), settings), signals) in each {
            let input = self.input_with(settings);
            let warnings = noted == Some(*combination);
            let outputs = Outputs { warnings, ..Outputs::metrics(self.metrics) };
            let mut run = if warnings {
                let strategy = &self
                    .strategy
                    .bind_values(values)
                    .map_err(|issues| Error::with_issues(Code::InvalidArgument, issues))?;
                let signals = Some(signals);
                let run = StrategyRun { strategy, signals, bars: self.bars, warm_up: self.warm_up };
                pipeline.run_strategy(run, &input, &outputs, &mut buffers)?
            } else {
                pipeline.run(&input, &signals.after(self.warm_up), &outputs, &mut buffers)?
            };
            let Backtest { metrics, notes, .. } = &mut run;
            runs.push(WholeRun { metrics: std::mem::take(metrics), notes: std::mem::take(notes) });
            buffers.recycle(run);
        }
        Ok(runs)
    }
}
