//! One pass over equity and close, in sections that several hands may measure at once.
//!
//! What a section gives depends on its bars alone, and sections are joined in their order: the same bytes, however many
//! hands there are. Within a section blocks of bars stay in the nearest cache while equity, returns and sums are made of
//! them.

use std::ops::Range;

use super::drawdowns::{self, DrawdownStatistics};
use super::extremes::{maximum, minimum};
use super::moments::RunningSums;
use super::quantiles::{self, TailBounds, TailCandidates, TailStatistics};
use super::returns::{any_changes, change, changes};
use super::{EquitySource, ReturnStatistics, float};
use crate::compute::column_writer::ColumnWriter;
use crate::compute::multiversion::simd_multiversion;
use crate::compute::parallel::{Executor, Sections, Sequential, map_parts, write_column};

/// Bars a section.
const SECTION: usize = 1 << 15;

/// Bars a block: its equity and both returns take 24 kB.
const BLOCK: usize = 1_024;

/// What the returns are measured with.
#[derive(Debug, Clone, Copy)]
pub(super) struct CurveInput<'a> {
    pub initial_capital: f64,
    pub close: &'a [f64],
    /// Rate of one bar, a fraction.
    pub risk_free: f64,
}

/// What is measured.
#[derive(Debug, Default)]
pub(super) struct EquityMeasures {
    pub statistics: ReturnStatistics,
    pub tails: Option<TailStatistics>,
    pub drawdowns: DrawdownStatistics,
    pub mean_equity: Option<f64>,
    pub lowest_equity: Option<f64>,
    pub highest_equity: Option<f64>,
}

/// Measures a curve over as many bars as there are closes, and returns its equity too.
pub(super) fn measure(
    terms: &CurveInput<'_>,
    equity_source: &dyn EquitySource,
    executor: &dyn Executor,
) -> (EquityMeasures, Vec<f64>) {
    let bars = terms.close.len();
    let mut statistics =
        ReturnStatistics { count: bars, growth: 1.0, ..ReturnStatistics::default() };
    let bounds = TailBounds::of(bars, |sample, take| {
        equity_source.sample(sample, &mut |before, equity| {
            take(change(before.unwrap_or(terms.initial_capital), equity));
        });
    });
    let (equity, sections) =
        write_column(executor, Sections::new(bars, SECTION), |bars, writer| {
            section(terms, equity_source, bars, bounds, writer)
        });
    let Some(sums) = joined(&sections) else {
        return (EquityMeasures { statistics, ..EquityMeasures::default() }, equity);
    };
    sums.give(&mut statistics);
    let lowest = sections.iter().map(|section| section.lowest).fold(f64::INFINITY, f64::min);
    let highest = sections.iter().map(|section| section.highest).fold(f64::NEG_INFINITY, f64::max);

    let (tails, drawdowns) = second(&equity, &sections, executor);
    // If the sample misjudged the distribution, or the curve touches zero: once more, with all returns at hand.
    let is_solvent = terms.initial_capital > 0.0 && lowest > 0.0;
    let all = (tails.is_none() || !is_solvent).then(|| {
        let mut returns = vec![0.0; bars];
        any_changes(terms.initial_capital, &equity, &mut returns);
        returns
    });
    let tails = tails.or_else(|| {
        let mut kept = TailCandidates::of(bars);
        kept.take(crate::compute::multiversion::Scalar, TailBounds::NONE, all.as_ref()?);
        TailStatistics::of(quantiles::low(bars, [&kept]), quantiles::high(bars, [&kept]))
    });
    match all {
        Some(returns) if !is_solvent => statistics.compound(&returns),
        _ => {
            // The running product of 1 + r is the equity itself, but for a factor.
            statistics.growth = equity.last().map_or(1.0, |last| last / terms.initial_capital);
            statistics.deepest_drawdown = drawdowns.deepest;
            statistics.squared_drawdowns = drawdowns.squares;
        }
    }
    let mean_equity = Some(sums.equity / float(bars));
    let (lowest_equity, highest_equity) = (Some(lowest), Some(highest));
    (
        EquityMeasures { statistics, tails, drawdowns, mean_equity, lowest_equity, highest_equity },
        equity,
    )
}

/// One section, measured.
#[derive(Debug)]
struct Section {
    sums: RunningSums,
    kept: TailCandidates,
    lowest: f64,
    highest: f64,
}

/// One block of returns, with the equity that they lead to.
#[derive(Debug)]
pub(super) struct ReturnBlock<'a> {
    pub r: &'a [f64],
    pub b: &'a [f64],
    pub equity: &'a [f64],
}

simd_multiversion! {
    /// Measures the bars of a section, and writes their equity into the writer for it.
    fn section(
        simd,
        terms: &CurveInput<'_>,
        equity_source: &dyn EquitySource,
        bars: Range<usize>,
        bounds: TailBounds,
        writer: &mut ColumnWriter<'_>,
    ) -> Section {
        let mut section = Section {
            sums: RunningSums::default(),
            kept: TailCandidates::of(bars.len()),
            lowest: f64::INFINITY,
            highest: f64::NEG_INFINITY,
        };
        let before = bars.start.checked_sub(1);
        let mut equity_before = before.map_or(terms.initial_capital, |bar| equity_source.at(bar));
        let mut close_before = before.or(Some(0)).and_then(|bar| terms.close.get(bar).copied());
        let (mut equity, mut r, mut b) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
        let mut start = bars.start;
        for close in terms.close.get(bars).unwrap_or(&[]).chunks(BLOCK) {
            let (Some(equity), Some(r), Some(b)) = (
                equity.get_mut(..close.len()),
                r.get_mut(..close.len()),
                b.get_mut(..close.len()),
            ) else { break };
            equity_source.write(start, equity);
            let lowest = minimum(equity);
            if equity_before > 0.0 && lowest > 0.0 {
                changes(equity_before, equity, r);
            } else {
                any_changes(equity_before, equity, r);
            }
            if let Some(before) = close_before {
                changes(before, close, b);
            }
            section.lowest = section.lowest.min(lowest);
            section.highest = section.highest.max(maximum(equity));
            section.sums.take(simd, &ReturnBlock { r, b, equity }, terms.risk_free);
            section.kept.take(simd, bounds, r);
            writer.extend_from_slice(equity);
            equity_before = equity.last().copied().unwrap_or(equity_before);
            close_before = close.last().copied();
            start += close.len();
        }
        section
    }
}

/// Joins the sums of all sections; nothing if there is none.
fn joined(sections: &[Section]) -> Option<RunningSums> {
    let (first, others) = sections.split_first()?;
    let mut sums = first.sums.clone();
    for section in others {
        sums.join(&section.sums);
    }
    Some(sums)
}

/// What is found once the equity is known.
enum Found {
    Low(Option<(f64, f64)>),
    High(Option<f64>),
    Falls(drawdowns::Section),
}

/// Selects the tails and finds the drawdowns.
fn second(
    equity: &[f64],
    sections: &[Section],
    executor: &dyn Executor,
) -> (Option<TailStatistics>, DrawdownStatistics) {
    let peaks: Vec<f64> = sections
        .iter()
        .scan(f64::NEG_INFINITY, |peak, section| {
            let before = *peak;
            *peak = peak.max(section.highest);
            Some(before)
        })
        .collect();
    let kept = || sections.iter().map(|section| &section.kept);
    // Few bars are not worth anybody else's attention.
    let executor: &dyn Executor = if sections.len() == 1 { &Sequential } else { executor };
    let found = map_parts(executor, sections.len() + 2, |part| match part {
        0 => Found::Low(quantiles::low(equity.len(), kept())),
        1 => Found::High(quantiles::high(equity.len(), kept())),
        _ => {
            let peak = peaks.get(part - 2).copied().unwrap_or(f64::NEG_INFINITY);
            Found::Falls(drawdowns::section(
                peak,
                equity.chunks(SECTION).nth(part - 2).unwrap_or(&[]),
            ))
        }
    });
    let (mut low, mut high, mut falls) = (None, None, Vec::with_capacity(sections.len()));
    for found in found {
        match found {
            Found::Low(found) => low = found,
            Found::High(found) => high = found,
            Found::Falls(found) => falls.push(found),
        }
    }
    (TailStatistics::of(low, high), DrawdownStatistics::of(falls))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compute::parallel::ThreadPerPart;

    fn wave(bars: u32) -> (Vec<f64>, Vec<f64>) {
        let equity = (0..bars).map(|bar| 1_000.0 + f64::from(bar % 37) + f64::from(bar) / 9.0);
        let close = (0..bars).map(|bar| 50.0 + f64::from(bar % 23));
        (equity.collect(), close.collect())
    }

    #[test]
    fn blocks_and_sections_leave_no_bar_out() {
        // Two blocks, a part of a third, and one bar beyond a multiple of four; then the same with sections before them.
        for bars in [2_061, 2 * 32_768 + 2_061] {
            let (equity, close) = wave(bars);
            let terms = CurveInput { initial_capital: 990.0, close: &close, risk_free: 0.0 };
            let (measured, copy) = measure(&terms, &equity.as_slice(), &Sequential);
            assert_eq!(copy, equity);
            let plain = |before: f64, values: &[f64]| -> Vec<f64> {
                let from = std::iter::once(before).chain(values.iter().copied());
                let returns: Vec<f64> =
                    values.iter().zip(from).map(|(to, from)| (to - from) / from).collect();
                let mean = returns.iter().sum::<f64>() / float(returns.len());
                returns.iter().map(|value| value - mean).collect()
            };
            let (r, b) = (plain(990.0, &equity), plain(50.0, &close));
            let sum =
                |of: fn(f64, f64) -> f64| r.iter().zip(&b).map(|(r, b)| of(*r, *b)).sum::<f64>();
            let whole = DrawdownStatistics::of([drawdowns::section(f64::NEG_INFINITY, &equity)]);
            let found = &measured.drawdowns;
            assert_eq!(
                (found.count, found.total_bars, found.longest_bars, found.deepest),
                (whole.count, whole.total_bars, whole.longest_bars, whole.deepest)
            );
            let statistics = measured.statistics;
            for (found, expected) in [
                (statistics.squares, sum(|r, _| r * r)),
                (statistics.cubes, sum(|r, _| r.powi(3))),
                (statistics.fourths, sum(|r, _| r.powi(4))),
                (statistics.benchmark_squares, sum(|_, b| b * b)),
                (statistics.products, sum(|r, b| r * b)),
                (statistics.active_squares, sum(|r, b| (r - b).powi(2))),
                (statistics.growth, equity[equity.len() - 1] / 990.0),
                (measured.mean_equity.unwrap(), equity.iter().sum::<f64>() / float(equity.len())),
                (measured.lowest_equity.unwrap(), 1_000.0),
            ] {
                assert!((found / expected - 1.0).abs() < 1e-10, "{found} {expected}");
            }
        }
    }

    #[test]
    fn many_hands_measure_what_one_does_to_the_last_bit() {
        let (equity, close) = wave(150_000);
        let terms = CurveInput { initial_capital: 990.0, close: &close, risk_free: 1e-6 };
        let (alone, _) = measure(&terms, &equity.as_slice(), &Sequential);
        let (many, copy) = measure(&terms, &equity.as_slice(), &ThreadPerPart);
        assert_eq!(format!("{alone:?}"), format!("{many:?}"));
        assert_eq!(copy, equity);
        assert!(alone.tails.is_some() && alone.drawdowns.count > 1_000);
    }
}
