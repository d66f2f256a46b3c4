//! What other libraries call the fields of requests, and what to write instead.

/// What to write instead of a foreign name: the first of these fields that the request has.
pub type Advice = &'static [(&'static str, &'static str)];

/// Names as [`simplified`] returns them; the fields that they stand for, and an example of each. Without an example, a message
/// only names the field.
pub const FIELDS: &[(&str, Advice)] = &[
    // Beside the settings.
    (
        "capital cash initcash initialcash initcapital startcash startcapital startingcash startingcapital balance initialbalance startbalance money principal",
        &[("initialCapital", "")],
    ),
    (
        "from start starttime startdatetime begin begindate fromdate since",
        &[("startDate", ""), ("from", "")],
    ),
    ("startdate", &[("from", "")]),
    ("to end endtime enddatetime until todate finish", &[("endDate", ""), ("to", "")]),
    ("enddate", &[("to", "")]),
    (
        "interval freq frequency resolution granularity barsize period periodicity tf",
        &[("timeframe", ""), ("timestamps", ""), ("step", "")],
    ),
    ("intervals resolutions frequencies tfs", &[("timeframes", ""), ("timeframe", "")]),
    ("symbol ticker asset assetid instrument security pair market", &[("assetSymbol", "")]),
    (
        "symbols tickers assets assetids instruments securities pairs markets universe",
        &[("assetSymbols", ""), ("assetSymbol", "")],
    ),
    ("strategyname strategykey", &[("strategyId", "")]),
    (
        "params inputs input args arguments config strategyparams grid paramgrid parametergrid ranges searchspace",
        &[("parameters", "")],
    ),
    ("data ohlcv ohlc candles klines quotes df dataframe", &[("bars", "")]),
    ("price", &[("execution", "execution: 'nextOpen'"), ("close", "")]),
    ("prices", &[("close", ""), ("bars", "")]),
    ("volumes", &[("volume", "")]),
    (
        "warmupbars warmupperiod startupcandles startupcandlecount startup warmstart",
        &[("warmup", "")],
    ),
    ("save store", &[("persist", "")]),
    ("user owner account", &[("userId", "")]),
    // Of sweeps.
    ("constraint filter filters condition conditions", &[("constraints", "")]),
    (
        "optimize optimise maximize maximise goal score criterion rankby sortby",
        &[("objective", "")],
    ),
    ("samples randomsearch trials iterations maxtries maxiter", &[("sample", "")]),
    ("minimumtrades mintradecount tradesmin", &[("minTrades", "")]),
    ("best topn nbest", &[("top", "")]),
    ("min minimum lower lowerbound", &[("from", "")]),
    ("max maximum upper upperbound", &[("to", "")]),
    ("increment by stepsize delta", &[("step", "")]),
    ("n num number points steps", &[("count", "")]),
    // The settings.
    (
        "fee commission commissions commissionpct cost costs transactioncost transactioncosts tradingfee tradingfees takerfee makerfee brokerage",
        &[("fees", "")],
    ),
    ("fixedfee feefixed flatfee minfee", &[("fixedFees", "")]),
    ("slip spread", &[("slippage", "")]),
    ("stoploss sl stoplosspct stoplosspercent stop lossstop slpct", &[("slStop", "slStop: 0.05")]),
    (
        "takeprofit tp target profittarget takeprofitpct takeprofitpercent profitstop tppct",
        &[("tpStop", "tpStop: 0.1")],
    ),
    (
        "trailingstop trailstop trail tsl tslstop trailing trailingstoploss trailingstoppct stoptrail",
        &[("slTrail", "slStop: 0.05, slTrail: true")],
    ),
    (
        "positionsize positionsizing positionpct investfraction riskpertrade percent allocation stake stakeamount exposure",
        &[("size", "size: 0.5, sizeType: 'percent'")],
    ),
    ("quantity qty ordersize amount shares units lots lotsize", &[("size", "")]),
    ("positionsizetype sizetypes sizing", &[("sizeType", "")]),
    ("pyramiding pyramid scalein", &[("accumulate", "accumulate: 'addOnly'")]),
    (
        "allowshort allowshorts shorts short canshort longshort enableshort side",
        &[("direction", "direction: 'both'")],
    ),
    (
        "fill fillprice fillon orderprice executionprice tradeon tradeonclose tradeonopen executeon nextopen delay",
        &[("execution", "execution: 'nextOpen'")],
    ),
    ("riskfreerate rf rfr riskfreeratepct", &[("riskFree", "")]),
    (
        "tradingdays tradingdaysperyear daysperyear periodsperyear barsperyear annualization annualizationfactor",
        &[("yearDays", "")],
    ),
];

/// Returns a name as the list has it: in lower case and without underscores and hyphens.
pub fn simplified(name: &str) -> String {
    let letters = name.chars().filter(|character| !matches!(character, '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

/// Returns the fields that a foreign name stands for.
pub fn find(name: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    // No word of the list is longer.
    const MAX_LENGTH: usize = 40;
    let word = if name.len() <= MAX_LENGTH { simplified(name) } else { String::new() };
    FIELDS
        .iter()
        .filter(move |(words, _)| words.split(' ').any(|known| known == word))
        .flat_map(|(_, advice)| advice.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_the_form_in_which_they_are_looked_up() {
        let mut seen = std::collections::BTreeSet::new();
        for (words, advice) in FIELDS {
            for word in words.split(' ') {
                assert!(seen.insert(word), "{word} occurs twice");
                assert_eq!(simplified(word), word);
                let first = advice[0];
                assert!(find(word).any(|found| found == first), "{word}");
                assert!(find(&word.to_uppercase()).any(|found| found == first), "{word}");
            }
        }
        assert_eq!(find("banana").count(), 0);
        assert_eq!(find("").count(), 0);
        assert_eq!(find(&"é".repeat(1 << 20)).count(), 0);
    }
}
