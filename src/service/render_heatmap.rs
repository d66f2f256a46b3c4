//! Draws a heat map of a sweep.

use std::collections::BTreeSet;

use crate::chart::{HeatmapData, heatmap_capacity, render_heatmap};
use crate::error::{Code, Error, Result};
use crate::market::Timeframe;
use crate::market::time::DAY;
use crate::quote::{counted, listed, quoted};
use crate::request::{Input, Issues};
use crate::store::Status;
use crate::sweep::heatmap::{
    HeatmapRequest, SweptColumns, SweptParameter, heatmap_content, heatmap_metric, metric_index,
};

use super::cancellation::Cancellation;
use super::engine::Engine;
use super::get_sweep::{read_part, with_part};
use super::heatmap_input::{self, HeatmapInput};
use super::heatmap_options::HeatmapOptions;
use super::mapped_sweep::MappedSweep;
use super::pool::{self, JobLength};
use super::stored_sweep::StoredRequest;

/// The remark in the heat map of a sweep that looked ahead.
const LOOKS_AHEAD: &str = "the signals look ahead: nobody could have traded like this";

impl Engine {
    /// Draws a kept sweep or a result and returns the bytes of a PNG or SVG file. Of a kept sweep, only the columns that are
    /// drawn are read; one that was interrupted is drawn as far as it is done.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for invalid options or results; `NO_DATA` for a sweep without combinations; `LIMIT_EXCEEDED` if there is
    /// not enough memory; `NOT_FOUND`, `STORAGE`, `CLOSED`.
    pub async fn render_heatmap(&self, sweep: &Input, options: &Input) -> Result<Vec<u8>> {
        let cancellation = Cancellation::default();
        let _call = self.start_call(&cancellation)?;
        let mut issues = Issues::default();
        let options = HeatmapOptions::read(options, &mut issues);
        let input = heatmap_input::read(sweep, &mut issues);
        issues.into_result(Code::InvalidArgument)?;
        let unread = || Error::internal("a field was neither read nor rejected");
        let sweep = match input.ok_or_else(unread)? {
            HeatmapInput::Kept(id) => cancellation.or(self.kept_sweep(&id, &options)).await?,
            HeatmapInput::Result(sweep) => *sweep,
        };
        let strategy = self.strategy_name(&sweep.strategy_id, sweep.strategy_source.as_deref());
        cancellation.check()?;
        let length = JobLength::of(sweep.objective.len());
        pool::run(length, move || draw(&sweep, &strategy, &options)).await
    }

    /// Reads what is drawn of a kept sweep.
    async fn kept_sweep(&self, id: &str, options: &HeatmapOptions) -> Result<MappedSweep> {
        let store = &self.backends().await?.store;
        let Some((sweep, details)) = store.sweep(id).await? else {
            let message = format!("there is no sweep with id {}", quoted(id));
            return Err(Error::new(Code::NotFound, message));
        };
        let stored = StoredRequest::of(&sweep, &details)?;
        let named = |name: &&String| **name == options.metric;
        let metrics: Vec<String> = stored.metrics.iter().find(named).into_iter().cloned().collect();
        let part = read_part(&**store, &sweep, &stored, 0..sweep.done, &metrics, None).await?;
        MappedSweep::new(with_part(sweep, details, part)?, stored.metrics)
    }
}

/// Draws a heat map.
///
/// # Errors
/// `INVALID_ARGUMENT` for options that do not fit the sweep; `NO_DATA` for a sweep without combinations; `LIMIT_EXCEEDED` if there
/// is not enough memory.
fn draw(sweep: &MappedSweep, strategy: &str, options: &HeatmapOptions) -> Result<Vec<u8>> {
    let parameters: Vec<SweptParameter<'_>> = sweep
        .parameters
        .iter()
        .map(|of| SweptParameter { name: &of.name, values: &of.values, names: &of.names })
        .collect();
    let mut issues = Issues::default();
    let (name, metric) = match &sweep.metric {
        _ if options.metric == HeatmapOptions::OBJECTIVE => {
            (sweep.objective_text.as_str(), &sweep.objective)
        }
        Some((name, column)) if *name == options.metric => (name.as_str(), column),
        _ => {
            let kept: Vec<&str> = sweep.kept.iter().map(String::as_str).collect();
            if let Err(error) = metric_index(&options.metric, &kept) {
                issues.extend(error.issues);
            } else {
                let message = format!("sweep.metrics.{} has no values", options.metric);
                issues.add("sweep.metrics", "required", message);
            }
            // The other options are checked all the same.
            ("", &sweep.objective)
        }
    };
    let axes = Axes::of(&parameters, options, &mut issues)?;
    let columns = SweptColumns {
        parameters: &parameters,
        metric,
        objective: &sweep.objective,
        standing: &sweep.standing,
    };
    let request = HeatmapRequest {
        x: axes.x,
        y: axes.y,
        aggregate: options.aggregate,
        fixed: &options.fixed,
        capacity: heatmap_capacity(&options.picture.style),
    };
    let mut content = match heatmap_content(&columns, &request) {
        Err(error) if error.code == Code::InvalidArgument => {
            issues.extend(error.issues);
            issues.into_result(Code::InvalidArgument)?;
            return Err(Error::internal("an error without a problem"));
        }
        result => {
            issues.into_result(Code::InvalidArgument)?;
            result?
        }
    };
    content.remarks.splice(0..0, remarks(sweep));
    let lengths = sweep.timeframes.iter().filter_map(|timeframe| Timeframe::parse(timeframe));
    let data = HeatmapData {
        strategy,
        asset: &one_or_count(&sweep.asset_symbols, "asset"),
        timeframe: &one_or_count(&sweep.timeframes, "timeframe"),
        range: Some(sweep.range),
        bar_length: lengths.map(Timeframe::milliseconds).min().unwrap_or(DAY),
        metric: heatmap_metric(name),
        content,
    };
    options.picture.write(&render_heatmap(&data, &options.picture.style)?)
}

/// The names of the parameters on the axes.
struct Axes<'a> {
    x: &'a str,
    y: Option<&'a str>,
}

impl<'a> Axes<'a> {
    /// Takes the axes of the options. Without `x`, they are the parameters with several values, if there are one or two.
    fn of(
        parameters: &'a [SweptParameter<'a>],
        options: &'a HeatmapOptions,
        issues: &mut Issues,
    ) -> Result<Self> {
        let y = options.y.as_deref();
        if let Some(x) = &options.x {
            return Ok(Self { x, y });
        }
        let mut several = Vec::new();
        for parameter in parameters {
            let is_fixed = options.fixed.iter().any(|fixed| fixed.name == parameter.name);
            if !is_fixed && y != Some(parameter.name) && parameter.has_several_values() {
                several.push(parameter.name);
            }
        }
        match (several.as_slice(), y) {
            ([x], y) => Ok(Self { x, y }),
            ([x, y], None) => Ok(Self { x, y: Some(y) }),
            (others, _) => {
                let count = counted(others.len(), "parameter");
                let has =
                    if y.is_some() { "the sweep has, besides options.y," } else { "the sweep has" };
                let names =
                    if others.is_empty() { String::new() } else { format!(": {}", listed(others)) };
                let message =
                    format!("options.x is required: {has} {count} with several values{names}");
                issues.add("options.x", "required", message);
                std::mem::take(issues).into_result(Code::InvalidArgument)?;
                Err(Error::internal("an issue is no error"))
            }
        }
    }
}

/// Says what is wrong with the sweep, and which part of it is drawn.
fn remarks(sweep: &MappedSweep) -> Vec<String> {
    let mut remarks = Vec::new();
    if sweep.looks_ahead {
        remarks.push(LOOKS_AHEAD.to_owned());
    }
    if sweep.objective.len() < sweep.combinations {
        let state = match sweep.status {
            Status::Completed => "",
            Status::Pending | Status::Running => " that is under way",
            Status::Cancelled => " that was cancelled",
            Status::Failed => " that failed",
        };
        let all = counted(sweep.combinations, "combination");
        remarks.push(format!("part of a sweep over {all}{state}"));
    }
    remarks
}

/// Returns the only name, or how many there are.
fn one_or_count(names: &[String], noun: &str) -> String {
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    match names.first() {
        Some(name) if names.len() == 1 => (*name).to_owned(),
        Some(_) => counted(names.len(), noun),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::{Note, NoteCode};
    use crate::service::sweep_result::{SweepPart, SweepResult, SweepSeries, SweepSummary};
    use crate::store::record::{Assumptions, BarRange};
    use crate::sweep::standing::Standing;

    /// Returns a sweep over two parameters on two assets.
    fn sweep() -> SweepResult {
        let (mut fast, mut slow, mut index) = (vec![], vec![], vec![]);
        for asset in 0..2 {
            for f in [5.0, 10.0] {
                for s in [20.0, 40.0, 60.0] {
                    fast.push(f);
                    slow.push(s);
                    index.push(asset);
                }
            }
        }
        let returns: Vec<f64> =
            fast.iter().zip(&slow).map(|(fast, slow)| slow - 4.0 * fast).collect();
        let objective = returns.iter().map(|value| value / 10.0).collect();
        let series = |symbol: &str| SweepSeries {
            asset_symbol: symbol.to_owned(),
            timeframe: "1d".to_owned(),
            assumptions: Assumptions {
                range: Some(BarRange {
                    first: 1_199_232_000_000,
                    last: 1_356_652_800_000,
                    bars: 1258,
                    missing: 0,
                }),
                ..Assumptions::default()
            },
            fingerprint: None,
        };
        SweepResult {
            sweep_id: "sw-0123456789ab".to_owned(),
            status: Status::Completed,
            strategy_id: "sma_crossover".to_owned(),
            strategy_source: None,
            objective_text: "sharpeRatio".to_owned(),
            asset_symbols: vec!["AAPL".to_owned(), "MSFT".to_owned()],
            timeframes: vec!["1d".to_owned()],
            start: 0,
            end: 1,
            combinations: 12,
            done: 12,
            error: None,
            part: SweepPart {
                standing: vec![Standing::Competes; 12],
                parameters: vec![
                    ("fast_period".to_owned(), fast),
                    ("slow_period".to_owned(), slow),
                ],
                asset: Some((vec!["AAPL".to_owned(), "MSFT".to_owned()], index)),
                metrics: vec![("totalReturn".to_owned(), returns)],
                objective,
                ..SweepPart::default()
            },
            summary: SweepSummary {
                series: vec![series("AAPL"), series("MSFT")],
                ..SweepSummary::default()
            },
        }
    }

    fn options(fields: &[(&str, &str)]) -> Input {
        let fields =
            fields.iter().map(|(name, text)| ((*name).to_owned(), Input::Text((*text).to_owned())));
        Input::Record(fields.collect())
    }

    fn drawn(sweep: &SweepResult, fields: &[(&str, &str)]) -> Result<Vec<u8>> {
        let mut issues = Issues::default();
        let options = HeatmapOptions::read(&options(fields), &mut issues);
        issues.into_result(Code::InvalidArgument)?;
        let mut sweep = sweep.clone();
        let kept = sweep.part.metrics.iter().map(|(name, _)| name.clone()).collect();
        sweep.part.metrics.retain(|(name, _)| *name == options.metric);
        draw(&MappedSweep::new(sweep, kept)?, "SMA crossover", &options)
    }

    fn svg(sweep: &SweepResult, fields: &[(&str, &str)]) -> Result<String> {
        let bytes = drawn(sweep, &[fields, &[("format", "svg")]].concat())?;
        Ok(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn a_sweep_on_two_assets_says_that_they_are_aggregated() {
        let svg = svg(&sweep(), &[("x", "fast_period"), ("y", "slow_period")]).unwrap();
        let title =
            "<title>sharpeRatio of SMA crossover · 2 assets · 1d, 2 Jan 2008 – 28 Dec 2012</title>";
        assert!(svg.contains(title), "{}", &svg[..400]);
        let description = "<desc>12 combinations, median over assetSymbol (2 values)</desc>";
        assert!(svg.contains(description), "{}", &svg[..400]);
    }

    #[test]
    fn an_asset_can_be_on_an_axis_and_a_metric_can_be_chosen() {
        let fields = [("x", "assetSymbol"), ("metric", "totalReturn"), ("aggregate", "max")];
        let svg = svg(&sweep(), &fields).unwrap();
        assert!(svg.contains("<title>totalReturn of"), "{}", &svg[..400]);
        assert!(svg.contains("maximum over fast_period (2 values) and slow_period (3 values)"));
        let png = drawn(&sweep(), &[("x", "slow_period")]).unwrap();
        assert!(png.starts_with(b"\x89PNG"));
    }

    #[test]
    fn the_parameters_with_several_values_are_the_axes() {
        let mut sweep = sweep();
        sweep.part.asset = None;
        let named = svg(&sweep, &[("x", "fast_period"), ("y", "slow_period")]).unwrap();
        assert_eq!(svg(&sweep, &[]).unwrap(), named);
        let turned = svg(&sweep, &[("x", "slow_period"), ("y", "fast_period")]).unwrap();
        assert_eq!(svg(&sweep, &[("y", "fast_period")]).unwrap(), turned);
        sweep.part.parameters[0].1.fill(5.0);
        let line = svg(&sweep, &[("x", "slow_period")]).unwrap();
        assert_eq!(svg(&sweep, &[]).unwrap(), line);
        sweep.part.parameters[1].1.fill(f64::NAN);
        assert_eq!(
            svg(&sweep, &[]).unwrap_err().message,
            "options.x is required: the sweep has 0 parameters with several values"
        );
    }

    #[test]
    fn a_sweep_that_looked_ahead_says_so() {
        let mut sweep = sweep();
        sweep.summary.notes.push(Note {
            code: NoteCode::LookAhead,
            text: String::new(),
            data: serde_json::Map::new(),
        });
        let svg = svg(&sweep, &[("x", "fast_period"), ("y", "slow_period")]).unwrap();
        assert!(svg.contains(LOOKS_AHEAD), "{}", &svg[..400]);
    }

    #[test]
    fn a_part_of_a_sweep_says_so() {
        let mut sweep = sweep();
        sweep.combinations = 40;
        for (status, remark) in [
            (Status::Completed, "part of a sweep over 40 combinations"),
            (Status::Cancelled, "part of a sweep over 40 combinations that was cancelled"),
            (Status::Running, "part of a sweep over 40 combinations that is under way"),
        ] {
            sweep.status = status;
            let svg = svg(&sweep, &[("x", "fast_period")]).unwrap();
            assert!(svg.contains(remark), "{}", &svg[..400]);
        }
        // Its bars are not known.
        sweep.summary.series.clear();
        sweep.end = 86_400_000;
        let svg = svg(&sweep, &[("x", "fast_period")]).unwrap();
        assert!(svg.contains("1 Jan 1970 – 2 Jan 1970"), "{}", &svg[..400]);
    }

    #[test]
    fn mistakes_are_named() {
        let message = |fields: &[(&str, &str)]| svg(&sweep(), fields).unwrap_err().message;
        assert_eq!(
            message(&[]),
            "options.x is required: the sweep has 3 parameters with several values: fast_period, slow_period and assetSymbol"
        );
        assert_eq!(
            message(&[("y", "fast_period")]),
            "options.x is required: the sweep has, besides options.y, 2 parameters with several values: slow_period and assetSymbol"
        );
        assert_eq!(
            message(&[("x", "fast")]),
            "options.x is not a parameter of the sweep: \"fast\", did you mean fast_period?"
        );
        assert_eq!(
            message(&[("x", "fast_period"), ("metric", "totalRetrun")]),
            "unknown metric \"totalRetrun\", did you mean totalReturn?"
        );
        let error = svg(&sweep(), &[("x", "fast"), ("metric", "sqn")]).unwrap_err();
        let messages: Vec<_> = error.issues.into_iter().map(|issue| issue.message).collect();
        assert_eq!(
            messages,
            [
                "the sweep has not kept options.metric sqn: name it in the metrics of the sweep; kept: totalReturn",
                "options.x is not a parameter of the sweep: \"fast\", did you mean fast_period?",
            ]
        );
    }
}
