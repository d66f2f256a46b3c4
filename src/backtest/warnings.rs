//! Notes about a run: what an expert would point out about its results.
//!
//! What is normal draws none: nearly every run has entries while in a position and exits without one.

use serde_json::{Map, Value};

use super::input::BacktestInput;
use super::settings_notes;
use super::warning_input::WarningInput;
use crate::market::BarRef;
use crate::market::time::DAY;
use crate::note::{self, Note, NoteCode};
use crate::quote::{agreeing, counted, listed};
use crate::settings::{Conflict, Direction, DirectionConflict, Execution, Settings};
use crate::signals::Signals;
use crate::simulation::{Rejection, RejectionReason, SignalKind};

/// Fewer closed trades than this say little about a strategy.
const FEW_TRADES: usize = 30;

/// Annualized metrics of fewer bars than this are mostly chance.
const FEW_BARS: usize = 100;

/// Annualized metrics of fewer days than this are mostly chance.
const FEW_DAYS: i64 = 7;

/// The default of the minimum size, which only excludes rounding errors.
const NO_MIN_SIZE: f64 = 1e-8;

/// Fills of one trade at the next open that change the final capital by at most this share, and the total return by at most
/// [`SMALL_SHARE_OF_RETURN`] of it, leave the verdict as it is.
const SMALL_SHARE_OF_CAPITAL: f64 = 0.01;
const SMALL_SHARE_OF_RETURN: f64 = 0.05;
const ORDERS_OF_A_TRADE: usize = 2;

/// Returns the notes on a run, the most serious first.
pub(super) fn find(run: &WarningInput<'_>) -> Vec<Note> {
    let mut notes: Vec<Note> = [
        dropped_exits(run),
        ruin(run),
        metrics_without_value(run),
        same_bar_fills(run),
        ambiguous_stops(run),
        few_trades(run),
        few_bars(run),
    ]
    .into_iter()
    .flatten()
    .chain(settings_notes::find(run))
    .chain(signals_without_order(run))
    .collect();
    note::sort(&mut notes);
    notes
}

/// Exits that the rules for conflicts drop by default. Other rules are chosen.
fn dropped_exits(run: &WarningInput<'_>) -> Option<Note> {
    let rules = &run.input.settings.rules;
    let dropped = |kinds: &[SignalKind]| -> usize {
        let rejections = run.simulation.rejections.iter();
        rejections
            .filter(|rejection| {
                rejection.reason == RejectionReason::ExitDropped && kinds.contains(&rejection.kind)
            })
            .map(|rejection| rejection.count as usize)
            .sum()
    };
    let by_rule = [
        (
            "uponLongConflict",
            "exit",
            rules.upon_long_conflict == Conflict::Ignore,
            dropped(&[SignalKind::LongExit]),
        ),
        (
            "uponShortConflict",
            "exit",
            rules.upon_short_conflict == Conflict::Ignore,
            dropped(&[SignalKind::ShortExit]),
        ),
        (
            "uponDirConflict",
            "opposite",
            rules.upon_dir_conflict == DirectionConflict::Ignore,
            dropped(&[SignalKind::LongEntry, SignalKind::ShortEntry]),
        ),
    ];
    let by_rule: Vec<_> =
        by_rule.into_iter().filter(|(.., is_default, count)| *is_default && *count > 0).collect();
    let &(setting, suggested, ..) = by_rule.first()?;
    let count = by_rule.iter().map(|(.., count)| count).sum();
    let ways: Vec<String> = by_rule
        .iter()
        .map(|(setting, suggested, ..)| format!("{setting}: '{suggested}'"))
        .collect();
    let text = format!(
        "{} from a position {} dropped, because an entry on the same bar cancels an exit; {} {} the exit win",
        counted(count, "exit"),
        agreeing(count, "was", "were"),
        listed(&ways),
        agreeing(ways.len(), "lets", "let")
    );
    let settings: Vec<&str> = by_rule.iter().map(|(setting, ..)| *setting).collect();
    let note = Note::new(NoteCode::ExitsDropped, text)
        .with("exits", count)
        .with("setting", setting)
        .with("suggested", suggested);
    Some(if settings.len() > 1 { note.with("settings", settings) } else { note })
}

fn ruin(run: &WarningInput<'_>) -> Option<Note> {
    if run.is_solvent {
        return None;
    }
    let bar = run.equity.iter().position(|value| *value <= 0.0)?;
    let bar = BarRef { bar, timestamps: run.input.timestamps };
    let text =
        format!("equity is at or below zero on {bar}: a broker would have closed the account");
    Some(Note::new(NoteCode::EquityBelowZero, text).with("bar", bar.bar))
}

fn metrics_without_value(run: &WarningInput<'_>) -> Option<Note> {
    if run.overflowed.is_empty() {
        return None;
    }
    let verb = agreeing(run.overflowed.len(), "has", "have");
    let subject = format!("{} {verb} no value", listed(run.overflowed));
    let reason = if run.input.bar_milliseconds.is_none() {
        "the bars are at irregular times, so they have no length in days; aggregate them to bars of a timeframe"
    } else {
        "an intermediate result is outside the range of 64-bit floating-point numbers"
    };
    let note = Note::new(NoteCode::MetricsWithoutValue, format!("{subject}: {reason}"));
    Some(note.with("metrics", run.overflowed))
}

/// Formats percent for a sentence. The digits of a huge number are noise.
fn percent(value: f64) -> String {
    if value.abs() < 1e15 { format!("{value:.2} %") } else { format!("{value:.2e} %") }
}

/// A signal that needs the close of its bar cannot be filled at that close. Of a single trade, that only matters if fills at the
/// next open come to something else.
fn same_bar_fills(run: &WarningInput<'_>) -> Option<Note> {
    let fills = run.simulation.orders.len();
    if run.input.settings.conventions.execution != Execution::Close || fills == 0 {
        return None;
    }
    let comparison = if let Some(at_next_open) = run.at_next_open {
        let difference = (at_next_open - run.total_return).abs();
        let is_small = fills <= ORDERS_OF_A_TRADE
            && difference <= SMALL_SHARE_OF_CAPITAL * (100.0 + run.total_return).abs()
            && difference <= SMALL_SHARE_OF_RETURN * run.total_return.abs();
        let (later, earlier) = (percent(at_next_open), percent(run.total_return));
        if is_small || later == earlier {
            return None;
        }
        format!(
            "; with execution: 'nextOpen', filled at the next open, total return would be {later} instead of {earlier}"
        )
    } else {
        "; with opening prices, execution: 'nextOpen' fills them at the next open".to_owned()
    };
    let orders = counted(fills, "order");
    let are = agreeing(fills, "is", "are");
    let text =
        format!("{orders} {are} filled at the close of the bar that gave the signal{comparison}");
    let note = Note::new(NoteCode::SameBarFills, text)
        .with("orders", fills)
        .with("setting", "execution")
        .with("suggested", Execution::NextOpen.as_str());
    Some(match run.at_next_open {
        Some(at_next_open) => note.with("totalReturnAtNextOpen", at_next_open),
        None => note,
    })
}

fn ambiguous_stops(run: &WarningInput<'_>) -> Option<Note> {
    let ambiguous = run.simulation.stops.ambiguous;
    (ambiguous > 0).then(|| {
        let bars = counted(ambiguous as usize, "bar");
        let text = format!(
            "{bars} touched both the stop loss and the take profit: the stop loss is assumed to come first, only finer \
             bars can tell"
        );
        Note::new(NoteCode::AmbiguousStops, text).with("bars", ambiguous)
    })
}

/// Returns whether nothing can close a position of the run.
pub(super) fn never_exits(input: &BacktestInput<'_>, signals: &Signals) -> bool {
    !signals.has_short()
        && input.settings.rules.direction != Direction::Both
        && !input.settings.stops.are_set()
        && signals.exits.count() == 0
}

fn few_trades(run: &WarningInput<'_>) -> Option<Note> {
    let trades = run.trades.status.len();
    let closed: usize = run.trades.status.iter().map(|status| usize::from(*status == 1)).sum();
    let text = if trades == 0 {
        "the run has no trades".to_owned()
    } else if closed == 0
        && trades == 1
        && run.signals.is_some_and(|signals| never_exits(run.input, signals))
    {
        "there are no exits, and the only trade is still open: a single position says little about a strategy".to_owned()
    } else if closed == 0 {
        "no trade was closed: the result says little about a strategy".to_owned()
    } else if closed < FEW_TRADES {
        let closed = counted(closed, "closed trade");
        format!("only {closed}: fewer than {FEW_TRADES} say little about a strategy")
    } else {
        return None;
    };
    Some(Note::new(NoteCode::FewTrades, text).with("trades", closed))
}

fn few_bars(run: &WarningInput<'_>) -> Option<Note> {
    let bars = run.input.prices.len();
    let span = run.input.timestamps.first().zip(run.input.timestamps.last());
    let is_short = span.is_some_and(|(first, last)| last - first < FEW_DAYS * DAY);
    if bars >= FEW_BARS && is_short {
        let text = format!(
            "the bars span less than {FEW_DAYS} days: annualized metrics are mostly chance, and whether the market closes at \
             weekends is not known"
        );
        return Some(Note::new(NoteCode::FewBars, text).with("bars", bars));
    }
    (bars < FEW_BARS).then(|| {
        let counted = counted(bars, "bar");
        let text = format!(
            "metrics are computed from only {counted}: with fewer than {FEW_BARS}, annualized ones are mostly chance"
        );
        Note::new(NoteCode::FewBars, text).with("bars", bars)
    })
}

/// Returns whether a signal without an order changes what the run says, if there are no orders at all or in any case.
fn matters(rejection: Rejection, has_orders: bool) -> bool {
    let is_entry = matches!(rejection.kind, SignalKind::LongEntry | SignalKind::ShortEntry);
    match rejection.reason {
        RejectionReason::SizeZero
        | RejectionReason::NoCash
        | RejectionReason::NoFreeCash
        | RejectionReason::CannotCoverFees
        | RejectionReason::BelowMinSize
        | RejectionReason::AboveMaxSize
        | RejectionReason::PartialFill => true,
        // The stop closed the position itself.
        RejectionReason::StopWentFirst => is_entry,
        RejectionReason::Conflict | RejectionReason::NoNextBar => is_entry && !has_orders,
        // Each is what the settings say; exits that are dropped by default have a note of their own.
        RejectionReason::ExitDropped
        | RejectionReason::OtherSignalWentFirst
        | RejectionReason::AlreadyInPosition
        | RejectionReason::NoPosition
        | RejectionReason::OppositeEntryIgnored => false,
    }
}

/// Returns the setting that would let a rejected order through.
fn setting_of(rejection: Rejection, settings: &Settings) -> Option<&'static str> {
    Some(match (rejection.reason, rejection.kind) {
        (RejectionReason::SizeZero, _) => "sizeGranularity",
        (RejectionReason::NoCash | RejectionReason::NoFreeCash, _) => "size",
        (RejectionReason::CannotCoverFees, _) if settings.costs.fixed_fees > 0.0 => "fixedFees",
        (RejectionReason::BelowMinSize, _) if settings.sizing.size_granularity.is_some() => {
            "sizeGranularity"
        }
        (RejectionReason::BelowMinSize, _) if settings.sizing.min_size > NO_MIN_SIZE => "minSize",
        (RejectionReason::AboveMaxSize, _) => "maxSize",
        (RejectionReason::PartialFill, _) => "allowPartial",
        (RejectionReason::Conflict, SignalKind::LongEntry) => "uponLongConflict",
        (RejectionReason::Conflict, SignalKind::ShortEntry) => "uponShortConflict",
        _ => return None,
    })
}

fn signals_without_order<'a>(run: &'a WarningInput<'_>) -> impl Iterator<Item = Note> + 'a {
    let has_orders = !run.simulation.orders.is_empty();
    // A note about the setting says that later entries find no cash.
    let is_known = run.input.settings.accumulates_nothing();
    SignalKind::ALL.into_iter().filter_map(move |kind| {
        let mut rejections: Vec<Rejection> = run
            .simulation
            .rejections
            .iter()
            .copied()
            .filter(|rejection| rejection.kind == kind && matters(*rejection, has_orders))
            .filter(|rejection| {
                !(is_known && has_orders && rejection.reason == RejectionReason::NoCash)
            })
            .collect();
        rejections.sort_by_key(|rejection| std::cmp::Reverse(rejection.count));
        let total: usize = rejections.iter().map(|rejection| rejection.count as usize).sum();
        let count_of = |rejection: &Rejection| (rejection.reason.as_str(), rejection.count);
        let reasons: Vec<(&str, u32)> = rejections.iter().map(count_of).collect();
        let texts: Vec<String> =
            reasons.iter().map(|(reason, count)| format!("{reason} ({count})")).collect();
        (total > 0).then(|| {
            let signals = counted(total, &format!("{} signal", kind.as_str()));
            let text = format!("{signals} made no order: {}", texts.join(", "));
            let reasons: Map<String, Value> =
                reasons.iter().map(|&(reason, count)| (reason.to_owned(), count.into())).collect();
            let note = Note::new(NoteCode::SignalsWithoutOrder, text)
                .with("kind", kind.as_str())
                .with("signals", total)
                .with("reasons", reasons);
            match rejections.iter().find_map(|rejection| setting_of(*rejection, run.input.settings))
            {
                Some(setting) => note.with("setting", setting),
                None => note,
            }
        })
    })
}
