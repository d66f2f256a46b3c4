//! Equity: cash and the position at the close, bar by bar.
//!
//! Cash is the initial capital plus what each order brought (a sale's value less its fees) or cost; between two orders
//! neither cash nor position changes.

use super::Trades;
use crate::compute::multiversion::multiversion;
use crate::compute::prefetch::{PREFETCH_DISTANCE, prefetch_at};
use crate::error::{Error, Result};
use crate::market::{BarRef, overflow};
use crate::observer::ProgressObserver;
use crate::simulation::{Orders, add, snap};

/// What the orders of a run came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Portfolio {
    /// Exit trades; those that the last bar finds open are valued at its close.
    pub trades: Trades,
    /// Equity at the close of each bar, money.
    pub equity: Vec<f64>,
    /// Cash and position after each order.
    pub holdings: Holdings,
}

/// What is held from each order's bar on until the next one's; one entry of each column an order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Holdings {
    /// Money.
    pub cash: Vec<f64>,
    /// Cash that neither comes from shorts nor secures them, money; gross exposure is measured against it.
    pub free_cash: Vec<f64>,
    /// Units of the asset; negative for a short position.
    pub position: Vec<f64>,
}

/// Computes trades, equity and holdings of filled orders.
///
/// # Errors
/// `INVALID_ARGUMENT` for columns of orders that do not belong to these closes, and for an amount that leaves the range of
/// numbers. Cancelled by the observer.
pub fn evaluate(
    close: &[f64],
    orders: &Orders,
    initial_capital: f64,
    observer: &dyn ProgressObserver,
) -> Result<Portfolio> {
    let holdings = Holdings::of(close, orders, initial_capital)?;
    if observer.is_cancelled() {
        return Err(Error::cancelled());
    }
    let equity = equity(close, orders, &holdings, initial_capital);
    if observer.is_cancelled() {
        return Err(Error::cancelled());
    }
    let trades = Trades::of(close, orders);
    let portfolio = Portfolio::new(trades, equity, holdings, orders, initial_capital);
    portfolio.check_finite(orders, &[])?;
    Ok(portfolio)
}

impl Portfolio {
    /// Puts together what was computed of the same orders.
    pub fn new(
        trades: Trades,
        equity: Vec<f64>,
        holdings: Holdings,
        orders: &Orders,
        initial_capital: f64,
    ) -> Self {
        debug_assert!(
            balances(&trades, &equity, &holdings, orders, initial_capital),
            "Invariant: what the trades made is what equity gained"
        );
        Self { trades, equity, holdings }
    }

    /// Checks that every amount is a finite number. `timestamps` are the openings of the bars, or empty.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` that names the first amount that overflows, and its bar.
    pub fn check_finite(&self, orders: &Orders, timestamps: &[i64]) -> Result<()> {
        let equity = self.equity.iter().position(|equity| !equity.is_finite());
        let equity = equity.map(|bar| (bar, "the equity".to_owned()));
        let found = [self.holdings.overflow(orders), equity, self.trades.overflow()];
        match found.into_iter().flatten().min_by_key(|(bar, _)| *bar) {
            Some((bar, what)) => Err(overflow(&what, BarRef { bar, timestamps })),
            None => Ok(()),
        }
    }
}

/// Returns whether the trades made what equity gained, but for the rounding of the amounts traded.
fn balances(
    trades: &Trades,
    equity: &[f64],
    holdings: &Holdings,
    orders: &Orders,
    initial_capital: f64,
) -> bool {
    let gained = equity.last().map_or(0.0, |last| last - initial_capital);
    let made: f64 = trades.pnl.iter().sum();
    let rows = orders.size.iter().zip(&orders.price).zip(&orders.fees);
    // Each order may leave up to 1e-12 units that count as no position, and the fees of so few units belong to no trade.
    let (moved, lost) = rows.fold((0.0, 0.0), |(moved, lost), ((size, price), fees)| {
        let untraded = if snap(*size) == 0.0 { fees.abs() } else { 0.0 };
        (moved + size * price + fees.abs(), lost + 1e-12 * price + untraded)
    });
    // What is held at the end may be worth far more than all that was traded.
    let held =
        equity.last().zip(holdings.cash.last()).map_or(0.0, |(all, cash)| (all - cash).abs());
    let rounding = 1e-8 * (initial_capital + moved + held) + 1e-9 + lost;
    // Sums that overflow say nothing about the amounts, and amounts that do are refused by `check_finite`.
    (made - gained).abs() <= rounding || !(made - gained).is_finite() || !rounding.is_finite()
}

fn check(close: &[f64], orders: &Orders) -> Result<()> {
    let lengths = [orders.side.len(), orders.size.len(), orders.price.len(), orders.fees.len()];
    if lengths.iter().any(|len| *len != orders.len()) {
        return Err(Error::invalid(
            "orders",
            "length",
            "the columns of the orders differ in length",
        ));
    }
    if !orders.bar.is_sorted() {
        return Err(Error::invalid(
            "orders.bar",
            "order",
            "the orders are not in the order of their bars",
        ));
    }
    match orders.bar.last() {
        Some(&bar) if bar as usize >= close.len() => {
            let message = format!("an order lies on bar {bar}, but there are {} bars", close.len());
            Err(Error::invalid("orders.bar", "range", message))
        }
        _ => Ok(()),
    }
}

/// Returns the equity at each close.
pub fn equity(
    close: &[f64],
    orders: &Orders,
    holdings: &Holdings,
    initial_capital: f64,
) -> Vec<f64> {
    let mut equity = vec![0.0; close.len()];
    Valuation::new(close, orders, holdings, initial_capital).write(0, &mut equity);
    equity
}

/// Equity at each close, computed where somebody wants it.
#[derive(Debug, Clone, Copy)]
pub struct Valuation<'a> {
    close: &'a [f64],
    /// The bars of the orders.
    bars: &'a [u32],
    holdings: &'a Holdings,
    capital: f64,
}

impl<'a> Valuation<'a> {
    /// Orders and holdings are those of [`Holdings::of`] for these closes.
    pub fn new(
        close: &'a [f64],
        orders: &'a Orders,
        holdings: &'a Holdings,
        initial_capital: f64,
    ) -> Self {
        Self { close, bars: &orders.bar, holdings, capital: whole(initial_capital) }
    }

    /// Returns the number of bars.
    pub fn bars(&self) -> usize {
        self.close.len()
    }

    /// Returns the equity of one bar; 0 for one that is not there.
    pub fn at(&self, bar: usize) -> f64 {
        let (cash, position) = self.after(self.until(bar));
        self.close.get(bar).map_or(0.0, |close| cash + close * position)
    }

    /// Gives the equity of bars that rise, each with that of the bar before it, where there is one.
    pub fn sample(
        &self,
        bars: &mut dyn Iterator<Item = usize>,
        take: &mut dyn FnMut(Option<f64>, f64),
    ) {
        let bars: Vec<usize> = bars.collect();
        let mut orders = 0;
        let mut at = |bar: usize| {
            // The orders in between are few and side by side: a search among all of them touches more memory.
            let later = self.bars.get(orders..).unwrap_or(&[]);
            orders += later.iter().take_while(|&&order| order as usize <= bar).count();
            let (cash, position) = self.after(orders);
            self.close.get(bar).map_or(0.0, |close| cash + close * position)
        };
        for (index, &bar) in bars.iter().enumerate() {
            if let Some(&later) = bars.get(index + PREFETCH_DISTANCE) {
                prefetch_at(self.close, later);
            }
            let before = bar.checked_sub(1).map(&mut at);
            take(before, at(bar));
        }
    }

    /// Writes the equity of the bars from `from` on, as many as there is room for.
    pub fn write(&self, from: usize, into: &mut [f64]) {
        value(self, from, into);
    }

    /// Returns the number of orders up to and with a bar.
    fn until(&self, bar: usize) -> usize {
        self.bars.partition_point(|&order| order as usize <= bar)
    }

    /// Returns cash and position after so many orders.
    #[inline(always)]
    fn after(&self, orders: usize) -> (f64, f64) {
        let last = orders.checked_sub(1);
        let held = |column: &[f64]| last.and_then(|last| column.get(last).copied());
        held(&self.holdings.cash).zip(held(&self.holdings.position)).unwrap_or((self.capital, 0.0))
    }
}

multiversion! {
    fn value(valuation: &Valuation<'_>, from: usize, into: &mut [f64]) {
        let closes = valuation.close.get(from..).unwrap_or(&[]);
        let bars = closes.len().min(into.len());
        let mut orders = valuation.until(from);
        let mut start = 0;
        while start < bars {
            let next = |orders| valuation.bars.get(orders).map_or(bars, |&bar| bar as usize - from);
            let (cash, position) = valuation.after(orders);
            let end = next(orders).min(bars);
            // In fours: what is written beyond the end is written again by who comes next.
            let beyond = start + (end - start).next_multiple_of(4);
            let (whole, to) = match (closes.get(start..beyond), into.get_mut(start..beyond)) {
                (Some(closes), Some(room)) => (closes, room),
                _ => (
                    closes.get(start..end).unwrap_or(&[]),
                    into.get_mut(start..end).unwrap_or(&mut []),
                ),
            };
            let ((fours, rest), (to_fours, to_rest)) = (whole.as_chunks::<4>(), to.as_chunks_mut::<4>());
            for (to, four) in to_fours.iter_mut().zip(fours) {
                for (value, close) in to.iter_mut().zip(four) {
                    *value = cash + close * position;
                }
            }
            for (value, close) in to_rest.iter_mut().zip(rest) {
                *value = cash + close * position;
            }
            start = end;
            // What is held on a bar is what its last order left.
            while orders < valuation.bars.len() && next(orders) <= start {
                orders += 1;
            }
        }
    }
}

/// Returns an amount of money; what is nothing but rounding is nothing from the first bar on.
fn whole(money: f64) -> f64 {
    snap(money)
}

impl Holdings {
    /// Follows cash and position from order to order.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for columns of orders that do not belong to these closes.
    pub fn of(close: &[f64], orders: &Orders, initial_capital: f64) -> Result<Self> {
        check(close, orders)?;
        let capital = whole(initial_capital);
        Ok(Self::all_in(orders, capital).unwrap_or_else(|| Self::after(orders, capital)))
    }

    /// Returns whether all amounts are finite; one that is not leaves none after it that is.
    pub fn are_finite(&self) -> bool {
        let columns = [&self.cash, &self.free_cash, &self.position];
        columns.into_iter().all(|column| column.last().is_none_or(|amount| amount.is_finite()))
    }

    /// Finds the first order that leaves an amount that is not finite; returns its bar and the amount's name.
    fn overflow(&self, orders: &Orders) -> Option<(usize, String)> {
        let amounts = [
            ("the cash after", &self.cash),
            ("the position after", &self.position),
            ("the free cash after", &self.free_cash),
        ];
        let first = amounts.into_iter().filter_map(|(name, column)| {
            Some((column.iter().position(|amount| !amount.is_finite())?, name))
        });
        let (order, name) = first.min_by_key(|(order, _)| *order)?;
        let (size, price) = (orders.size.get(order)?, orders.price.get(order)?);
        let bar = usize::try_from(*orders.bar.get(order)?).ok()?;
        Some((bar, format!("{name} an order of {size:?} units at {price:?}")))
    }

    /// The same as [`Self::after`] for orders of which each spends all cash or sells all that is held: there what an order
    /// leaves does not rest on what the ones before it left, and no addition waits for another. Nothing for others.
    fn all_in(orders: &Orders, initial_capital: f64) -> Option<Self> {
        let mut cash = Vec::with_capacity(orders.len());
        let mut position = Vec::with_capacity(orders.len());
        let (mut before, mut held) = (initial_capital, 0.0_f64);
        let rows = orders.side.iter().zip(&orders.size).zip(&orders.price).zip(&orders.fees);
        for (((&side, &size), &price), &fees) in rows {
            let is_sale = held > 0.0;
            let fits = if is_sale {
                before = add(0.0, snap(size * price - fees));
                side == 1 && size.to_bits() == held.to_bits()
            } else {
                let left = add(before, snap(-size * price - fees));
                side == 0 && snap(size) > 0.0 && left.to_bits() == 0
            };
            if !fits {
                return None;
            }
            held = if is_sale { 0.0 } else { size };
            cash.push(if is_sale { before } else { 0.0 });
            position.push(held);
        }
        Some(Self { free_cash: cash.clone(), cash, position })
    }

    /// Follows cash and position from order to order; the columns of the orders have one length.
    pub(crate) fn after(orders: &Orders, initial_capital: f64) -> Self {
        let mut holdings = Self {
            cash: Vec::with_capacity(orders.len()),
            free_cash: Vec::with_capacity(orders.len()),
            position: Vec::with_capacity(orders.len()),
        };
        let (mut cash, mut free_cash, mut position, mut debt) =
            (initial_capital, initial_capital, 0.0_f64, 0.0_f64);
        let rows = orders.side.iter().zip(&orders.size).zip(&orders.price).zip(&orders.fees);
        for (((&side, &size), &price), &fees) in rows {
            let traded = if side == 0 { size } else { -size };
            // Amounts that are nothing but rounding move nothing.
            cash = add(cash, snap(-traded * price - fees));
            let after = add(position, snap(traded));
            let changed = add(after, -position);
            let flow = -changed * price - fees;
            let free_flow = if changed == 0.0 {
                0.0
            } else if changed > 0.0 && position < 0.0 {
                let covered = if after < 0.0 { changed } else { -position };
                let released = covered * (debt / -position);
                debt = add(debt, -released);
                add(flow, 2.0 * released)
            } else if changed < 0.0 && after < 0.0 {
                let shorted_value = if position < 0.0 { -changed } else { -after } * price;
                debt += shorted_value;
                add(flow, -2.0 * shorted_value)
            } else {
                flow
            };
            free_cash = add(free_cash, snap(free_flow));
            position = after;
            holdings.cash.push(cash);
            holdings.free_cash.push(free_cash);
            holdings.position.push(position);
        }
        holdings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observer::NoObserver;

    #[test]
    fn equity_of_a_short_may_fall_below_zero() {
        let orders = Orders {
            bar: vec![0],
            side: vec![1],
            size: vec![10.0],
            price: vec![100.0],
            fees: vec![0.0],
        };
        let portfolio =
            evaluate(&[100.0, 150.0, 250.0, 300.0], &orders, 1000.0, &NoObserver).unwrap();
        assert_eq!(portfolio.equity, [1000.0, 500.0, -500.0, -1000.0]);
        assert_eq!(portfolio.holdings.free_cash, [0.0]);
    }

    #[test]
    fn a_sample_is_the_equity_of_its_bars_and_of_those_before() {
        let close: Vec<f64> = (0..200_u32).map(|bar| 50.0 + f64::from(bar * 37 % 23)).collect();
        // Several orders on one bar, on the first bar and on the last, and long waits.
        let bar = vec![0, 3, 3, 3, 40, 41, 150, 199];
        let orders = Orders {
            side: vec![0, 1, 0, 0, 1, 0, 1, 0],
            size: vec![1.0, 0.5, 0.25, 1.0, 1.5, 2.0, 1.0, 0.5],
            price: bar.iter().map(|&bar| close[bar as usize]).collect(),
            fees: vec![0.1; bar.len()],
            bar,
        };
        let holdings = Holdings::of(&close, &orders, 1_000.0).unwrap();
        let valuation = Valuation::new(&close, &orders, &holdings, 1_000.0);
        let equity = equity(&close, &orders, &holdings, 1_000.0);
        for step in [1, 2, 7, 41] {
            let mut found = Vec::new();
            let take = &mut |before, here| found.push((before, here));
            valuation.sample(&mut (0..200).step_by(step), take);
            let one = |bar: usize| (bar.checked_sub(1).map(|before| equity[before]), equity[bar]);
            let expected: Vec<_> = (0..200).step_by(step).map(one).collect();
            assert_eq!(found, expected, "every {step} bars");
        }
    }

    #[test]
    fn without_orders_equity_is_the_capital() {
        assert_eq!(
            evaluate(&[1.0, 2.0], &Orders::default(), 7.0, &NoObserver).unwrap().equity,
            [7.0, 7.0]
        );
        assert_eq!(
            evaluate(&[], &Orders::default(), 7.0, &NoObserver).unwrap(),
            Portfolio::default()
        );
    }

    #[test]
    fn units_below_rounding_are_neither_equity_nor_trade() {
        // vectorbt 1.2.0 has value() 0 and no trades: see docs/vectorbt.md.
        let orders = Orders {
            bar: vec![0],
            side: vec![0],
            size: vec![9e-13],
            price: vec![1e6],
            fees: vec![0.0],
        };
        let portfolio = evaluate(&[1e6, 2e6], &orders, 9e-7, &NoObserver).unwrap();
        assert_eq!(
            (portfolio.equity.as_slice(), portfolio.trades.len()),
            ([0.0, 0.0].as_slice(), 0)
        );
    }

    #[test]
    fn the_debug_check_notices_money_that_comes_from_nowhere() {
        let orders = Orders {
            bar: vec![0, 1],
            side: vec![0, 1],
            size: vec![1.0, 1.0],
            price: vec![100.0, 110.0],
            fees: vec![0.0, 0.0],
        };
        let trades = Trades::of(&[100.0, 110.0], &orders);
        let holdings = Holdings::of(&[100.0, 110.0], &orders, 1000.0).unwrap();
        assert!(balances(&trades, &[1000.0, 1010.0], &holdings, &orders, 1000.0));
        assert!(!balances(&trades, &[1000.0, 1010.01], &holdings, &orders, 1000.0));
    }

    #[test]
    fn orders_of_other_bars_are_refused() {
        let orders = Orders {
            bar: vec![2],
            side: vec![0],
            size: vec![1.0],
            price: vec![1.0],
            fees: vec![0.0],
        };
        let error = evaluate(&[1.0, 1.0], &orders, 1.0, &NoObserver).unwrap_err();
        assert_eq!(error.message, "an order lies on bar 2, but there are 2 bars");
    }
}
