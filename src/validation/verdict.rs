//! The verdict: what to believe of a result, in one word, by rules in an order of which the first that holds decides.
//!
//! | rule | verdict | holds if |
//! |---|---|---|
//! | invalid | `INVALID` | signals look ahead, bars are bad, or fills decide the sign of the result |
//! | too little | `UNDERPOWERED` | fewer than 30 closed trades or 12 chunks of calendar time |
//! | not alone | `NO_EVIDENCE`; `UNDERPOWERED` below 2.7 years | not even as a single trial would it be believed at 5 % |
//! | explained by the search | `LIKELY_OVERFIT` | p > 5 %, and p > 50 % or a worthwhile ratio would have been found with 50 % |
//! | search too large | `UNDERPOWERED` | p > 5 % otherwise |
//! | contradicted | `LIKELY_OVERFIT` | out of sample 1.645 standard errors below the headline, p in the lockbox > 50 %, p of null worlds > 5 % |
//! | under its assumptions | `FRAGILE` | no profit at doubled costs; one bar of delay turns the sign or halves the ratio; plateau score < 0.5; no profit without its best block or its best 5 % of trades; median under price noise ≤ 0 |
//! | adaptive | `UNCONFIRMED` | more than 3 rounds and nothing accepted in the lockbox |
//! | unchecked | `UNCONFIRMED` | no walk-forward, lockbox or null worlds |
//! | passed | `ROBUST` | none of these |
//!
//! `ROBUST` means that it passed every check that was made, and the answer names those that were not. [`Thresholds`] has all numbers of
//! this table. Unit: ratios a year. Null: a check that was not made never decides; a p-value that cannot be given is too little.

use super::headline::Headline;
use super::judge::Judgement;
use super::missing::Missing;
use super::normal;
use super::per_bar::Annual;
use super::power::power;

/// The thresholds of the rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// The level of tests.
    pub alpha: f64,
    /// The annual Sharpe ratio that is worth finding.
    pub worthwhile: Annual,
    /// The fewest closed trades.
    pub trades: usize,
    /// The fewest chunks of calendar time.
    pub chunks: usize,
    /// Above this p-value, the search explains the result however little data there is.
    pub hopeless: f64,
    /// From this power on, a worthwhile ratio would have been found.
    pub power: f64,
    /// How many standard errors below the headline contradict it.
    pub contradiction: f64,
    /// Above this p-value, the lockbox contradicts.
    pub lockbox: f64,
    /// Below this share of its ratio, a result depends on the bar it is filled at.
    pub delayed: f64,
    /// Below this score, the neighbors of a combination are much worse.
    pub plateau: f64,
    /// With more rounds than this, counting trials does not protect.
    pub rounds: usize,
}

/// The thresholds of every verdict, unless another level or another worthwhile ratio is wanted.
pub const THRESHOLDS: Thresholds = Thresholds {
    alpha: 0.05,
    worthwhile: Annual(1.0),
    trades: 30,
    chunks: super::signs::LEAST_CHUNKS,
    hopeless: 0.5,
    power: 0.5,
    contradiction: 1.645,
    lockbox: 0.5,
    delayed: 0.5,
    plateau: 0.5,
    rounds: 3,
};

/// What to believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// No statistic mends it.
    Invalid,
    /// There is too little data to tell.
    Underpowered,
    /// Not even a single trial would be believed.
    NoEvidence,
    /// It looks good, and the search explains it.
    LikelyOverfit,
    /// It holds only under its assumptions.
    Fragile,
    /// Nothing speaks against it, and what would confirm it was not done.
    Unconfirmed,
    /// It passed every check that was made.
    Robust,
}

impl Verdict {
    /// Returns the stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Underpowered => "UNDERPOWERED",
            Self::NoEvidence => "NO_EVIDENCE",
            Self::LikelyOverfit => "LIKELY_OVERFIT",
            Self::Fragile => "FRAGILE",
            Self::Unconfirmed => "UNCONFIRMED",
            Self::Robust => "ROBUST",
        }
    }
}

/// Why a verdict was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Signals depend on later bars.
    LookAhead,
    /// The bars are bad.
    BadData,
    /// The sign of the result depends on the fill at the close of the signal's bar.
    FillsDecide,
    /// There are too few closed trades.
    FewTrades,
    /// There are too few chunks of calendar time.
    FewChunks,
    /// A statistic cannot be given.
    Missing(Missing),
    /// As a single trial, it would not be believed.
    NotAlone,
    /// The best of so many trials is expected to be as good.
    Search,
    /// The search is too large for the data.
    SearchTooLarge,
    /// Walk-forward is worse than the headline.
    OutOfSample,
    /// The lockbox contradicts.
    Lockbox,
    /// Null worlds are as good.
    NullWorlds,
    /// There is no profit at doubled costs.
    Costs,
    /// One bar of delay takes the sign or half of the ratio.
    Delay,
    /// The neighbors are much worse.
    Plateau,
    /// The profit is made in one of sixteen blocks.
    BestBlock,
    /// The profit is made by the best 5 % of the trades.
    BestTrades,
    /// Noise in the prices takes the profit.
    PriceNoise,
    /// The search went on after its results were seen.
    Adaptive,
    /// Nothing was tested on other bars or worlds.
    Unchecked,
    /// Nothing speaks against it.
    Passed,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Mend the strategy, the bars or the fills.
    Mend,
    /// Bring more bars, or a strategy that trades more.
    MoreData,
    /// Bring more bars, or search fewer combinations.
    FewerTrials,
    /// Try another idea.
    OtherIdea,
    /// Make the strategy less dependent on the assumption named.
    Strengthen,
    /// Spend the lockbox, or wait for new bars.
    SpendLockbox,
    /// Run a walk-forward, the lockbox or null worlds.
    Confirm,
    /// Trade it small, and compare.
    TradeSmall,
}

/// A check that a verdict can be without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Walk-forward.
    WalkForward,
    /// The lockbox.
    Lockbox,
    /// Null worlds.
    NullWorlds,
    /// Doubled costs.
    Costs,
    /// One bar of delay.
    Delay,
    /// The neighbors of the combination.
    Plateau,
    /// The profit without the best block.
    BestBlock,
    /// The profit without the best trades.
    BestTrades,
    /// Noise in the prices.
    PriceNoise,
}

/// A result on bars that had no part in the choice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutOfSample {
    /// The annual Sharpe ratio of the judged returns.
    pub ratio: Annual,
    /// Its standard error.
    pub error: Annual,
}

/// What is known beside the statistics of the search. `None`: the check was not made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// What makes the result invalid.
    pub flaw: Option<Reason>,
    /// The number of closed trades.
    pub closed_trades: usize,
    /// The number of chunks of calendar time.
    pub chunks: usize,
    /// How many rounds the search had.
    pub rounds: usize,
    /// The stitched tests of a walk-forward.
    pub walk_forward: Option<OutOfSample>,
    /// The p-value of the last spend of the lockbox, and whether it was accepted.
    pub lockbox: Option<(f64, bool)>,
    /// The p-value of null worlds.
    pub null_worlds: Option<f64>,
    /// The sum of judged returns at doubled costs.
    pub profit_at_doubled_costs: Option<f64>,
    /// The Sharpe ratio of the judged returns with one bar of delay, divided by that without.
    pub share_with_delay: Option<f64>,
    /// The plateau score of the combination.
    pub plateau: Option<f64>,
    /// The sum of judged returns without the best of sixteen blocks.
    pub profit_without_best_block: Option<f64>,
    /// The profit without the best 5 % of the trades.
    pub profit_without_best_trades: Option<f64>,
    /// The median of the sum of judged returns under noise in the prices.
    pub profit_under_noise: Option<f64>,
}

/// A verdict with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The verdict.
    pub verdict: Verdict,
    /// The reason.
    pub reason: Reason,
    /// What to do next.
    pub next: NextStep,
    /// The checks that were not made.
    pub not_made: Vec<Check>,
}

/// Returns the verdict on the chosen combination of a search.
#[must_use]
pub fn verdict(judgement: &Judgement, evidence: &Evidence, thresholds: &Thresholds) -> Finding {
    let case = Case { judgement, evidence, thresholds };
    let decision = case
        .invalid()
        .or_else(|| case.too_little())
        .or_else(|| case.not_alone())
        .or_else(|| case.by_search())
        .or_else(|| case.contradicted())
        .or_else(|| case.fragile())
        .or_else(|| case.unconfirmed());
    let (verdict, reason, next) =
        decision.unwrap_or((Verdict::Robust, Reason::Passed, NextStep::TradeSmall));
    Finding { verdict, reason, next, not_made: evidence.not_made() }
}

type Decision = (Verdict, Reason, NextStep);

impl Evidence {
    fn not_made(&self) -> Vec<Check> {
        [
            (Check::WalkForward, self.walk_forward.is_some()),
            (Check::Lockbox, self.lockbox.is_some()),
            (Check::NullWorlds, self.null_worlds.is_some()),
            (Check::Costs, self.profit_at_doubled_costs.is_some()),
            (Check::Delay, self.share_with_delay.is_some()),
            (Check::Plateau, self.plateau.is_some()),
            (Check::BestBlock, self.profit_without_best_block.is_some()),
            (Check::BestTrades, self.profit_without_best_trades.is_some()),
            (Check::PriceNoise, self.profit_under_noise.is_some()),
        ]
        .into_iter()
        .filter_map(|(check, is_made)| (!is_made).then_some(check))
        .collect()
    }
}

struct Case<'a> {
    judgement: &'a Judgement,
    evidence: &'a Evidence,
    thresholds: &'a Thresholds,
}

impl Case<'_> {
    fn invalid(&self) -> Option<Decision> {
        self.evidence.flaw.map(|flaw| (Verdict::Invalid, flaw, NextStep::Mend))
    }

    fn too_little(&self) -> Option<Decision> {
        let few = if self.evidence.closed_trades < self.thresholds.trades {
            Reason::FewTrades
        } else if self.evidence.chunks < self.thresholds.chunks {
            Reason::FewChunks
        } else {
            return None;
        };
        Some((Verdict::Underpowered, few, NextStep::MoreData))
    }

    /// Returns the power to find a worthwhile ratio above a critical value.
    fn power_above(&self, critical: f64) -> f64 {
        power(critical, self.judgement.years, self.thresholds.worthwhile).unwrap_or(0.0)
    }

    fn not_alone(&self) -> Option<Decision> {
        let alone = match self.judgement.alone {
            Ok(alone) => alone,
            // Returns that are those of the benchmark are no evidence, however many there are.
            Err(Missing::NoVariance) => {
                let missing = Reason::Missing(Missing::NoVariance);
                return Some((Verdict::NoEvidence, missing, NextStep::OtherIdea));
            }
            Err(missing) => {
                return Some((Verdict::Underpowered, Reason::Missing(missing), NextStep::MoreData));
            }
        };
        if alone >= 1.0 - self.thresholds.alpha {
            return None;
        }
        let critical = normal::upper_quantile(self.thresholds.alpha).unwrap_or(f64::INFINITY);
        Some(if self.power_above(critical) < self.thresholds.power {
            (Verdict::Underpowered, Reason::NotAlone, NextStep::MoreData)
        } else {
            (Verdict::NoEvidence, Reason::NotAlone, NextStep::OtherIdea)
        })
    }

    fn by_search(&self) -> Option<Decision> {
        let (p, critical) = match (self.judgement.p_value, self.judgement.critical_value) {
            (Ok(p), Ok(critical)) => (p, critical),
            (Err(missing), _) | (_, Err(missing)) => {
                return Some((Verdict::Underpowered, Reason::Missing(missing), NextStep::MoreData));
            }
        };
        if p <= self.thresholds.alpha {
            return None;
        }
        let is_explained =
            p > self.thresholds.hopeless || self.power_above(critical) >= self.thresholds.power;
        Some(if is_explained {
            (Verdict::LikelyOverfit, Reason::Search, NextStep::OtherIdea)
        } else {
            (Verdict::Underpowered, Reason::SearchTooLarge, NextStep::FewerTrials)
        })
    }

    fn contradicted(&self) -> Option<Decision> {
        let Evidence { walk_forward, lockbox, null_worlds, .. } = *self.evidence;
        let expected = self.judgement.headline.map_or(0.0, |Headline { expected, .. }| expected.0);
        let is_below =
            |out: OutOfSample| out.ratio.0 < expected - self.thresholds.contradiction * out.error.0;
        let reason = if walk_forward.is_some_and(is_below) {
            Reason::OutOfSample
        } else if lockbox.is_some_and(|(p, _)| p > self.thresholds.lockbox) {
            Reason::Lockbox
        } else if null_worlds.is_some_and(|p| p > self.thresholds.alpha) {
            Reason::NullWorlds
        } else {
            return None;
        };
        Some((Verdict::LikelyOverfit, reason, NextStep::OtherIdea))
    }

    fn fragile(&self) -> Option<Decision> {
        let evidence = self.evidence;
        let is_lost = |profit: Option<f64>| profit.is_some_and(|profit| profit <= 0.0);
        let reason = [
            (Reason::Costs, is_lost(evidence.profit_at_doubled_costs)),
            (
                Reason::Delay,
                evidence.share_with_delay.is_some_and(|share| share < self.thresholds.delayed),
            ),
            (
                Reason::Plateau,
                evidence.plateau.is_some_and(|score| score < self.thresholds.plateau),
            ),
            (Reason::BestBlock, is_lost(evidence.profit_without_best_block)),
            (Reason::BestTrades, is_lost(evidence.profit_without_best_trades)),
            (Reason::PriceNoise, is_lost(evidence.profit_under_noise)),
        ]
        .into_iter()
        .find_map(|(reason, holds)| holds.then_some(reason))?;
        Some((Verdict::Fragile, reason, NextStep::Strengthen))
    }

    fn unconfirmed(&self) -> Option<Decision> {
        let Evidence { walk_forward, lockbox, null_worlds, rounds, .. } = *self.evidence;
        if rounds > self.thresholds.rounds && lockbox.is_none_or(|(_, is_accepted)| !is_accepted) {
            return Some((Verdict::Unconfirmed, Reason::Adaptive, NextStep::SpendLockbox));
        }
        let is_checked = walk_forward.is_some() || lockbox.is_some() || null_worlds.is_some();
        (!is_checked).then_some((Verdict::Unconfirmed, Reason::Unchecked, NextStep::Confirm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validation::headline::{Company, Prior, headline};
    use crate::validation::per_bar::{BarsPerYear, PerBar};

    /// Returns what speaks for a result in every respect.
    fn good() -> (Judgement, Evidence) {
        let year = BarsPerYear::new(252.0).unwrap();
        let prior = Prior::new(2520, year, Annual(1.0)).unwrap();
        let company = Company { effective_trials: 20.0, others: 1.0 };
        let expected = headline(PerBar(0.15), &prior, year, company);
        let judgement = Judgement {
            bars: 2520,
            years: 10.0,
            trials: 100,
            effective_trials: Ok(20.0),
            ratio: Err(Missing::TooFewBars),
            error: Ok(0.02),
            interval: Err(Missing::TooFewBars),
            alone: Ok(0.999),
            track_record: Ok(500.0),
            batches: Err(Missing::TooFewBars),
            t: Ok(7.0),
            p_value: Ok(0.001),
            critical_value: Ok(2.9),
            deflated_across: Err(Missing::TooFewBars),
            deflated_null: Err(Missing::TooFewBars),
            headline: expected,
            backtest_length: Ok(4.0),
            years_for_power: [Ok(8.0), Ok(14.0)],
            overfitting: Err(Missing::TooFewBars),
        };
        let evidence = Evidence {
            flaw: None,
            closed_trades: 100,
            chunks: 130,
            rounds: 1,
            walk_forward: Some(OutOfSample { ratio: Annual(1.9), error: Annual(0.4) }),
            lockbox: Some((0.001, true)),
            null_worlds: Some(0.01),
            profit_at_doubled_costs: Some(0.2),
            share_with_delay: Some(0.9),
            plateau: Some(0.9),
            profit_without_best_block: Some(0.3),
            profit_without_best_trades: Some(0.1),
            profit_under_noise: Some(0.2),
        };
        (judgement, evidence)
    }

    #[track_caller]
    fn decides(
        change: impl FnOnce(&mut Judgement, &mut Evidence),
        verdict_: Verdict,
        reason: Reason,
    ) {
        let (mut judgement, mut evidence) = good();
        change(&mut judgement, &mut evidence);
        let found = verdict(&judgement, &evidence, &THRESHOLDS);
        assert_eq!((found.verdict, found.reason), (verdict_, reason));
    }

    #[test]
    fn every_rule_decides() {
        use Verdict::{
            Fragile, Invalid, LikelyOverfit, NoEvidence, Robust, Unconfirmed, Underpowered,
        };
        decides(|_, _| {}, Robust, Reason::Passed);
        decides(|_, e| e.flaw = Some(Reason::LookAhead), Invalid, Reason::LookAhead);
        decides(|_, e| e.closed_trades = 29, Underpowered, Reason::FewTrades);
        decides(|_, e| e.chunks = 11, Underpowered, Reason::FewChunks);
        decides(|j, _| j.alone = Ok(0.949), NoEvidence, Reason::NotAlone);
        decides(|j, _| (j.alone, j.years) = (Ok(0.949), 2.7), Underpowered, Reason::NotAlone);
        decides(|j, _| (j.alone, j.years) = (Ok(0.949), 2.71), NoEvidence, Reason::NotAlone);
        let missing = Missing::NoVariance;
        decides(|j, _| j.alone = Err(missing), NoEvidence, Reason::Missing(missing));
        let missing = Missing::NoError;
        decides(|j, _| j.alone = Err(missing), Underpowered, Reason::Missing(missing));
        decides(|j, _| j.p_value = Ok(0.06), LikelyOverfit, Reason::Search);
        decides(
            |j, _| (j.p_value, j.years) = (Ok(0.06), 8.0),
            Underpowered,
            Reason::SearchTooLarge,
        );
        decides(|j, _| (j.p_value, j.years) = (Ok(0.51), 8.0), LikelyOverfit, Reason::Search);
        let missing = Missing::TooFewTrials;
        decides(|j, _| j.p_value = Err(missing), Underpowered, Reason::Missing(missing));
        let worse = OutOfSample { ratio: Annual(0.5), error: Annual(0.4) };
        decides(|_, e| e.walk_forward = Some(worse), LikelyOverfit, Reason::OutOfSample);
        decides(|_, e| e.lockbox = Some((0.51, false)), LikelyOverfit, Reason::Lockbox);
        decides(|_, e| e.null_worlds = Some(0.06), LikelyOverfit, Reason::NullWorlds);
        decides(|_, e| e.profit_at_doubled_costs = Some(0.0), Fragile, Reason::Costs);
        decides(|_, e| e.share_with_delay = Some(0.49), Fragile, Reason::Delay);
        decides(|_, e| e.share_with_delay = Some(-1.0), Fragile, Reason::Delay);
        decides(|_, e| e.plateau = Some(0.49), Fragile, Reason::Plateau);
        decides(|_, e| e.profit_without_best_block = Some(-0.1), Fragile, Reason::BestBlock);
        decides(|_, e| e.profit_without_best_trades = Some(-0.1), Fragile, Reason::BestTrades);
        decides(|_, e| e.profit_under_noise = Some(0.0), Fragile, Reason::PriceNoise);
        decides(
            |_, e| (e.rounds, e.lockbox) = (4, Some((0.2, false))),
            Unconfirmed,
            Reason::Adaptive,
        );
        decides(|_, e| e.rounds = 4, Robust, Reason::Passed);
        decides(
            |_, e| (e.walk_forward, e.lockbox, e.null_worlds) = (None, None, None),
            Unconfirmed,
            Reason::Unchecked,
        );
    }

    #[test]
    fn the_first_rule_that_holds_decides() {
        decides(
            |j, e| {
                (j.alone, j.p_value, e.closed_trades, e.flaw) =
                    (Ok(0.1), Ok(0.9), 3, Some(Reason::BadData));
            },
            Verdict::Invalid,
            Reason::BadData,
        );
        decides(
            |j, e| (j.p_value, e.plateau) = (Ok(0.9), Some(0.0)),
            Verdict::LikelyOverfit,
            Reason::Search,
        );
    }

    #[test]
    fn checks_that_were_not_made_are_named_and_do_not_decide() {
        let (judgement, mut evidence) = good();
        assert!(verdict(&judgement, &evidence, &THRESHOLDS).not_made.is_empty());
        evidence.plateau = None;
        evidence.null_worlds = None;
        let found = verdict(&judgement, &evidence, &THRESHOLDS);
        assert_eq!(
            (found.verdict, found.not_made),
            (Verdict::Robust, vec![Check::NullWorlds, Check::Plateau])
        );
    }
}
