//! One pass over equity and closes, in sections that several threads may measure at once.
//!
//! The result of a section depends on its bars alone, and sections are joined in their order: the same bytes, however many
//! threads there are. Within a section, blocks of bars stay in the nearest cache while equity, returns and sums are computed.

use std::ops::Range;

use super::block::{BLOCK, ReturnBlock};
use super::drawdowns::{self, DrawdownStatistics};
use super::equity_source::EquitySource;
use super::extremes::{maximum, minimum};
use super::moments::RunningSums;
use super::quantiles::{self, TailBounds, TailCandidates, TailStatistics};
use super::returns::{ReturnStatistics, any_changes, change, changes};
use super::set::StatisticSet;
use crate::compute::column_writer::ColumnWriter;
use crate::compute::multiversion::{Scalar, simd_multiversion};
use crate::compute::parallel::{Executor, Sections, Sequential, map_parts, write_column_into};
use crate::numbers::count_to_f64;

/// Bars per section.
const SECTION: usize = 1 << 15;

/// What the returns are measured with.
#[derive(Debug, Clone, Copy)]
pub(super) struct PassInput<'a> {
    pub(super) initial_capital: f64,
    pub(super) close: &'a [f64],
    /// Rate of one bar, a fraction.
    pub(super) risk_free: f64,
    /// What is measured.
    pub(super) set: StatisticSet,
}

/// What the pass measured.
#[derive(Debug, Default)]
pub(super) struct EquityMeasures {
    pub(super) returns: ReturnStatistics,
    pub(super) tails: Option<TailStatistics>,
    pub(super) drawdowns: DrawdownStatistics,
    pub(super) mean_equity: Option<f64>,
    pub(super) lowest_equity: Option<f64>,
    pub(super) highest_equity: Option<f64>,
}

/// Measures a curve over as many bars as there are closes. Returns its equity too, in the memory of `buffer`.
pub(super) fn measure(
    input: &PassInput<'_>,
    source: &dyn EquitySource,
    executor: &dyn Executor,
    buffer: Vec<f64>,
) -> (EquityMeasures, Vec<f64>) {
    let bars = input.close.len();
    let wants = |part| input.set.contains(part);
    let mut returns = ReturnStatistics { count: bars, growth: 1.0, ..ReturnStatistics::default() };
    let bounds = if wants(StatisticSet::TAILS) {
        TailBounds::sample(bars, |sample, take| {
            source.sample(sample, &mut |before, equity| {
                take(change(before.unwrap_or(input.initial_capital), equity));
            });
        })
    } else {
        TailBounds::EVERYTHING
    };
    let (equity, sections) =
        write_column_into(buffer, executor, Sections::new(bars, SECTION), |bars, writer| {
            section(input, source, bars, bounds, writer)
        });
    let Some(sums) = joined(&sections) else {
        return (EquityMeasures { returns, ..EquityMeasures::default() }, equity);
    };
    let lowest = sections.iter().map(|section| section.lowest).fold(f64::INFINITY, f64::min);
    let highest = sections.iter().map(|section| section.highest).fold(f64::NEG_INFINITY, f64::max);
    let is_solvent = input.initial_capital > 0.0 && lowest > 0.0;

    let (mut tails, drawdowns) = second_pass(input.set, &equity, &sections, executor);
    let is_tail_missing = wants(StatisticSet::TAILS) && tails.is_none();
    // If the sample misjudged the distribution, or the curve touches zero, all returns are needed at once.
    let all = (is_tail_missing || !is_solvent).then(|| {
        let mut returns = vec![0.0; bars];
        any_changes(input.initial_capital, &equity, &mut returns);
        returns
    });
    if let Some(all) = all.as_ref().filter(|_| is_tail_missing) {
        let mut candidates = TailCandidates::with_capacity_for(bars);
        candidates.extend(Scalar, TailBounds::EVERYTHING, all);
        tails = TailStatistics::new(
            quantiles::low(bars, [&candidates]),
            quantiles::high(bars, [&candidates]),
        );
    }
    if wants(StatisticSet::RETURNS) {
        sums.write_to(&mut returns);
    }
    match all {
        Some(all) if !is_solvent => returns.compound(&all),
        _ => {
            // The running product of 1 + r is the equity itself, up to a factor.
            returns.growth = equity.last().map_or(1.0, |last| last / input.initial_capital);
            returns.deepest_drawdown = drawdowns.deepest;
            returns.squared_drawdowns = drawdowns.squares;
        }
    }
    let mean_equity = wants(StatisticSet::RETURNS).then(|| sums.equity / count_to_f64(bars));
    let (lowest_equity, highest_equity) = (Some(lowest), Some(highest));
    (
        EquityMeasures { returns, tails, drawdowns, mean_equity, lowest_equity, highest_equity },
        equity,
    )
}

/// The measures of one section.
#[derive(Debug)]
struct SectionMeasures {
    sums: RunningSums,
    candidates: TailCandidates,
    lowest: f64,
    highest: f64,
}

simd_multiversion! {
    /// Measures the bars of a section, and writes their equity.
    fn section(
        simd,
        input: &PassInput<'_>,
        source: &dyn EquitySource,
        bars: Range<usize>,
        bounds: TailBounds,
        writer: &mut ColumnWriter<'_>,
    ) -> SectionMeasures {
        let wants_sums = input.set.contains(StatisticSet::RETURNS);
        let wants_tails = input.set.contains(StatisticSet::TAILS);
        let mut section = SectionMeasures {
            sums: RunningSums::default(),
            candidates: TailCandidates::with_capacity_for(if wants_tails { bars.len() } else { 0 }),
            lowest: f64::INFINITY,
            highest: f64::NEG_INFINITY,
        };
        let before = bars.start.checked_sub(1);
        let mut equity_before = before.map_or(input.initial_capital, |bar| source.at(bar));
        let mut close_before = before.or(Some(0)).and_then(|bar| input.close.get(bar).copied());
        let (mut equity, mut r, mut b) = ([0.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
        let mut start = bars.start;
        for close in input.close.get(bars).unwrap_or(&[]).chunks(BLOCK) {
            let (Some(equity), Some(r), Some(b)) = (
                equity.get_mut(..close.len()),
                r.get_mut(..close.len()),
                b.get_mut(..close.len()),
            ) else { break };
            source.write(start, equity);
            let lowest = minimum(equity);
            if equity_before > 0.0 && lowest > 0.0 {
                changes(equity_before, equity, r);
            } else {
                any_changes(equity_before, equity, r);
            }
            section.lowest = section.lowest.min(lowest);
            section.highest = section.highest.max(maximum(equity));
            if wants_sums {
                if let Some(before) = close_before {
                    changes(before, close, b);
                }
                section.sums.add(simd, &ReturnBlock { r, b, equity }, input.risk_free);
            }
            if wants_tails {
                section.candidates.extend(simd, bounds, r);
            }
            writer.extend_from_slice(equity);
            equity_before = equity.last().copied().unwrap_or(equity_before);
            close_before = close.last().copied();
            start += close.len();
        }
        section
    }
}

/// Joins the sums of all sections; `None` if there is no section.
fn joined(sections: &[SectionMeasures]) -> Option<RunningSums> {
    let (first, others) = sections.split_first()?;
    let mut sums = first.sums.clone();
    for section in others {
        sums.join(&section.sums);
    }
    Some(sums)
}

/// The parts of the second pass.
enum Part {
    LowTail(Option<(f64, f64)>),
    HighTail(Option<f64>),
    Drawdowns(Option<drawdowns::DrawdownSection>),
}

/// Selects the tails and finds the drawdowns, which needs the equity of all bars.
fn second_pass(
    set: StatisticSet,
    equity: &[f64],
    sections: &[SectionMeasures],
    executor: &dyn Executor,
) -> (Option<TailStatistics>, DrawdownStatistics) {
    let (wants_tails, wants_drawdowns) =
        (set.contains(StatisticSet::TAILS), set.contains(StatisticSet::DRAWDOWNS));
    let peaks: Vec<f64> = sections
        .iter()
        .scan(f64::NEG_INFINITY, |peak, section| {
            let before = *peak;
            *peak = peak.max(section.highest);
            Some(before)
        })
        .collect();
    let candidates = || sections.iter().map(|section| &section.candidates);
    // A single section is not worth waking another thread.
    let executor: &dyn Executor = if sections.len() == 1 { &Sequential } else { executor };
    let parts = map_parts(executor, sections.len() + 2, |part| match part {
        0 => {
            Part::LowTail(wants_tails.then(|| quantiles::low(equity.len(), candidates())).flatten())
        }
        1 => Part::HighTail(
            wants_tails.then(|| quantiles::high(equity.len(), candidates())).flatten(),
        ),
        _ => Part::Drawdowns(wants_drawdowns.then(|| {
            let peak = peaks.get(part - 2).copied().unwrap_or(f64::NEG_INFINITY);
            drawdowns::section(peak, equity.chunks(SECTION).nth(part - 2).unwrap_or(&[]))
        })),
    });
    let (mut low, mut high, mut drawdowns) = (None, None, Vec::with_capacity(sections.len()));
    for part in parts {
        match part {
            Part::LowTail(found) => low = found,
            Part::HighTail(found) => high = found,
            Part::Drawdowns(found) => drawdowns.extend(found),
        }
    }
    (TailStatistics::new(low, high), DrawdownStatistics::joined(drawdowns))
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
            let input = PassInput {
                initial_capital: 990.0,
                close: &close,
                risk_free: 0.0,
                set: StatisticSet::ALL,
            };
            let (measured, copy) = measure(&input, &equity.as_slice(), &Sequential, Vec::new());
            assert_eq!(copy, equity);
            let plain = |before: f64, values: &[f64]| -> Vec<f64> {
                let from = std::iter::once(before).chain(values.iter().copied());
                let returns: Vec<f64> =
                    values.iter().zip(from).map(|(to, from)| (to - from) / from).collect();
                let mean = returns.iter().sum::<f64>() / count_to_f64(returns.len());
                returns.iter().map(|value| value - mean).collect()
            };
            let (r, b) = (plain(990.0, &equity), plain(50.0, &close));
            let sum =
                |of: fn(f64, f64) -> f64| r.iter().zip(&b).map(|(r, b)| of(*r, *b)).sum::<f64>();
            let whole =
                DrawdownStatistics::joined([drawdowns::section(f64::NEG_INFINITY, &equity)]);
            let found = &measured.drawdowns;
            assert_eq!(
                (found.count, found.total_bars, found.longest_bars, found.deepest),
                (whole.count, whole.total_bars, whole.longest_bars, whole.deepest)
            );
            let returns = measured.returns;
            for (found, expected) in [
                (returns.squares, sum(|r, _| r * r)),
                (returns.cubes, sum(|r, _| r.powi(3))),
                (returns.fourths, sum(|r, _| r.powi(4))),
                (returns.benchmark_squares, sum(|_, b| b * b)),
                (returns.products, sum(|r, b| r * b)),
                (returns.active_squares, sum(|r, b| (r - b).powi(2))),
                (returns.growth, equity[equity.len() - 1] / 990.0),
                (
                    measured.mean_equity.unwrap(),
                    equity.iter().sum::<f64>() / count_to_f64(equity.len()),
                ),
                (measured.lowest_equity.unwrap(), 1_000.0),
            ] {
                assert!((found / expected - 1.0).abs() < 1e-10, "{found} {expected}");
            }
        }
    }

    #[test]
    fn what_is_not_in_the_set_changes_nothing_else() {
        let (equity, close) = wave(100_000);
        let input = |set| PassInput { initial_capital: 990.0, close: &close, risk_free: 1e-6, set };
        let (all, column) =
            measure(&input(StatisticSet::ALL), &equity.as_slice(), &Sequential, Vec::new());
        let of = |set| {
            let (measured, equity) =
                measure(&input(set), &equity.as_slice(), &Sequential, Vec::new());
            assert_eq!(equity, column);
            assert_eq!(measured.lowest_equity, all.lowest_equity);
            measured
        };
        let returns = of(StatisticSet::RETURNS);
        assert_eq!((returns.tails, returns.drawdowns.count), (None, 0));
        assert_eq!(
            (returns.returns.squares, returns.mean_equity),
            (all.returns.squares, all.mean_equity)
        );
        let tails = of(StatisticSet::TAILS);
        assert_eq!((tails.tails, tails.returns.squares), (all.tails, 0.0));
        let drawdowns = of(StatisticSet::DRAWDOWNS);
        assert_eq!((drawdowns.drawdowns, drawdowns.tails), (all.drawdowns.clone(), None));
        assert_eq!(of(StatisticSet::NONE).returns.growth, all.returns.growth);
    }

    #[test]
    fn many_threads_measure_what_one_does_to_the_last_bit() {
        let (equity, close) = wave(150_000);
        let input = PassInput {
            initial_capital: 990.0,
            close: &close,
            risk_free: 1e-6,
            set: StatisticSet::ALL,
        };
        let (alone, _) = measure(&input, &equity.as_slice(), &Sequential, Vec::new());
        let (many, copy) = measure(&input, &equity.as_slice(), &ThreadPerPart, Vec::new());
        assert_eq!(format!("{alone:?}"), format!("{many:?}"));
        assert_eq!(copy, equity);
        assert!(alone.tails.is_some() && alone.drawdowns.count > 1_000);
    }
}
