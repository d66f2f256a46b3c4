//! What an expert would say about a run before believing it.

use crate::portfolio::Portfolio;
use crate::simulation::{Kind, Simulation};

/// Fewer closed trades than this say little about a strategy.
const FEW_TRADES: usize = 30;

/// Returns the warnings of a run, the gravest first.
pub(super) fn of(simulation: &Simulation, portfolio: &Portfolio) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(bar) = portfolio.equity.iter().position(|equity| *equity <= 0.0) {
        warnings.push(format!(
            "equity is at or below zero from bar {bar} on: a broker would have closed the account"
        ));
    }
    let closed: usize =
        portfolio.trades.status.iter().map(|status| usize::from(*status == 1)).sum();
    if closed < FEW_TRADES {
        warnings.push(format!(
            "only {closed} closed trades: fewer than {FEW_TRADES} say little about a strategy"
        ));
    }
    for kind in Kind::ALL {
        let of_kind: Vec<_> =
            simulation.unexecuted.iter().filter(|signals| signals.kind == kind).collect();
        let total: u32 = of_kind.iter().map(|signals| signals.count).sum();
        if total > 0 {
            let reasons: Vec<String> = of_kind
                .iter()
                .map(|signals| format!("{} ({})", signals.reason.as_str(), signals.count))
                .collect();
            warnings.push(format!(
                "{total} {} signals made no order: {}",
                kind.as_str(),
                reasons.join(", ")
            ));
        }
    }
    warnings
}
