//! Orders to fills: what the account can afford, fees, slippage, limits and rounding.

use super::approx::{add, close, less, less_or_close, snap};
use super::rejections::RejectionReason;
use super::sizing::{Order, amount_of_value, units_of_value};
use crate::error::Result;
use crate::market::{BarRef, overflow};
use crate::settings::{Direction, Settings, SizeType};

/// Cash, position and debt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Account {
    /// Money.
    pub(super) cash: f64,
    /// Units of the asset; negative for a short position.
    pub(super) position: f64,
    /// What the shorted units were sold for, money.
    pub(super) debt: f64,
    /// Cash that neither comes from short positions nor secures them, money; negative if short positions have lost more.
    pub(super) free_cash: f64,
}

/// A filled order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fill {
    /// 0 for a purchase, 1 for a sale.
    pub(super) side: u8,
    /// Units, above 0.
    pub(super) size: f64,
    /// After slippage.
    pub(super) price: f64,
    /// Money.
    pub(super) fees: f64,
}

/// The prices at which an order is executed.
#[derive(Debug, Clone, Copy)]
pub(super) struct FillTerms<'a> {
    /// The price before slippage.
    pub(super) price: f64,
    /// As a fraction.
    pub(super) slippage: f64,
    /// The price that sizes by value are converted with.
    pub(super) valuation_price: f64,
    pub(super) bar: BarRef<'a>,
}

/// An order in units, or a fraction of what is possible.
#[derive(Debug, Clone, Copy)]
struct OrderRequest {
    /// Above 0; infinity for all that is possible.
    amount: f64,
    /// The fraction of what is possible.
    share: Option<f64>,
    direction: Direction,
}

/// What becomes of an order. A plain structure stays in registers, unlike a result of results.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub(super) outcome: Outcome,
    /// The fill and the account after it, if the order is filled.
    pub(super) fill: Fill,
    pub(super) after: Account,
}

/// Whether an order is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Filled,
    Rejected(RejectionReason),
    /// An error: a size by value cannot be converted.
    Unconvertible,
    /// An error: the price after slippage overflows.
    PriceOverflows,
    /// An error: an amount overflows.
    AmountOverflows,
}

/// Executes an order. The account changes only if the order is filled.
///
/// # Errors
/// `INVALID_ARGUMENT` if the size of the order cannot be computed, or an amount overflows.
#[inline]
pub(super) fn execute(
    account: &mut Account,
    order: &Order,
    terms: &FillTerms<'_>,
    settings: &Settings,
) -> Result<std::result::Result<Fill, RejectionReason>> {
    let Attempt { outcome, fill, after } = attempt(account, order, terms, settings);
    match outcome {
        Outcome::Filled => {
            *account = after;
            Ok(Ok(fill))
        }
        Outcome::Rejected(reason) => Ok(Err(reason)),
        Outcome::Unconvertible => {
            amount_of_value(order.size, terms.valuation_price, terms.bar)?;
            Ok(Err(RejectionReason::SizeZero))
        }
        Outcome::PriceOverflows => {
            Err(overflow("the price of the order after slippage", terms.bar))
        }
        Outcome::AmountOverflows => Err(overflow(&after.overflowed(&fill), terms.bar)),
    }
}

/// Returns what becomes of an order.
#[inline(always)]
pub(super) fn attempt(
    account: &Account,
    order: &Order,
    terms: &FillTerms<'_>,
    settings: &Settings,
) -> Attempt {
    let after = Account {
        cash: snap(account.cash),
        position: snap(account.position),
        debt: snap(account.debt),
        free_cash: snap(account.free_cash),
    };
    let none = Fill { side: 0, size: 0.0, price: 0.0, fees: 0.0 };
    let failed = |outcome| Attempt { outcome, fill: none, after };
    let mut amount = order.size;
    if amount == 0.0 {
        return failed(Outcome::Rejected(RejectionReason::SizeZero));
    }
    if order.size_type == SizeType::Value {
        match units_of_value(amount, terms.valuation_price) {
            Some(units) => amount = units,
            None => return failed(Outcome::Unconvertible),
        }
    }
    let mut share = None;
    if order.size_type == SizeType::Percent {
        share = Some(amount.abs());
        amount = f64::INFINITY.copysign(amount);
    } else if amount == f64::NEG_INFINITY && order.direction != Direction::LongOnly {
        share = Some(1.0);
    }
    let request = OrderRequest { amount: amount.abs(), share, direction: order.direction };
    let mut attempt = if amount > 0.0 {
        // An infinite price would buy no units, which would look like an order below the minimum size.
        if terms.purchase_price().is_infinite() {
            return failed(Outcome::PriceOverflows);
        }
        after.buy(&request, terms, settings)
    } else {
        after.sell(&request, terms, settings)
    };
    if attempt.outcome == Outcome::Filled {
        let Attempt { fill, after, .. } = &attempt;
        let finite = after.cash.is_finite()
            && after.position.is_finite()
            && after.free_cash.is_finite()
            && after.debt.is_finite();
        if !finite || !fill.fees.is_finite() || !fill.size.is_finite() {
            attempt.outcome = Outcome::AmountOverflows;
        }
    }
    attempt
}

impl FillTerms<'_> {
    /// Returns the price of a purchase, after slippage.
    #[inline]
    fn purchase_price(&self) -> f64 {
        self.price * (1.0 + self.slippage)
    }
}

impl Account {
    /// Names the amount that an order made overflow.
    #[cold]
    fn overflowed(&self, fill: &Fill) -> String {
        if !fill.size.is_finite() {
            return format!("the size of an order at {:?}", fill.price);
        }
        let amounts = [
            ("the cash after", self.cash),
            ("the position after", self.position),
            ("the debt after", self.debt),
            ("the fees of", fill.fees),
        ];
        let named = amounts.iter().find(|(_, amount)| !amount.is_finite());
        let name = named.map_or("the free cash after", |(name, _)| *name);
        format!("{name} an order of {:?} units at {:?}", fill.size, fill.price)
    }

    #[inline(always)]
    fn filled(self, fill: Fill) -> Attempt {
        Attempt { outcome: Outcome::Filled, fill, after: self }
    }

    #[inline(always)]
    fn refused(self, reason: RejectionReason) -> Attempt {
        let fill = Fill { side: 0, size: 0.0, price: 0.0, fees: 0.0 };
        Attempt { outcome: Outcome::Rejected(reason), fill, after: self }
    }

    #[inline(always)]
    fn buy(
        mut self,
        request: &OrderRequest,
        terms: &FillTerms<'_>,
        settings: &Settings,
    ) -> Attempt {
        let price = terms.purchase_price();
        let mut budget = self.cash;
        if settings.sizing.lock_cash {
            budget = least(self.unlocked_cash(price, settings), self.cash);
        }
        if let Some(share) = request.share {
            budget = budget.min(share * budget);
        }
        if budget == 0.0 && request.direction != Direction::ShortOnly {
            return self.refused(RejectionReason::NoCash);
        }
        let covers_only = request.direction == Direction::ShortOnly;
        let wanted = if covers_only { request.amount.min(-self.position) } else { request.amount };
        let wanted = match limited(wanted, settings) {
            Ok(wanted) => wanted,
            Err(reason) => return self.refused(reason),
        };

        let value = wanted * price;
        let fees = value * settings.costs.fees + settings.costs.fixed_fees;
        let (size, fees, spent) = if less_or_close(value + fees, budget) {
            (wanted, fees, value + fees)
        } else {
            match affordable(budget, price, settings) {
                Some(found) => found,
                None => return self.refused(RejectionReason::CannotCoverFees),
            }
        };
        if close(wanted, 0.0) {
            return self.refused(RejectionReason::SizeZero);
        }
        if let Some(reason) = refusal(size, request.amount, settings) {
            return self.refused(reason);
        }

        let before = self.position;
        self.cash = add(self.cash, -spent);
        self.position = add(before, size);
        if before < 0.0 {
            let covered = if self.position < 0.0 { size } else { before.abs() };
            // This order of operations gives vectorbt's last digit. With a granularity that digit may decide a whole step.
            let released = covered * (self.debt / before.abs());
            self.debt = add(self.debt, -released);
            self.free_cash = add(self.free_cash + 2.0 * released, -spent);
        } else {
            self.free_cash = add(self.free_cash, -spent);
        }
        self.filled(Fill { side: 0, size, price, fees })
    }

    /// Returns the cash that a purchase may use when cash of shorts is locked.
    fn unlocked_cash(&self, price: f64, settings: &Settings) -> f64 {
        if self.position >= 0.0 {
            return self.free_cash;
        }
        // The order of the factors decides the last digit. With a granularity that digit may decide a whole step.
        let short = self.position.abs();
        let rate = 1.0 + settings.costs.fees;
        let covering = short * price * rate + settings.costs.fixed_fees;
        let released = self.free_cash + 2.0 * self.debt;
        let left = add(released, -covering);
        if left > 0.0 {
            released
        } else if left < 0.0 {
            // Each unit covered costs its price and releases twice what it was sold for.
            let units = (self.free_cash - settings.costs.fixed_fees)
                / (price * rate - 2.0 * self.debt / short);
            units * price * rate + settings.costs.fixed_fees
        } else if left == 0.0 {
            self.cash
        } else {
            // The amounts overflow, and the order is refused.
            f64::NAN
        }
    }

    #[inline(always)]
    fn sell(
        mut self,
        request: &OrderRequest,
        terms: &FillTerms<'_>,
        settings: &Settings,
    ) -> Attempt {
        let price = terms.price * (1.0 - terms.slippage);
        let mut share = request.share;
        let mut wanted = request.amount;
        if request.direction == Direction::LongOnly {
            wanted = wanted.min(self.position);
        } else if settings.sizing.lock_cash || (wanted.is_infinite() && share.is_some()) {
            let most = match self.sellable(price, settings) {
                Ok(most) => most,
                Err(reason) => return self.refused(reason),
            };
            if settings.sizing.lock_cash {
                let asked = match share.take() {
                    Some(share) if wanted.is_infinite() => share * most,
                    Some(share) => share * wanted,
                    None => wanted,
                };
                wanted = least(asked, most);
            } else {
                wanted = most;
            }
        }
        if let Some(share) = share {
            wanted *= share;
        }
        let size = match limited(wanted, settings) {
            Ok(size) => size,
            Err(reason) => return self.refused(reason),
        };
        if close(size, 0.0) {
            return self.refused(RejectionReason::SizeZero);
        }
        if let Some(reason) = refusal(size, request.amount, settings) {
            return self.refused(reason);
        }

        let received = size * price;
        let fees = received * settings.costs.fees + settings.costs.fixed_fees;
        let net = add(received, -fees);
        if net < 0.0 {
            return self.refused(RejectionReason::CannotCoverFees);
        }
        let before = self.position;
        self.cash += net;
        self.position = add(before, -size);
        if self.position < 0.0 {
            let shorted = if before < 0.0 { size } else { self.position.abs() };
            let shorted_value = shorted * price;
            self.debt += shorted_value;
            self.free_cash = add(self.free_cash, add(net, -2.0 * shorted_value));
        } else {
            self.free_cash += net;
        }
        self.filled(Fill { side: 1, size, price, fees })
    }

    /// Returns how many units can be sold: the long position, and a short position that free cash secures.
    #[inline(always)]
    fn sellable(
        &self,
        price: f64,
        settings: &Settings,
    ) -> std::result::Result<f64, RejectionReason> {
        let long = self.position.max(0.0);
        let free = add(self.free_cash, long * price * (1.0 - settings.costs.fees));
        if free <= 0.0 {
            return if self.position <= 0.0 { Err(RejectionReason::NoFreeCash) } else { Ok(long) };
        }
        let most = add(
            long,
            add(free, -settings.costs.fixed_fees) / (price * (1.0 + settings.costs.fees)),
        );
        if most <= 0.0 { Err(RejectionReason::CannotCoverFees) } else { Ok(most) }
    }
}

/// Returns the smaller of two amounts, or NaN if one of them overflowed to NaN.
#[inline]
fn least(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

/// Applies the maximum size and the granularity. The result may be zero.
#[inline(always)]
fn limited(wanted: f64, settings: &Settings) -> std::result::Result<f64, RejectionReason> {
    if wanted == 0.0 {
        return Err(RejectionReason::SizeZero);
    }
    let mut size = wanted;
    if size > settings.sizing.max_size {
        if !settings.sizing.allow_partial {
            return Err(RejectionReason::AboveMaxSize);
        }
        size = settings.sizing.max_size;
    }
    Ok(rounded_down(size, settings))
}

/// Returns size, fees and cost of the largest purchase within a budget; `None` if it does not cover the fees.
#[inline(always)]
fn affordable(budget: f64, price: f64, settings: &Settings) -> Option<(f64, f64, f64)> {
    let for_asset = add(budget, -settings.costs.fixed_fees) / (1.0 + settings.costs.fees);
    if for_asset <= 0.0 {
        return None;
    }
    let size = for_asset / price;
    if settings.sizing.size_granularity.is_none() {
        return Some((size, budget - for_asset, budget));
    }
    let size = rounded_down(size, settings);
    let value = size * price;
    let fees = value * settings.costs.fees + settings.costs.fixed_fees;
    Some((size, fees, value + fees))
}

/// Checks a final size against the minimum size and the requested size; returns why it is refused.
#[inline(always)]
fn refusal(size: f64, asked: f64, settings: &Settings) -> Option<RejectionReason> {
    if less(size, settings.sizing.min_size) {
        return Some(RejectionReason::BelowMinSize);
    }
    if !settings.sizing.allow_partial && asked.is_finite() && less(size, asked) {
        return Some(RejectionReason::PartialFill);
    }
    // The size that cash pays for may round down to zero, even if the minimum is 0.
    (size <= 0.0).then_some(RejectionReason::BelowMinSize)
}

/// Rounds down to the granularity as floating-point floor division does: 0.3 by 0.1 gives 0.2.
#[inline(always)]
fn rounded_down(size: f64, settings: &Settings) -> f64 {
    let Some(step) = settings.sizing.size_granularity.filter(|_| size.is_finite()) else {
        return size;
    };
    let quotient = (size - size % step) / step;
    if quotient.is_infinite() {
        // Steps are finer than the precision of such a size.
        return size;
    }
    let floor = quotient.floor();
    (if quotient - floor > 0.5 { floor + 1.0 } else { floor }) * step
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the results are exact")]
mod tests {
    use super::*;

    const BAR: BarRef<'static> = BarRef { bar: 4, timestamps: &[] };

    #[test]
    fn granularity_is_floor_division_of_floats() {
        // numpy: 0.3 // 0.1 * 0.1, 7.0 // 2.5 * 2.5, 1e16 // 3 * 3
        for (size, step, expected) in
            [(0.3, 0.1, 0.2), (7.0, 2.5, 5.0), (1e16, 3.0, 9_999_999_999_999_999.0)]
        {
            let settings = Settings::default().with(|settings| {
                settings.sizing.size_granularity = Some(step);
            });
            assert_eq!(rounded_down(size, &settings), expected);
        }
    }

    #[test]
    fn a_purchase_of_zero_units_checks_fees_first() {
        // vectorbt 1.2.0: CantCoverFees while the fixed fee exceeds cash, SizeZero once it does not.
        let order = Order { size: 0.9, size_type: SizeType::Amount, direction: Direction::Both };
        let terms = FillTerms { price: 10.0, slippage: 0.0, valuation_price: 10.0, bar: BAR };
        let settings = Settings::default().with(|settings| {
            settings.costs.fixed_fees = 6.0;
            settings.sizing.size_granularity = Some(1.0);
        });
        for (cash, reason) in
            [(5.0, RejectionReason::CannotCoverFees), (7.0, RejectionReason::SizeZero)]
        {
            let mut account = Account { cash, position: 0.0, debt: 0.0, free_cash: cash };
            assert_eq!(execute(&mut account, &order, &terms, &settings).unwrap(), Err(reason));
        }
    }

    #[test]
    fn a_value_of_zero_is_accepted_at_any_price() {
        // vectorbt 1.2.0 raises for a value at a price below 1e-12, but not for a value of 0.
        let terms = FillTerms { price: 1e-13, slippage: 0.0, valuation_price: 1e-13, bar: BAR };
        for (size, refused) in [(0.0, false), (1e-4, true)] {
            let order = Order { size, size_type: SizeType::Value, direction: Direction::Both };
            let mut account = Account { cash: 1.0, position: 0.0, debt: 0.0, free_cash: 1.0 };
            let outcome = execute(&mut account, &order, &terms, &Settings::default());
            assert_eq!(outcome.is_err(), refused);
        }
    }

    #[test]
    fn covering_a_short_frees_its_debt_to_the_last_digit() {
        // vectorbt 1.2.0: of seed 2 of the oracle, case 2119; new_free_cash of the log record is 12.000000000029104.
        let mut account = Account {
            cash: 258_644.000_000_000_06,
            position: -1_293.200_000_000_000_3,
            debt: 129_320.000_000_000_03,
            free_cash: 4.0,
        };
        let order = Order {
            size: 3_413.200_000_000_000_3,
            size_type: SizeType::Amount,
            direction: Direction::Both,
        };
        let terms = FillTerms { price: 100.0, slippage: 0.0, valuation_price: 100.0, bar: BAR };
        let settings = Settings::default().with(|settings| {
            settings.costs.fees = 0.1;
            settings.sizing.size_granularity = Some(0.2);
            settings.sizing.lock_cash = true;
        });
        let fill = execute(&mut account, &order, &terms, &settings).unwrap().unwrap();
        assert_eq!((fill.size, fill.fees), (2_351.200_000_000_000_3, 23_512.000_000_000_004));
        assert_eq!(account.free_cash, 12.000_000_000_029_104);
    }

    #[test]
    fn an_order_that_overflows_names_the_amount_and_its_bar() {
        let both = Settings::default().with(|settings| {
            settings.costs.fees = 0.0;
            settings.costs.slippage = 0.0;
            settings.sizing.min_size = 0.0;
        });
        let locked = both.clone().with(|settings| {
            settings.sizing.lock_cash = true;
        });
        let slipping = both.clone().with(|settings| {
            settings.costs.slippage = 0.5;
        });
        let flat = |cash| Account { cash, position: 0.0, debt: 0.0, free_cash: cash };
        let long = Account { cash: 1e308, position: 1e300, debt: 0.0, free_cash: 1e308 };
        let short = Account { cash: 1e308, position: -1e300, debt: 1e308, free_cash: -1e308 };
        let cases = [
            (flat(1e308), f64::INFINITY, 1e-10, &both, "the size of an order at 1e-10 on bar 4"),
            (flat(1.0), f64::INFINITY, 1.5e308, &slipping, "the price of the order after slippage"),
            (long, -1e300, 1e8, &both, "the cash after an order of 1e300 units at 100000000.0"),
            (short, -1e300, 1e8, &both, "the cash after an order of 1e300 units"),
            // The unlocked cash is undefined: the price with fees is infinite, and so is the cost of the short position.
            (
                short,
                1.0,
                1.5e308,
                &locked.clone().with(|settings| {
                    settings.costs.fees = 0.5;
                }),
                "the size of an order",
            ),
        ];
        for (before, size, price, settings, expected) in cases {
            let order = Order { size, size_type: SizeType::Amount, direction: Direction::Both };
            let terms = FillTerms {
                price,
                slippage: settings.costs.slippage,
                valuation_price: price,
                bar: BAR,
            };
            let mut account = before;
            let error = execute(&mut account, &order, &terms, settings).unwrap_err();
            assert!(error.message.starts_with(expected), "{error}");
            assert_eq!(account, before);
        }
    }

    #[test]
    fn steps_finer_than_the_digits_of_a_size_leave_it_alone() {
        let settings = Settings::default().with(|settings| {
            settings.sizing.size_granularity = Some(1e-300);
        });
        assert_eq!(rounded_down(1e300, &settings), 1e300);
    }

    #[test]
    fn an_order_that_is_not_filled_leaves_the_account_alone() {
        let before = Account { cash: 5.0, position: 0.0, debt: 0.0, free_cash: 5.0 };
        let mut account = before;
        let order =
            Order { size: f64::INFINITY, size_type: SizeType::Amount, direction: Direction::Both };
        let terms = FillTerms { price: 10.0, slippage: 0.0, valuation_price: 10.0, bar: BAR };
        let settings = Settings::default().with(|settings| {
            settings.costs.fixed_fees = 6.0;
        });
        assert_eq!(
            execute(&mut account, &order, &terms, &settings).unwrap(),
            Err(RejectionReason::CannotCoverFees)
        );
        assert_eq!(account, before);
    }
}
