//! Checks that the accounts of random runs balance.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::testing;
use crate::simulation::random_cases::cases;

/// Compares two amounts that were computed along different ways from amounts of the size of `scale`.
fn is_near(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-9 * scale.max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_accounts_of_every_run_balance(case in cases()) {
        let run = testing::simulate(&case.prices(), &case.signals, 1000.0, &case.settings);
        let Ok((simulation, portfolio)) = run else { return Ok(()) };
        let orders = &simulation.orders;
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
            prop_assert!(is_near(portfolio.equity[bar], cash + position * close, scale));
        }
        prop_assert_eq!(next, orders.len());
        let profit: f64 = portfolio.trades.pnl.iter().sum();
        prop_assert!(is_near(profit, portfolio.equity.last().unwrap() - 1000.0, scale));
        let paid: f64 = orders.fees.iter().sum();
        let borne: f64 = portfolio.trades.entry_fees.iter().chain(&portfolio.trades.exit_fees).sum();
        prop_assert!(is_near(paid, borne, scale));
    }
}

#[test]
fn the_random_runs_go_long_and_short_pay_fees_and_hit_stops() {
    let mut runner = TestRunner::deterministic();
    let (mut long, mut short, mut fees, mut fixed, mut stopped, mut reversed) = (0, 0, 0, 0, 0, 0);
    for _ in 0..400 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        let run = testing::simulate(&case.prices(), &case.signals, 1000.0, &case.settings);
        let Ok((simulation, portfolio)) = run else { continue };
        long += portfolio.trades.direction.iter().filter(|&&direction| direction == 0).count();
        short += portfolio.trades.direction.iter().filter(|&&direction| direction == 1).count();
        fees += usize::from(case.settings.costs.fees.abs() > 0.0 && !simulation.orders.is_empty());
        fixed += usize::from(case.settings.costs.fixed_fees > 0.0 && !simulation.orders.is_empty());
        stopped += simulation.stops.losses + simulation.stops.profits;
        let positions = portfolio.holdings.position.windows(2);
        reversed += positions.filter(|pair| pair[0] * pair[1] < 0.0).count();
    }
    assert!(long > 1000 && short > 1000, "{long} long and {short} short trades");
    assert!(fees > 100 && fixed > 50, "{fees} runs with fees, {fixed} with fixed ones");
    assert!(stopped > 200 && reversed > 200, "{stopped} stops and {reversed} reversals");
}
