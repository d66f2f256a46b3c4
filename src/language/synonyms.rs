//! What other languages and libraries call things, and what to write here instead: one list for each place in an expression.
//!
//! A test compiles every expression of these lists. In them, `a`, `b` and `x` stand for numbers, `condition` for a condition
//! and `n` for a number of bars.

/// What to write instead of a foreign word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// An expression, and what to know about it: the end of a sentence, which may be empty.
    Write(&'static str, &'static str),
    /// A setting of the run with a value, and what it sets.
    Setting(&'static str, &'static str),
    /// There is nothing to write: why, and what else to do.
    Say(&'static str),
}

impl Advice {
    /// Returns the advice as the end of a message.
    pub fn hint(self) -> String {
        match self {
            // The numbers are not those of the author.
            Self::Write(expression, more) if expression.contains(|c: char| c.is_ascii_digit()) => {
                format!(", write {expression}, for example{more}")
            }
            Self::Write(expression, more) => format!(", write {expression}{more}"),
            Self::Setting(setting, what) => {
                format!(": {what} is a setting of the run, simulation: {{ {setting} }}")
            }
            Self::Say(sentence) => format!(": {sentence}"),
        }
    }
}

use Advice::{Say, Setting, Write};

const NO_POSITION: Advice = Say(
    "expressions read bars, not the position; stop losses and take profits are settings of the run, simulation: { slStop: 0.05, tpStop: 0.1 }",
);
const NO_ORDERS: Advice = Say(
    "expressions place no orders; entries, exits, short_entries and short_exits are conditions, such as close > sma(close, 20)",
);
const NO_FUTURE: Advice =
    Say("no expression can read a later bar, because it is not known when the signal occurs");
const NO_INPUTS: Advice = Say(
    "declare a parameter of the strategy and write its name, parameters: { period: { type: 'integer', default: 14 } }",
);
const NO_DATES: Advice = Say(
    "expressions read hour, minute, day_of_week, day_of_month and month; startDate and endDate select the range of a run",
);
const NO_MISSING: &str = "; a comparison with a missing value is false, so this is rarely needed";

/// Names of series and functions: lowercase and without underscores, as [`simplified`] returns them.
pub const NAMES: &[(&str, Advice)] = &[
    // Crossings.
    (
        "crossover crossup crossabove crossesabove crossedover crossesover crossoverup goldencross",
        Write("crossed_above(a, b)", ""),
    ),
    (
        "crossunder crossdown crossbelow crossesbelow crossedunder crossesunder crossoverdown deathcross",
        Write("crossed_below(a, b)", ""),
    ),
    ("cross crosses crossed", Write("crossed_above(a, b) or crossed_below(a, b)", "")),
    // Looking back, and forward.
    (
        "ref lag delay prev previous offset back ago tsdelay tslag valueat",
        Write("shift(x, n)", " for the value n bars ago"),
    ),
    ("lead future next peek forward", NO_FUTURE),
    (
        "diff delta difference tsdelta chg netchange",
        Write("change(x, n)", " for x minus its value n bars ago"),
    ),
    (
        "pctchange percentchange pct pctchg returns ret changepercent",
        Write("close / shift(close, 1) - 1", " for a fraction, or roc(close, 1) for percent"),
    ),
    ("barslast barsincelast", Write("bars_since(condition)", "")),
    ("rising isrising increasing", Write("count(close > shift(close, 1), 3) == 3", "")),
    ("falling isfalling decreasing", Write("count(close < shift(close, 1), 3) == 3", "")),
    ("countif sumif counttrue exist exists any", Write("count(condition, n) > 0", "")),
    ("all every alltrue", Write("count(condition, 5) == 5", "")),
    ("security requestsecurity resample mtf htf timeframe", Write("higher('1d', close)", "")),
    // Windows.
    (
        "rolling window expanding ewm rollingapply",
        Write(
            "sma(close, 20)",
            ", or stdev, highest, lowest, sum or rank: they compute over the last bars",
        ),
    ),
    (
        "avg mean average ma movingaverage rollingmean tsmean simplemovingaverage",
        Write("sma(close, 20)", " for the average over bars, (a + b) / 2 for that of two numbers"),
    ),
    ("expma exponentialmovingaverage ewma", Write("ema(close, 20)", "")),
    ("rma smma wilder wildersma wilders", Write("ema(close, 2 * 14 - 1)", " for rma(close, 14)")),
    ("vwma", Write("sum(close * volume, 20) / sum(volume, 20)", "")),
    (
        "std stddev standarddeviation stdeviation sd sigma rollingstd tsstd stdevp",
        Write("stdev(close, 20)", ""),
    ),
    ("variance var tsvar", Write("pow(stdev(close, 20), 2)", "")),
    (
        "volatility hv historicalvolatility realizedvolatility",
        Write("stdev(close, 20)", " for money, or natr(14) for percent"),
    ),
    ("zscore standardscore", Write("(close - sma(close, 20)) / stdev(close, 20)", "")),
    ("hhv highesthigh rollingmax tsmax maxof highestof", Write("highest(high, 20)", "")),
    ("llv lowestlow rollingmin tsmin minof lowestof", Write("lowest(low, 20)", "")),
    ("rollingsum tssum sumof cum cumsum summation", Write("sum(x, n)", " for the last n bars")),
    (
        "percentrank pctrank percentile quantile tsrank rankpct",
        Write("rank(close, 100)", ", the share of the last 100 values that are lower"),
    ),
    // Indicators.
    (
        "macd",
        Write("macd_line(close, 12, 26, 9)", "; macd_signal and macd_hist take the same arguments"),
    ),
    ("macdhistogram macdoscillator", Write("macd_hist(close, 12, 26, 9)", "")),
    ("macdsignalline signalline", Write("macd_signal(close, 12, 26, 9)", "")),
    (
        "bb bbands bollinger bollingerbands bband bollband",
        Write(
            "bbands_upper(close, 20, 2)",
            "; bbands_middle and bbands_lower take the same arguments",
        ),
    ),
    (
        "bbupper upperbb upperband bbu bollingerupper bollingerhband bbandsup bollup bbtop",
        Write("bbands_upper(close, 20, 2)", ""),
    ),
    (
        "bbmiddle bbmid middleband bbm bbbasis bollingermavg bollingermiddle",
        Write("bbands_middle(close, 20, 2)", ""),
    ),
    (
        "bblower lowerbb lowerband bbl bollingerlower bollingerlband bbandslow bolldown bbbottom",
        Write("bbands_lower(close, 20, 2)", ""),
    ),
    (
        "bbw bbwidth bollingerwidth bandwidth",
        Write(
            "(bbands_upper(close, 20, 2) - bbands_lower(close, 20, 2)) / bbands_middle(close, 20, 2)",
            "",
        ),
    ),
    (
        "percentb bbpercent bbp pctb bollingerpband",
        Write(
            "(close - bbands_lower(close, 20, 2)) / (bbands_upper(close, 20, 2) - bbands_lower(close, 20, 2))",
            "",
        ),
    ),
    (
        "stoch stochastic stochastics slowstoch stochslow",
        Write("stoch_k(high, low, close, 14, 3, 3)", "; stoch_d takes the same arguments"),
    ),
    (
        "stochrsi stochasticrsi srsi",
        Write("stochrsi_k(close, 14, 5, 3)", "; stochrsi_d takes the same arguments"),
    ),
    ("kc keltner keltnerchannel", Write("keltner_upper(20, 10, 2)", ", or keltner_lower")),
    (
        "dc donchian donchianchannel",
        Write("shift(donchian_upper(20), 1)", ", or donchian_lower, for the bars before this one"),
    ),
    ("aroon", Write("aroon_up(14)", ", or aroon_down(14)")),
    ("psar parabolicsar parabolic", Write("sar()", "")),
    ("williamsr williams wpr percentr wr", Write("willr(14)", "")),
    ("momentum", Write("mom(close, 10)", "")),
    ("rateofchange", Write("roc(close, 10)", "")),
    ("dmi dm di diplus pdi plusdmi dip", Write("plus_di(14)", ", or minus_di(14)")),
    ("diminus mdi minusdmi dim", Write("minus_di(14)", "")),
    ("tr truerange trange", Write("atr(1)", "")),
    ("averagetruerange", Write("atr(14)", "")),
    ("relativestrengthindex", Write("rsi(close, 14)", "")),
    ("tenkan tenkansen conversionline", Write("donchian_middle(9)", "")),
    ("kijun kijunsen baseline", Write("donchian_middle(26)", "")),
    ("linearregression linearreg regression lsma", Write("linreg(close, 14)", "")),
    ("slope", Write("linreg_slope(close, 14)", "")),
    // Arithmetic and choice.
    ("iff iif ifelse ite ternary cond choose select where when", Write("if(condition, a, b)", "")),
    ("fabs absolute", Write("abs(x)", "")),
    ("ln loge natlog", Write("log(x)", "")),
    ("log10", Write("log(x) / log(10)", "")),
    ("log2", Write("log(x) / log(2)", "")),
    ("power", Write("pow(x, 2)", "")),
    ("sqr square", Write("pow(x, 2)", "")),
    ("squareroot", Write("sqrt(x)", "")),
    ("mod modulo modulus fmod", Write("a % b", "")),
    ("sign sgn signum", Write("if(x > 0, 1, if(x < 0, -1, 0))", "")),
    ("int trunc integer fix", Write("floor(x)", "")),
    ("ceiling", Write("ceil(x)", "")),
    ("maximum fmax greatest", Write("max(a, b)", ", or highest(x, n) for the last n bars")),
    ("minimum fmin least", Write("min(a, b)", ", or lowest(x, n) for the last n bars")),
    ("nz fillna coalesce ifnan nvl", Write("if(x == x, x, 0)", NO_MISSING)),
    ("na isna isnan isnull nan null none undefined", Write("not (x == x)", NO_MISSING)),
    ("notna isnotnull notnull isfinite", Write("x == x", NO_MISSING)),
    ("between inrange", Write("20 < x and x < 80", "")),
    ("xor", Write("if(condition, not (a > b), a > b)", "")),
    // Series.
    (
        "price last lastprice src source c closeprice closingprice adjclose adjustedclose value px",
        Write("close", ""),
    ),
    ("o openprice openingprice", Write("open", "")),
    ("h highprice", Write("high", "")),
    ("l lowprice", Write("low", "")),
    ("v vol qtytraded tradedvolume basevolume", Write("volume", "")),
    ("hl2 medprice medianprice mid midprice", Write("(high + low) / 2", "")),
    ("hlc3 typical typicalprice typprice", Write("(high + low + close) / 3", "")),
    ("ohlc4 averageprice avgprice", Write("(open + high + low + close) / 4", "")),
    ("hlcc4 wclprice weightedclose", Write("(high + low + 2 * close) / 4", "")),
    ("body candlebody realbody", Write("abs(close - open)", "")),
    ("barrange highlowrange", Write("high - low", "")),
    ("yesterday prevclose previousclose yclose", Write("shift(close, 1)", "")),
    ("prevhigh previoushigh", Write("shift(high, 1)", "")),
    ("prevlow previouslow", Write("shift(low, 1)", "")),
    ("weekday dow", Write("day_of_week", ", 1 for Monday to 7 for Sunday")),
    ("day monthday dom", Write("day_of_month", "")),
    ("hours hourofday", Write("hour", "")),
    ("minutes minuteofhour", Write("minute", "")),
    ("months monthofyear", Write("month", "")),
    (
        "monday tuesday wednesday thursday friday saturday sunday",
        Write("day_of_week == 1", " for Monday, and so on to 7 for Sunday"),
    ),
    ("year time date datetime timestamp now today dayofyear week weekofyear", NO_DATES),
    // What is not part of an expression.
    (
        "stoploss sl stop stoplimit stopprice stoplosspct stoplosspercent",
        Setting("slStop: 0.05", "a stop loss"),
    ),
    (
        "takeprofit tp target profittarget targetprice takeprofitpct takeprofitpercent",
        Setting("tpStop: 0.1", "a take profit"),
    ),
    (
        "trailingstop trailstop trail tsl trailing trailingstoploss",
        Setting("slStop: 0.05, slTrail: true", "a trailing stop"),
    ),
    ("fee fees commission commissions", Setting("fees: 0.001", "the fee")),
    ("slippage slip spread", Setting("slippage: 0.001", "slippage")),
    ("leverage margin", Say("there is no leverage; an entry invests cash, at most all of it")),
    (
        "position inposition positionsize entryprice avgentryprice barssinceentry equity cash balance capital pnl profit openprofit drawdown marketposition islong isshort isflat holding barsheld",
        NO_POSITION,
    ),
    (
        "buy sell short long cover entry exit enterlong exitlong entershort exitshort order orders strategyentry strategyexit strategyclose closeposition signal alert",
        NO_ORDERS,
    ),
    ("input inputs param params parameter parameters optimize", NO_INPUTS),
];

/// Names that strategies give to parameters, as [`simplified`] returns them, and a declaration. A name that ends with one of them
/// is such a name, too.
pub const PARAMETERS: &[(&str, &str)] = &[
    ("fast slow n length len period periods lookback", "{ type: 'integer', default: 20 }"),
    (
        "threshold level multiplier factor oversold overbought ratio",
        "{ type: 'number', default: 2 }",
    ),
];

/// Returns whether strategies give a parameter just this name.
pub fn is_parameter(name: &str) -> bool {
    let name = simplified(name);
    PARAMETERS.iter().any(|(words, _)| words.split(' ').any(|word| word == name))
}

/// Returns the declaration of a parameter with a name that strategies give to parameters.
pub fn find_parameter(name: &str) -> Option<&'static str> {
    // Shorter ones end many other words.
    const MIN_SUFFIX: usize = 4;
    let name = simplified(name);
    let is_like = |word: &str| name == word || word.len() >= MIN_SUFFIX && name.ends_with(word);
    let mut all = PARAMETERS.iter();
    all.find(|(words, _)| words.split(' ').any(is_like)).map(|(_, declaration)| *declaration)
}

/// Words after a complete operand, lowercase, and what to write instead.
pub const OPERATOR_WORDS: &[(&str, Advice)] = &[
    ("and", Write("`and`", "")),
    ("or", Write("`or`", "")),
    ("not", Write("`and not`", "")),
    (
        "crosses crossed crossing crossover crossunder",
        Write("crossed_above(a, b)", " or crossed_below(a, b)"),
    ),
    ("above over exceeds greater gt", Write("`>`", "")),
    ("below under less lt", Write("`<`", "")),
    ("is", Write("`==`", ", or `>` for above and `<` for below")),
    ("equals equal eq", Write("`==`", "")),
    ("mod", Write("`%`", "")),
    ("div", Write("`/`", "")),
    ("between", Write("20 < x and x < 80", "")),
    ("in", Write("x == 1 or x == 2", ", or 20 < x and x < 80 for a range")),
    ("then else elif if when unless", Write("if(condition, a, b)", "")),
    ("xor", Write("if(condition, not (a > b), a > b)", "")),
];

/// Words before an operand, lowercase, and what to write instead.
pub const PREFIX_WORDS: &[(&str, Advice)] = &[
    ("not", Write("`not`", "")),
    ("if when", Write("if(condition, a, b)", "")),
    (
        "let var const val def dim float int bool double varip",
        Say("there are no variables; write the value where it is used, it is computed once"),
    ),
    ("previous prev last yesterday", Write("shift(close, 1)", " for the previous close")),
    ("return", Say("leave it out; the value of a strategy's entries is the condition itself")),
    ("buy sell short long cover enter exit", NO_ORDERS),
];

/// Symbols of other languages and of typography. Longer ones precede their prefixes.
pub const SYMBOLS: &[(&str, Advice)] = &[
    ("&&", Write("`and`", "")),
    ("&", Write("`and`", "")),
    ("||", Write("`or`", "")),
    ("|", Write("`or`", "")),
    ("**", Write("pow(x, 2)", "")),
    ("^", Write("pow(x, 2)", "")),
    ("<>", Write("`!=`", "")),
    ("=>", Write("`>=`", "")),
    ("=<", Write("`<=`", "")),
    ("=", Write("`==`", " to compare")),
    (":=", Write("`==`", " to compare; there are no variables")),
    ("!", Write("`not`", "")),
    ("~", Write("`not`", "")),
    ("?", Write("if(condition, a, b)", "")),
    ("['", Write("close", " without brackets and quotes")),
    ("[\"", Write("close", " without brackets and quotes")),
    ("[", Write("shift(x, n)", " for the value n bars ago")),
    ("{", Write("`(`", "")),
    ("}", Write("`)`", "")),
    ("//", Write("floor(a / b)", " for a whole quotient, or `#` before a comment")),
    ("/*", Write("`#`", " before a comment")),
    (".", Write("sma(close, 20)", " for close.rolling(20).mean()")),
    ("≥", Write("`>=`", "")),
    ("⩾", Write("`>=`", "")),
    ("≤", Write("`<=`", "")),
    ("⩽", Write("`<=`", "")),
    ("≠", Write("`!=`", "")),
    ("＝", Write("`==`", "")),
    ("＞", Write("`>`", "")),
    ("＜", Write("`<`", "")),
    ("×", Write("`*`", "")),
    ("·", Write("`*`", "")),
    ("∗", Write("`*`", "")),
    ("÷", Write("`/`", "")),
    ("∕", Write("`/`", "")),
    ("⁄", Write("`/`", "")),
    ("−", Write("`-`", "")),
    ("–", Write("`-`", "")),
    ("—", Write("`-`", "")),
    ("‐", Write("`-`", "")),
    ("＋", Write("`+`", "")),
    ("∧", Write("`and`", "")),
    ("∨", Write("`or`", "")),
    ("¬", Write("`not`", "")),
    ("²", Write("pow(x, 2)", "")),
    ("√", Write("sqrt(x)", "")),
    ("（", Write("`(`", "")),
    ("）", Write("`)`", "")),
    ("，", Write("`,`", "")),
    ("％", Write("0.02", " for 2 %")),
    ("“", Write("`'`", " around timeframes; names have no quotes")),
    ("”", Write("`'`", " around timeframes; names have no quotes")),
    ("‘", Write("`'`", " around timeframes; names have no quotes")),
    ("’", Write("`'`", " around timeframes; names have no quotes")),
    ("`", Say("names have no quotes")),
    ("\u{200b}", Say("delete this invisible character")),
    ("\u{feff}", Say("delete this invisible character")),
    ("$", Say("amounts have no currency, names no prefix")),
    ("€", Say("amounts have no currency, names no prefix")),
];

/// Returns a name as the lists have it: in lower case and without underscores.
pub fn simplified(name: &str) -> String {
    name.chars().filter(|character| *character != '_').flat_map(char::to_lowercase).collect()
}

/// Returns the advice for a word.
pub fn find(list: &[(&str, Advice)], word: &str) -> Option<Advice> {
    // No word of the lists is longer.
    const MAX_LENGTH: usize = 40;
    if word.len() > MAX_LENGTH {
        return None;
    }
    let word = simplified(word);
    list.iter()
        .find(|(words, _)| words.split(' ').any(|known| known == word))
        .map(|(_, advice)| *advice)
}
