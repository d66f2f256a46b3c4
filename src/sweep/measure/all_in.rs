//! Runs whose orders are all in and all out, from the words of their signals to statistics in one go.
//!
//! Between two orders nothing happens to such a run: it is flat, or has the returns of the asset, whose sums are differences
//! of prefix sums. The returns of the bars with an order have costs in them and are computed one by one. Sizes, fees and cash
//! are computed by the operations of the simulation, so that every comparison of amounts has the same outcome as there.

use super::events::{Found, Rule, find};
use super::falls::Falls;
use super::return_sums::{BarSums, Differences, HeldSums, moments};
use super::scratch::Scratch;
use super::stops::{find_with_stops, stops_close, to_words};
use super::tables::{Row, Tables};
use super::trade_block::{BLOCK, TradeBlock};
use super::trial_sums::TrialSums;
use super::wanted::Wanted;
use crate::backtest::BacktestInput;
use crate::compute::multiversion::{F64x4, Lanes, Simd, simd_multiversion};
use crate::error::Result;
use crate::metrics::StatisticSet;
use crate::metrics::statistics::{
    DrawdownStatistics, ExposureStatistics, ReturnStatistics, TradeStatistics,
};
use crate::numbers::count_to_f64;
use crate::settings::{Accumulate, Costs, Direction, Execution, Settings, SizeType};
use crate::simulation::{AllInPurchase, AllInSale, add};
use crate::sweep::swept_signals::SweptSignals;

/// What a run comes to.
#[derive(Debug)]
pub(super) struct Measures {
    pub(super) final_capital: f64,
    pub(super) mean_equity: f64,
    pub(super) returns: ReturnStatistics,
    pub(super) drawdowns: DrawdownStatistics,
    pub(super) exposure: ExposureStatistics,
    pub(super) trades: TradeStatistics,
    pub(super) rejected_signals: usize,
}

/// Returns whether the settings allow all-in orders only, and nothing else can change a position.
pub(super) fn applies(settings: &Settings, signals: &SweptSignals<'_>) -> bool {
    let (sizing, rules) = (&settings.sizing, &settings.rules);
    sizing.size_type == SizeType::Amount
        && sizing.size.is_infinite()
        && sizing.max_size.is_infinite()
        && sizing.size_granularity.is_none()
        && rules.accumulate == Accumulate::Disabled
        && rules.direction == Direction::LongOnly
        && signals.short_entries.is_none()
        && signals.short_exits.is_none()
        && stops_close(settings)
        && costs_are_usual(&settings.costs)
}

/// Returns whether costs take a small part of an order.
fn costs_are_usual(costs: &Costs) -> bool {
    costs.fees.abs() < 0.5 && (0.0..0.5).contains(&costs.slippage) && costs.fixed_fees.is_finite()
}

/// Measures a run; `None` if anything about it is unusual.
///
/// # Errors
/// `LIMIT_EXCEEDED` if the memory cannot be allocated.
pub(super) fn measure(
    tables: &Tables,
    input: &BacktestInput<'_>,
    signals: &SweptSignals<'_>,
    wanted: &Wanted<'_>,
    scratch: &mut Scratch,
) -> Result<Option<Measures>> {
    if input.settings.conventions.execution == Execution::NextOpen && input.prices.open().is_none()
    {
        return Ok(None);
    }
    scratch.prepare(tables.bars)?;
    if input.settings.stops.are_set() {
        scratch.prepare_exits(tables.bars)?;
    }
    if wanted.sums {
        scratch.prepare_sums(tables.bars)?;
    }
    Ok(fused(tables, input, signals, wanted, scratch))
}

/// Sums over closed trades.
#[derive(Debug, Clone, Copy)]
struct ResultSums<N> {
    zero: N,
    fees: N,
    traded: N,
    pnl: N,
    won: N,
    lost: N,
    percent: N,
    won_percent: N,
    lost_percent: N,
    best: N,
    worst: N,
}

impl<N: Lanes> ResultSums<N> {
    #[inline(always)]
    fn new(zero: N, best: N, worst: N) -> Self {
        Self {
            zero,
            fees: zero,
            traded: zero,
            pnl: zero,
            won: zero,
            lost: zero,
            percent: zero,
            won_percent: zero,
            lost_percent: zero,
            best,
            worst,
        }
    }

    #[inline(always)]
    fn add(&mut self, pnl: N, percent: N) {
        self.pnl = self.pnl + pnl;
        self.won = self.won + pnl.pmax(self.zero);
        self.lost = self.lost + pnl.pmin(self.zero);
        self.percent = self.percent + percent;
        self.won_percent = self.won_percent + percent.pmax(self.zero);
        self.lost_percent = self.lost_percent + percent.pmin(self.zero);
        self.best = percent.pmax(self.best);
        self.worst = percent.pmin(self.worst);
    }
}

/// Wins and losses in a row so far.
#[derive(Debug, Clone, Copy, Default)]
struct Streak {
    now: usize,
    longest: usize,
}

impl Streak {
    #[inline(always)]
    fn add(&mut self, counts: bool) {
        self.now = if counts { self.now + 1 } else { 0 };
        self.longest = self.longest.max(self.now);
    }
}

/// Everything that is summed up from trade to trade.
struct Run<P: Simd> {
    simd: P,
    held: HeldSums<P::F64x4>,
    bars: BarSums<P::F64x4>,
    bars_rest: BarSums<f64>,
    results: ResultSums<P::F64x4>,
    results_rest: ResultSums<f64>,
    trades: TradeStatistics,
    wins: Streak,
    losses: Streak,
    /// Sums of r and r² so far.
    so_far: [f64; 2],
}

impl<P: Simd> Run<P> {
    #[inline(always)]
    fn new(simd: P, risk_free: f64) -> Self {
        let splat = |value| simd.splat(value);
        let (most, least) = (f64::NEG_INFINITY, f64::INFINITY);
        Self {
            simd,
            held: HeldSums::new(simd),
            bars: BarSums::new(splat(0.0), splat(risk_free)),
            bars_rest: BarSums::new(0.0, risk_free),
            results: ResultSums::new(splat(0.0), splat(most), splat(least)),
            results_rest: ResultSums::new(0.0, most, least),
            trades: TradeStatistics::default(),
            wins: Streak::default(),
            losses: Streak::default(),
            so_far: [0.0; 2],
        }
    }

    /// Adds the returns of the bars with an order.
    #[inline(always)]
    fn add_returns(&mut self, block: &mut TradeBlock, count: usize) {
        let simd = self.simd;
        let fours = count / 4;
        let columns = (
            block.cash.as_chunks::<4>().0.iter(),
            block.entered.as_chunks::<4>().0.iter(),
            block.held.as_chunks::<4>().0.iter(),
            block.after.as_chunks::<4>().0.iter(),
            block.entry_benchmark.as_chunks::<4>().0.iter(),
            block.exit_benchmark.as_chunks::<4>().0.iter(),
        );
        let into = block.entry_return.as_chunks_mut::<4>().0.iter_mut();
        let into = into.zip(block.exit_return.as_chunks_mut::<4>().0.iter_mut());
        let rows = columns.0.zip(columns.1).zip(columns.2).zip(columns.3);
        let rows = rows.zip(columns.4).zip(columns.5).zip(into).take(fours);
        for ((((((cash, entered), held), after), b_entry), b_exit), (to_entry, to_exit)) in rows {
            let (cash, held) = (simd.load(cash), simd.load(held));
            let r_entry = (simd.load(entered) - cash) / cash;
            let r_exit = (simd.load(after) - held) / held;
            self.bars.add(r_entry, simd.load(b_entry));
            self.bars.add(r_exit, simd.load(b_exit));
            *to_entry = r_entry.to_array();
            *to_exit = r_exit.to_array();
        }
        for trade in fours * 4..count.min(BLOCK) {
            let r_entry = (block.entered[trade] - block.cash[trade]) / block.cash[trade];
            let r_exit = (block.after[trade] - block.held[trade]) / block.held[trade];
            self.bars_rest.add(r_entry, block.entry_benchmark[trade]);
            self.bars_rest.add(r_exit, block.exit_benchmark[trade]);
            block.entry_return[trade] = r_entry;
            block.exit_return[trade] = r_exit;
        }
    }

    /// Adds the results of trades, and writes them to `results`.
    #[inline(always)]
    fn add_results(
        &mut self,
        block: &TradeBlock,
        count: usize,
        with_streaks: bool,
        results: &mut [f64],
    ) {
        let simd = self.simd;
        let fours = count / 4;
        let columns = (
            block.size.as_chunks::<4>().0.iter(),
            block.bought.as_chunks::<4>().0.iter(),
            block.received.as_chunks::<4>().0.iter(),
            block.entry_fees.as_chunks::<4>().0.iter(),
            block.exit_fees.as_chunks::<4>().0.iter(),
        );
        let rows = columns.0.zip(columns.1).zip(columns.2).zip(columns.3).zip(columns.4);
        let rows = rows.zip(results.as_chunks_mut::<4>().0.iter_mut()).take(fours);
        let (close_to, hundred, zero) = (simd.splat(2e-9), simd.splat(100.0), simd.splat(0.0));
        for (number, (((((size, bought), received), entry_fees), exit_fees), to)) in
            rows.enumerate()
        {
            let (size_lanes, bought_lanes) = (simd.load(size), simd.load(bought));
            let received_lanes = simd.load(received);
            let (entry_lanes, exit_lanes) = (simd.load(entry_fees), simd.load(exit_fees));
            self.results.fees = self.results.fees + (entry_lanes + exit_lanes);
            self.results.traded = self.results.traded + (bought_lanes + received_lanes);
            let value = size_lanes * (bought_lanes / size_lanes);
            let gain = received_lanes - value;
            let rounding = value * close_to;
            if (gain * gain).gt_mask(rounding * rounding) == 0b1111 {
                let pnl = gain - entry_lanes - exit_lanes + zero;
                *to = pnl.to_array();
                self.results.add(pnl, pnl / value * hundred);
            } else {
                // A gain within rounding error of 0 is 0.
                for (lane, to) in to.iter_mut().enumerate() {
                    let (pnl, percent) = result(block, number * 4 + lane);
                    *to = pnl;
                    self.results_rest.add(pnl, percent);
                }
            }
        }
        for trade in fours * 4..count.min(BLOCK) {
            let (pnl, percent) = result(block, trade);
            self.results_rest.fees += block.entry_fees[trade] + block.exit_fees[trade];
            self.results_rest.traded += block.bought[trade] + block.received[trade];
            self.results_rest.add(pnl, percent);
            if let Some(to) = results.get_mut(trade) {
                *to = pnl;
            }
        }
        let (mut won, mut lost) = (0, 0);
        for &pnl in results.iter().take(count) {
            won += usize::from(pnl > 0.0);
            lost += usize::from(pnl < 0.0);
        }
        self.trades.wins.count += won;
        self.trades.losses.count += lost;
        if with_streaks {
            for (&pnl, &bars) in results.iter().zip(&block.bars).take(count) {
                self.wins.add(pnl > 0.0);
                self.losses.add(pnl < 0.0);
                self.trades.wins.bars += if pnl > 0.0 { u64::from(bars) } else { 0 };
                self.trades.losses.bars += if pnl < 0.0 { u64::from(bars) } else { 0 };
            }
        }
    }

    /// Writes the sums of r and r² before each event of the trades and after the last one.
    #[inline(always)]
    fn add_event_sums(
        &mut self,
        tables: &Tables,
        block: &TradeBlock,
        pairs: &[[u32; 2]],
        sums: &mut [[f64; 2]],
    ) {
        let rows = pairs.iter().zip(&block.entry_return).zip(&block.exit_return);
        let rows = rows.zip(&block.between).zip(sums.as_chunks_mut::<2>().0);
        for ((((pair, &r_entry), &r_exit), between), [inside, after]) in rows {
            let [entry, _] = *pair;
            let row = tables.rows.get(entry as usize).copied().unwrap_or_default();
            let [returns, squares] = self.so_far;
            *inside = entered([returns, squares], r_entry, &row);
            self.so_far = [
                returns + r_entry + between[0] + r_exit,
                squares + r_entry * r_entry + between[1] + r_exit * r_exit,
            ];
            *after = self.so_far;
        }
    }
}

/// Returns what a row of the tables completes to the sums of r and r² up to its bar, while the position is held.
#[inline(always)]
fn entered([returns, squares]: [f64; 2], r_entry: f64, entry: &Row) -> [f64; 2] {
    [returns + r_entry - entry.low[0], squares + r_entry * r_entry - entry.low[1]]
}

/// Returns the result of a trade of a block, money and percent, by the operations of [`crate::portfolio::Trades`].
#[inline(always)]
fn result(block: &TradeBlock, trade: usize) -> (f64, f64) {
    // The mask only removes the bounds check.
    let trade = trade & (BLOCK - 1);
    let size = block.size[trade];
    let entry_price = block.bought[trade] / size;
    let gain = add(block.received[trade], -size * entry_price);
    let pnl = gain - block.entry_fees[trade] - block.exit_fees[trade] + 0.0;
    (pnl, pnl / (size * entry_price) * 100.0)
}

/// Amounts within these bounds are moderate: no rounding to zero and no overflow happens to them.
const CASH: std::ops::Range<f64> = 1e-3..1e100;
const SIZE: std::ops::Range<f64> = 1e-9..1e150;

/// The least and the largest amounts of a run.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    cash: [f64; 2],
    size: [f64; 2],
}

impl Bounds {
    const NONE: [f64; 2] = [f64::INFINITY, f64::NEG_INFINITY];

    #[inline(always)]
    fn with([least, most]: [f64; 2], value: f64) -> [f64; 2] {
        [value.pmin(least), value.pmax(most)]
    }

    #[inline(always)]
    fn add(&mut self, cash: f64, size: f64) {
        self.cash = Self::with(self.cash, cash);
        self.size = Self::with(self.size, size);
    }

    /// Returns whether every order is filled as the simulation fills it: nothing of it is within rounding error of zero.
    ///
    /// With cash of twice the fixed fee before and after each order, neither a purchase nor a sale is used up by fees.
    fn are_usual(&self, settings: &Settings) -> bool {
        let within = |range: &std::ops::Range<f64>, [least, most]: [f64; 2]| {
            least > most || range.contains(&least) && range.contains(&most)
        };
        within(&CASH, self.cash)
            && within(&SIZE, self.size)
            && self.cash[0] > 2.0 * settings.costs.fixed_fees.abs()
            && self.size[0] >= settings.sizing.min_size
    }
}

/// Buys with all cash.
#[inline(always)]
fn purchase(costs: &Costs, cash: f64, price: f64) -> AllInPurchase {
    AllInPurchase::new(costs, cash, cash - costs.fixed_fees, price)
}

simd_multiversion! {
    /// Measures a run; `None` if anything about it is unusual.
    #[allow(clippy::too_many_lines, reason = "one loop over trades, and what is carried from one to the next")]
    fn fused(
        simd,
        tables: &Tables,
        input: &BacktestInput<'_>,
        signals: &SweptSignals<'_>,
        wanted: &Wanted<'_>,
        scratch: &mut Scratch,
    ) -> Option<Measures> {
        let settings = input.settings;
        let costs = &settings.costs;
        let bars = tables.bars;
        let close = input.prices.close().get(..bars)?;
        let (rows, points) = (tables.rows.get(..bars)?, tables.points.get(..bars)?);
        let Scratch { events, event_words, event_sums, results, exits, block, .. } = scratch;
        let words = (signals.entries, signals.exits);
        let rule = Rule::new(settings.rules.upon_long_conflict);
        let is_later = settings.conventions.execution == Execution::NextOpen;
        let has_stops = settings.stops.are_set();
        let Found { events: count, signals: given, stops } = match (is_later, wanted.sums) {
            _ if has_stops => {
                let found = find_with_stops(words, &tables.stops, &input.prices, settings, rule, events, exits);
                if wanted.sums {
                    to_words(events.get(..found.events)?, event_words);
                }
                found
            }
            (false, false) => find::<false, false>(words, bars, rule, events, event_words),
            (false, true) => find::<false, true>(words, bars, rule, events, event_words),
            (true, false) => find::<true, false>(words, bars, rule, events, event_words),
            (true, true) => find::<true, true>(words, bars, rule, events, event_words),
        };
        let (pairs, open) = events.get(..count)?.as_chunks::<2>();
        let wants_falls = wanted.set.contains(StatisticSet::DRAWDOWNS);
        let mut run = Run::new(simd, tables.risk_free);
        let mut falls = Falls::new();
        let (mut cash, mut flat_from) = (input.initial_capital, 0_usize);
        let (mut equity, mut slippage, mut bars_held) = (0.0, 0.0, 0_usize);
        let mut bounds = Bounds { cash: [cash, cash], size: Bounds::NONE };
        if wanted.sums {
            *event_sums.first_mut()? = [0.0; 2];
        }
        let wants_results = wanted.set.contains(StatisticSet::TRADES)
            || wanted.set.contains(StatisticSet::EXPOSURE);
        for (number, pairs) in pairs.chunks(BLOCK).enumerate() {
            for (trade, &[entry, exit]) in pairs.iter().enumerate() {
                // The mask only removes the bounds checks.
                let trade = trade & (BLOCK - 1);
                let (entry, exit) = (entry as usize, exit as usize);
                if entry >= exit || exit >= bars {
                    return None;
                }
                let (Some(entry_row), Some(last_row)) = (rows.get(entry), rows.get(exit - 1)) else {
                    return None;
                };
                let (Some(at_entry), Some(at_last), Some(at_exit)) =
                    (points.get(entry), points.get(exit - 1), points.get(exit))
                else {
                    return None;
                };
                let entry_fill = if is_later { at_entry.open } else { at_entry.close };
                let (mut exit_fill, mut exit_slippage) =
                    (if is_later { at_exit.open } else { at_exit.close }, costs.slippage);
                if has_stops {
                    [exit_fill, exit_slippage] = *exits.get(number * BLOCK + trade)?;
                }
                let bought = purchase(costs, cash, entry_fill);
                let size = bought.size;
                let sold = AllInSale::new(costs, size, exit_slippage, exit_fill);
                let after = sold.received - sold.fees;
                bounds.add(after, size);
                let held = exit - entry;
                block.cash[trade] = cash;
                block.entered[trade] = at_entry.close * size;
                block.held[trade] = at_last.close * size;
                block.after[trade] = after;
                block.size[trade] = size;
                block.bought[trade] = size * bought.price;
                block.received[trade] = sold.received;
                block.entry_fees[trade] = bought.fees;
                block.exit_fees[trade] = sold.fees;
                block.entry_benchmark[trade] = at_entry.benchmark;
                block.exit_benchmark[trade] = at_exit.benchmark;
                block.bars[trade] = u32::try_from(held).unwrap_or(u32::MAX);
                let between = run.held.add(simd, entry_row, last_row);
                if wanted.sums {
                    block.between[trade] = between.to_array();
                }
                slippage += size * (bought.price - entry_fill) + size * (exit_fill - sold.price);
                equity += cash * count_to_f64(entry - flat_from)
                    + size * (last_row.high[3] - entry_row.high[3] + at_entry.close);
                bars_held += held;
                if wants_falls {
                    if entry > flat_from {
                        falls.flat(cash, entry - flat_from);
                    }
                    falls.invested(tables, close, size, entry, exit);
                }
                flat_from = exit;
                cash = after;
            }
            run.add_returns(block, pairs.len());
            if wants_results {
                let results = results.get_mut(number * BLOCK..)?;
                run.add_results(block, pairs.len(), wanted.streaks, results);
            }
            if wanted.sums {
                run.add_event_sums(tables, block, pairs, event_sums.get_mut(1 + 2 * number * BLOCK..)?);
            }
        }
        let mut exposure = bars_held;
        let mut final_capital = cash;
        if let Some(&entry) = open.first() {
            let entry = entry as usize;
            let at_entry = points.get(entry)?;
            let entry_close = at_entry.close;
            let entry_fill = if is_later { at_entry.open } else { entry_close };
            let (entry_row, last_row, &last_close) = (rows.get(entry)?, rows.last()?, close.last()?);
            let bought = purchase(costs, cash, entry_fill);
            let size = bought.size;
            bounds.add(cash, size);
            run.held.add(simd, entry_row, last_row);
            let r_entry = (entry_close * size - cash) / cash;
            run.bars_rest.add(r_entry, at_entry.benchmark);
            if wanted.sums {
                let sums = event_sums.get_mut(count)?;
                *sums = entered(run.so_far, r_entry, entry_row);
            }
            slippage += size * (bought.price - entry_fill);
            equity += cash * count_to_f64(entry - flat_from)
                + size * (last_row.high[3] - entry_row.high[3] + entry_close);
            run.results_rest.fees += bought.fees;
            run.results_rest.traded += size * bought.price;
            // The exit of an open trade is at the last close, without costs.
            let entry_price = size * bought.price / size;
            let gain = add(size * last_close, -size * entry_price);
            run.trades.open_pnl = gain - bought.fees - 0.0 + 0.0;
            run.trades.total = 1;
            if wants_falls {
                if entry > flat_from {
                    falls.flat(cash, entry - flat_from);
                }
                falls.invested(tables, close, size, entry, bars);
            }
            final_capital = last_close * size;
            bars_held += bars - entry;
            exposure += bars - 1 - entry;
        } else {
            equity += cash * count_to_f64(bars - flat_from);
            if wants_falls {
                falls.flat(cash, bars - flat_from);
            }
        }
        if !bounds.are_usual(settings) || !CASH.contains(&final_capital) {
            return None;
        }
        let Run { held, bars: mut_sums, bars_rest, results: sums, results_rest, mut trades, wins, losses, .. } = run;
        let mut all = mut_sums.sum();
        all.append(&bars_rest);
        all.add_held(held.low.to_array(), held.high.to_array());
        // Σ b² of the bars without a position, whose r − b is −b. What is added up so far is of the other bars.
        let flat_bars = bars - (bars_held + pairs.len());
        all.add_flat(flat_bars, tables.benchmark_square_sum - all.benchmark);
        let mut returns = if wanted.set.contains(StatisticSet::RETURNS) {
            let held = pairs.len() + open.len();
            moments(tables, &all, Differences { held, flat: held + 1 })?
        } else {
            ReturnStatistics { count: bars, ..ReturnStatistics::default() }
        };
        let drawdowns = if wants_falls { falls.finish()? } else { DrawdownStatistics::default() };
        returns.growth = final_capital / input.initial_capital;
        returns.deepest_drawdown = drawdowns.deepest;
        returns.squared_drawdowns = drawdowns.squares;

        trades.total += pairs.len();
        trades.closed.count = pairs.len();
        trades.long = trades.total;
        trades.closed.pnl = sums.pnl.sum() + results_rest.pnl;
        trades.closed.percent = sums.percent.sum() + results_rest.percent;
        trades.closed.bars = closed_bars(bars_held, bars, open);
        trades.wins.pnl = sums.won.sum() + results_rest.won;
        trades.wins.percent = sums.won_percent.sum() + results_rest.won_percent;
        trades.losses.pnl = sums.lost.sum() + results_rest.lost;
        trades.losses.percent = sums.lost_percent.sum() + results_rest.lost_percent;
        trades.wins.longest_streak = wins.longest;
        trades.losses.longest_streak = losses.longest;
        if let Some(mean) = trades.closed.mean(trades.closed.pnl).filter(|_| wants_results) {
            trades.best = Some(sums.best.reduce_max().pmax(results_rest.best));
            trades.worst = Some(sums.worst.reduce_min().pmin(results_rest.worst));
            trades.squares = squares_around(simd, mean, results.get(..pairs.len())?);
        }
        let exposure_statistics = ExposureStatistics {
            fees: sums.fees.sum() + results_rest.fees,
            slippage,
            traded_value: sums.traded.sum() + results_rest.traded,
            max_gross: Some(if count > 0 { 1.0 } else { 0.0 }),
            time_in_market: Some(count_to_f64(bars_held) / count_to_f64(bars)),
        };
        if wanted.sums {
            let marks = &mut scratch.marks;
            mark(tables, event_words, event_sums, count, marks);
            scratch.finish_sums(&tables.boundaries, &TrialSums {
                bars,
                returns: all.returns,
                squares: all.squares,
                products: all.products,
                exposure: count_to_f64(exposure),
                ..TrialSums::default()
            });
        }
        Some(Measures {
            final_capital,
            mean_equity: equity / count_to_f64(bars),
            returns,
            drawdowns,
            exposure: exposure_statistics,
            trades,
            rejected_signals: given + stops - count,
        })
    }
}

/// Returns the bars of all closed trades.
#[inline(always)]
fn closed_bars(bars_held: usize, bars: usize, open: &[u32]) -> u64 {
    let of_open = open.first().map_or(0, |&entry| bars - entry as usize);
    u64::try_from(bars_held - of_open).unwrap_or(u64::MAX)
}

/// Returns the sum of the squared distances of values from their mean.
#[inline(always)]
fn squares_around<P: Simd>(simd: P, mean: f64, values: &[f64]) -> f64 {
    let (fours, rest) = values.as_chunks::<4>();
    let (center, mut sum) = (simd.splat(mean), simd.splat(0.0));
    for four in fours {
        let distance = simd.load(four) - center;
        sum = sum + distance * distance;
    }
    sum.sum() + rest.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>()
}

/// Writes the sums of r and r² up to each boundary: those before the last event before it, and a row while it is held.
#[inline(always)]
fn mark(
    tables: &Tables,
    words: &[(u64, u32)],
    sums: &[[f64; 2]],
    count: usize,
    marks: &mut Vec<[f64; 2]>,
) {
    marks.clear();
    let words = words.get(..tables.bars.div_ceil(64)).unwrap_or(&[]);
    marks.extend(tables.boundaries.bars.iter().map(|&boundary| {
        let place = boundary as usize;
        let events = words.get(place / 64).map_or(count, |&(word, before)| {
            before as usize + (word & ((1 << (place % 64)) - 1)).count_ones() as usize
        });
        let row = tables.rows.get(place.wrapping_sub(1)).copied().unwrap_or_default();
        let [returns, squares] = sums.get(events).copied().unwrap_or_default();
        let held = if events % 2 == 1 { 1.0 } else { 0.0 };
        [returns + held * row.low[0], squares + held * row.low[1]]
    }));
}
