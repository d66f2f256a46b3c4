//! What an expert would say about a run before believing it.

use crate::market::BarRef;
use crate::observer::ProgressObserver;
use crate::portfolio::Portfolio;
use crate::signals::Signals;
use crate::simulation::options::Execution;
use crate::simulation::{self, Options, Prices, SignalKind, Simulation};

use super::compute::Terms;

/// Fewer closed trades than this say little about a strategy.
const FEW_TRADES: usize = 30;

/// Annualised metrics of fewer bars than this are mostly chance.
const FEW_BARS: usize = 100;

/// A run, as far as warnings look at it.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) bars: usize,
    pub(super) timestamps: &'a [i64],
    pub(super) options: &'a Options,
    pub(super) simulation: &'a Simulation,
    pub(super) portfolio: &'a Portfolio,
    pub(super) is_solvent: bool,
    pub(super) total_return: f64,
    /// The total return with fills at the next open, percent; where it is known.
    pub(super) next_open: Option<f64>,
    /// Metrics that have no value because a number on the way to it overflows.
    pub(super) overflowed: &'a [&'static str],
}

/// Returns the warnings of a run, the gravest first.
pub(super) fn of(run: &Subject<'_>) -> Vec<String> {
    [
        ruin(run),
        overflowed_metrics(run),
        same_bar_fills(run),
        ambiguous_stops(run),
        few_trades(run),
        few_bars(run),
    ]
    .into_iter()
    .flatten()
    .chain(unexecuted(run))
    .collect()
}

fn ruin(run: &Subject<'_>) -> Option<String> {
    if run.is_solvent {
        return None;
    }
    let bar = run.portfolio.equity.iter().position(|value| *value <= 0.0)?;
    let bar = BarRef { bar, timestamps: run.timestamps };
    Some(format!("equity is at or below zero on {bar}: a broker would have closed the account"))
}

fn overflowed_metrics(run: &Subject<'_>) -> Option<String> {
    let subject = match run.overflowed {
        [] => return None,
        [only] => format!("{only} has no value"),
        [first @ .., last] => format!("{} and {last} have no value", first.join(", ")),
    };
    Some(format!(
        "{subject}: a number needed for it is outside the range of 64-bit floating-point numbers"
    ))
}

/// Writes percent for a sentence; all digits of a number that is huge are noise.
fn percent(value: f64) -> String {
    if value.abs() < 1e15 { format!("{value:.2} %") } else { format!("{value:.2e} %") }
}

/// A signal that needs a bar's close cannot be filled at that close.
fn same_bar_fills(run: &Subject<'_>) -> Option<String> {
    if run.options.execution != Execution::Close || run.simulation.orders.is_empty() {
        return None;
    }
    let fills = run.simulation.orders.len();
    let known = run.next_open.map_or_else(String::new, |next_open| {
        format!(
            "; filled at the next open, total return would be {} instead of {}",
            percent(next_open),
            percent(run.total_return)
        )
    });
    Some(format!(
        "{fills} orders are filled at the close of the bar that gave the signal{known} (simulation.execution: nextOpen)"
    ))
}

/// Returns what fills at the close are worth: the total return, percent, of the same run with fills at the next open.
/// Nothing where opens are not known or fills are there already.
pub(super) fn next_open_return(
    prices: &Prices<'_>,
    signals: &Signals,
    run: &Simulation,
    terms: &Terms<'_>,
    observer: &dyn ProgressObserver,
) -> Option<f64> {
    let opens = prices.open()?;
    if terms.options.execution != Execution::Close {
        return None;
    }
    let capital = terms.initial_capital;
    let (cash, position) = run.at_next_open(opens, capital, terms.options).or_else(|| {
        let options = Options { execution: Execution::NextOpen, ..terms.options.clone() };
        let later = simulation::simulate(prices, signals, capital, &options, observer).ok()?;
        Some((later.cash, later.position))
    })?;
    let end = cash + position * prices.close().last()?;
    Some((end - capital) / capital * 100.0).filter(|percent| percent.is_finite())
}

fn ambiguous_stops(run: &Subject<'_>) -> Option<String> {
    let count = run.simulation.stops.ambiguous;
    (count > 0).then(|| {
        format!(
            "{count} bars touched the stop loss and the take profit both: the stop loss was taken to come first, \
             which only finer bars can tell"
        )
    })
}

fn few_trades(run: &Subject<'_>) -> Option<String> {
    let closed: usize =
        run.portfolio.trades.status.iter().map(|status| usize::from(*status == 1)).sum();
    (closed < FEW_TRADES).then(|| {
        format!("only {closed} closed trades: fewer than {FEW_TRADES} say little about a strategy")
    })
}

fn few_bars(run: &Subject<'_>) -> Option<String> {
    let bars = run.bars;
    (bars < FEW_BARS).then(|| {
        format!("metrics rest on only {bars} bars: with fewer than {FEW_BARS}, annualised ones are mostly chance")
    })
}

fn unexecuted<'a>(run: &'a Subject<'_>) -> impl Iterator<Item = String> + 'a {
    SignalKind::ALL.into_iter().filter_map(|kind| {
        let of_kind = run.simulation.unexecuted.iter().filter(|signals| signals.kind == kind);
        let reasons: Vec<String> = of_kind
            .clone()
            .map(|signals| format!("{} ({})", signals.reason.as_str(), signals.count))
            .collect();
        let total: u64 = of_kind.map(|signals| u64::from(signals.count)).sum();
        (total > 0).then(|| {
            format!("{total} {} signals made no order: {}", kind.as_str(), reasons.join(", "))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::time;
    use crate::observer::NoObserver;
    use crate::portfolio;
    use crate::signals::Bits;

    const CLOSE: [f64; 5] = [100.0, 110.0, 105.0, 120.0, 90.0];
    const OPEN: [f64; 5] = [99.0, 108.0, 109.0, 106.0, 118.0];

    fn warnings(entries: &[usize], exits: &[usize], options: &Options) -> Vec<String> {
        let at = |bars: &[usize]| Bits::from_fn(5, |bar| bars.contains(&bar));
        let signals = Signals { entries: at(entries), exits: at(exits), ..Signals::default() };
        let high: Vec<f64> = CLOSE.iter().map(|close| close * 1.2).collect();
        let low: Vec<f64> = CLOSE.iter().map(|close| close * 0.8).collect();
        let prices = Prices::new(Some(&OPEN), Some(&high), Some(&low), &CLOSE).unwrap();
        let simulation =
            simulation::simulate(&prices, &signals, 1000.0, options, &NoObserver).unwrap();
        let portfolio =
            portfolio::evaluate(&CLOSE, &simulation.orders, 1000.0, &NoObserver).unwrap();
        let total_return = portfolio.equity.last().unwrap() / 10.0 - 100.0;
        let terms = Terms { initial_capital: 1000.0, options, bar_milliseconds: time::DAY };
        let subject = Subject {
            bars: 5,
            timestamps: &[0, time::DAY, 2 * time::DAY, 3 * time::DAY, 4 * time::DAY],
            options,
            simulation: &simulation,
            portfolio: &portfolio,
            is_solvent: portfolio.equity.iter().all(|value| *value > 0.0),
            total_return,
            next_open: next_open_return(&prices, &signals, &simulation, &terms, &NoObserver),
            overflowed: &[],
        };
        of(&subject)
    }

    #[test]
    fn same_bar_fills_name_what_the_next_open_gives() {
        // vectorbt 1.2.0: G1 makes 1045.8 of 1000, and G6, the same signals a bar later at the open, 977.56.
        let found = warnings(&[0], &[2], &Options::default());
        assert!(
            found[0].starts_with("2 orders are filled at the close of the bar that gave the signal; filled at the next open"),
            "{found:?}"
        );
        assert!(found[0].contains("would be -2.24 % instead of 4.58 %"), "{found:?}");
        let next_open = Options { execution: Execution::NextOpen, ..Options::default() };
        assert!(!warnings(&[0], &[2], &next_open).iter().any(|text| text.contains("next open")));
    }

    #[test]
    fn ruin_is_dated_and_signals_without_orders_are_counted() {
        let options = Options {
            direction: crate::simulation::options::Direction::ShortOnly,
            ..Options::default()
        };
        assert!(!warnings(&[0], &[], &options).iter().any(|text| text.contains("below zero")));
        let ruined = warnings(&[0], &[], &Options { size: 60.0, ..options });
        assert!(
            ruined[0].starts_with("equity is at or below zero on bar 3 (1970-01-04)"),
            "{ruined:?}"
        );
        let found = warnings(&[0, 1], &[2, 3], &Options::default());
        assert!(
            found
                .iter()
                .any(|text| text == "1 long entry signals made no order: already in position (1)"),
            "{found:?}"
        );
        assert!(
            found
                .iter()
                .any(|text| text == "1 long exit signals made no order: no position to close (1)"),
            "{found:?}"
        );
    }

    #[test]
    fn a_stop_and_a_target_inside_one_bar_are_told() {
        let options = Options { sl_stop: Some(0.1), tp_stop: Some(0.1), ..Options::default() };
        let found = warnings(&[0], &[], &options);
        assert!(
            found
                .iter()
                .any(|text| text.starts_with("1 bars touched the stop loss and the take profit")),
            "{found:?}"
        );
    }

    #[test]
    fn few_trades_and_few_bars_are_told() {
        let found = warnings(&[], &[], &Options::default());
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("0 closed trades") && found[1].contains("only 5 bars"),
            "{found:?}"
        );
    }
}
