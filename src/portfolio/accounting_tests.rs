//! The books of random runs balance.

use proptest::prelude::*;

use super::evaluate;
use crate::simulation::random_cases::cases;
use crate::simulation::simulate;
use crate::watch::Unwatched;

/// Compares two amounts that were computed along different ways from amounts of the size of `scale`.
fn near(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-9 * scale.max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_accounts_of_every_run_balance(case in cases()) {
        let Ok(simulation) = simulate(&case.prices(), &case.signals, 1000.0, &case.options, &Unwatched) else { return Ok(()) };
        let orders = &simulation.orders;
        let portfolio = evaluate(&case.close, orders, 1000.0, &Unwatched).unwrap();
        let (mut cash, mut position, mut scale, mut next) = (1000.0, 0.0, 1000.0_f64, 0);
        for (bar, close) in case.close.iter().enumerate() {
            while orders.bar.get(next) == Some(&u32::try_from(bar).unwrap()) {
                let signed = if orders.side[next] == 0 { orders.size[next] } else { -orders.size[next] };
                cash -= signed * orders.price[next] + orders.fees[next];
                position += signed;
                scale = scale.max(orders.size[next] * orders.price[next]);
                prop_assert!(orders.size[next] > 0.0 && cash > -1e-9 * scale);
                next += 1;
            }
            prop_assert!(near(portfolio.equity[bar], cash + position * close, scale));
        }
        prop_assert_eq!(next, orders.len());
        let profit: f64 = portfolio.trades.pnl.iter().sum();
        prop_assert!(near(profit, portfolio.equity.last().unwrap() - 1000.0, scale));
        let paid: f64 = orders.fees.iter().sum();
        let borne: f64 = portfolio.trades.entry_fees.iter().chain(&portfolio.trades.exit_fees).sum();
        prop_assert!(near(paid, borne, scale));
    }
}
