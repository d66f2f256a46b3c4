//! Hostile inputs, each generated from its case number.

use aitradepro_backtesting::strategies::BUILTIN;

/// A text and the parser that it is for.
#[derive(Debug)]
pub enum Input {
    /// An expression of the language.
    Expression(String),
    /// A strategy in the text format.
    Strategy(String),
}

/// Words of the language, and words that resemble them.
const WORDS: &[&str] = &[
    "close",
    "open",
    "high",
    "low",
    "volume",
    "hour",
    "month",
    "period",
    "factor",
    "flag",
    "true",
    "false",
    "and",
    "or",
    "not",
    "if",
    "(",
    ")",
    "(",
    ")",
    ",",
    ",",
    "+",
    "-",
    "*",
    "/",
    "%",
    "<",
    "<=",
    ">",
    ">=",
    "==",
    "!=",
    "=",
    "&&",
    "!",
    "sma",
    "ema",
    "rsi",
    "macd_line",
    "macd_hist",
    "bbands_upper",
    "atr",
    "stoch_k",
    "supertrend",
    "vwap",
    "donchian_upper",
    "shift",
    "change",
    "highest",
    "sum",
    "rank",
    "count",
    "bars_since",
    "crossed_above",
    "crossed_below",
    "higher",
    "'1d'",
    "\"4h\"",
    "'1d",
    "min",
    "max",
    "abs",
    "log",
    "pow",
    "round",
    "0",
    "1",
    "2",
    "14",
    "0.5",
    "1e9",
    "1e-9",
    "10000",
    "10001",
    "9007199254740993",
    "1e308",
    "1e309",
    "3x",
    ".",
    ".5",
    "1_000",
    "_",
    "#",
    "\n",
    "\r\n",
    "\t",
    "rsii",
    "clse",
    "é",
    "\u{feff}",
    "\u{202e}",
    "💥",
    "\0",
    "entries",
    ";",
    "[",
    "]",
    "?",
    "^",
    "**",
    "||",
    "{",
    "}",
    "'",
    "\"",
    "\\",
];

/// Expressions that are right.
const PROGRAMS: &[&str] = &[
    "crossed_above(sma(close, period), sma(close, 2 * period + 1))",
    "rsi(close, 14) < 30 and not (close > bbands_upper(close, 20, factor))",
    "higher('1d', close > ema(close, 20)) and count(close > open, 5) >= 3",
    "close > shift(highest(high, 20), 1) or bars_since(flag) == 0",
    "if(flag, macd_line(close, 12, 26, 9), macd_hist()) > if(volume > sma(volume, 10), 0, atr(14) / close)",
    "day_of_week <= 5 and (hour + minute / 60) % 24 >= 9.5 # the morning\n and rank(change(close, 1), 30) > 0.9",
    "min(close, open, shift(low, 3)) - max(-close, abs(change(close, period))) > pow(10, -3) * round(factor)",
    "higher('4h', higher('1d', adx(14))) > 25 and supertrend_direction(10, 3) > 0",
];

const LINES: &[&str] = &[
    "strategy own",
    "strategy Own",
    "name \"Own\"",
    "name Own",
    "type trend",
    "type odd",
    "description \"a \\\"b\\\" \\u00e9\"",
    "reference \"\\ud800\"",
    "period: integer 1..=500 = 10 \"Bars\"",
    "factor: number 0..=1e308 = 0.5",
    "flag: boolean = true",
    "n: integer = 1e300",
    "n: number ..= = 1",
    "n: integer -5..= = -5",
    "close: number = 1",
    "position_size: number = 1",
    "constraint period > 1",
    "constraint close > 1",
    "entries close > sma(close, period)",
    "exits false",
    "exits not flag",
    "entries crossed_above(close,",
    "  sma(close, 3))",
    "\t and true",
    "short_entries close < open",
    "short_exits true",
    "# a note",
    "",
    "   ",
    ":",
    "::",
    "= 1",
    "é: integer = 1",
    "\u{2028}entries true",
    "\u{a0}and close > 1",
];

/// A generator of random numbers (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }

    /// Returns a length: mostly short, occasionally long.
    fn length(&mut self, short: usize, long: usize) -> usize {
        if self.below(200) == 0 { self.below(long) } else { self.below(short) }
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn char(&mut self) -> char {
        let limit = [0x80, 0x250, 0x3000, 0x11_0000][self.below(4)];
        u32::try_from(self.below(limit)).ok().and_then(char::from_u32).unwrap_or('\u{fffd}')
    }
}

/// Generates the input of a case.
pub fn make(case: u64) -> Input {
    let mut random = Random(case.wrapping_mul(0xd134_2543_de82_ef95));
    let random = &mut random;
    Input::Expression(match random.below(12) {
        0 => bytes(random),
        1 => (0..random.length(80, 12_000)).map(|_| random.char()).collect(),
        2 => words(random),
        3 | 4 => {
            let program = random.pick(PROGRAMS);
            mutated(random, program)
        }
        5 => nested(random),
        6 => long(random),
        7 => number(random),
        8 | 9 => condition(random, 6),
        10 => return Input::Strategy(lines(random)),
        _ => {
            let strategy = BUILTIN[random.below(BUILTIN.len())].1;
            return Input::Strategy(mutated(random, strategy));
        }
    })
}

fn bytes(random: &mut Random) -> String {
    let bytes: Vec<u8> =
        (0..random.length(100, 12_000)).map(|_| random.next().to_le_bytes()[0]).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn words(random: &mut Random) -> String {
    let count = random.length(40, 3_000);
    let glue = [" ", "", "\n"][random.below(3)];
    (0..count).map(|_| random.pick(WORDS)).collect::<Vec<_>>().join(glue)
}

/// Mutates a text in a few places: cuts, copies, and foreign words.
fn mutated(random: &mut Random, text: &str) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..random.below(5) {
        let from = random.below(text.len() + 1);
        let to = (from + random.below(12)).min(text.len());
        let part: Vec<char> = text[from..to].to_vec();
        match random.below(5) {
            0 => drop(text.drain(from..to)),
            1 => {
                let at = random.below(text.len() + 1);
                text.splice(at..at, part);
            }
            2 => {
                let word = random.pick(WORDS);
                text.splice(from..to, word.chars());
            }
            3 => {
                let other = random.char();
                text.splice(from..to, [other]);
            }
            _ => {
                let copies = random.length(20, 2_000);
                let repeated = part.repeat(copies);
                text.splice(from..to, repeated.into_iter().take(12_000));
            }
        }
    }
    text.into_iter().collect()
}

fn nested(random: &mut Random) -> String {
    const OPENINGS: &[(&str, &str)] = &[
        ("(", ")"),
        ("-", ""),
        ("+", ""),
        ("not ", ""),
        ("abs(", ")"),
        ("if(flag, 1, ", ")"),
        ("1 + ", ""),
        ("sma(", ", 2)"),
        ("higher('1d', ", ")"),
        ("close < ", ""),
        ("flag and ", ""),
        ("crossed_above(close, ", ")"),
    ];
    let depth = random.length(70, 6_000);
    let kinds = 1 + random.below(3);
    let chosen: Vec<usize> = (0..kinds).map(|_| random.below(OPENINGS.len())).collect();
    let opened: Vec<(&str, &str)> =
        (0..depth).map(|level| OPENINGS[chosen[level % kinds]]).collect();
    let mut text: String = opened.iter().map(|(opening, _)| *opening).collect();
    text += random.pick(&["close", "flag", "1", ""]);
    let closed = if random.below(4) == 0 { random.below(depth + 1) } else { depth };
    text.extend(opened.iter().rev().take(closed).map(|(_, closing)| *closing));
    text
}

fn long(random: &mut Random) -> String {
    let unit = random.pick(&[
        "1+",
        "close>1 and ",
        "-",
        "a",
        "rsii(",
        "sma(close,1)+",
        "x,",
        "\n",
        " ",
        "(1)+",
        "nosuchname + ",
        "'",
        "1e",
        "é",
    ]);
    let size = if random.below(20) == 0 { 11_000 } else { 600 };
    let count = random.below(size / unit.len() + 2);
    let wrapped = random.below(3) == 0;
    let inner = unit.repeat(count) + random.pick(&["1", "close", "flag", ""]);
    if wrapped { format!("min({inner})") } else { inner }
}

fn number(random: &mut Random) -> String {
    let digits: String = (0..=random.length(25, 9_000))
        .map(|_| char::from(b'0' + u8::try_from(random.below(10)).unwrap_or(0)))
        .collect();
    let exponent =
        ["", "e999999999999", "e-999999999999", "e308", "e-320", "e+5", "e", "E+", ".", "_", "x"];
    let number =
        format!("{}{digits}{}", random.pick(&["", "-", "0.", "0x", "1_"]), random.pick(&exponent));
    let shape = random.pick(&[
        "close > N",
        "shift(close, N) > 1",
        "sma(close, N) > N",
        "N",
        "bbands_upper(close, 20, N) < close",
        "round(N) == N % 7",
        "count(flag, N) > pow(N, N)",
        "stoch_k(N, N, N) > 0",
    ]);
    shape.replace('N', &number)
}

/// Generates a condition.
fn condition(random: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return random.pick(&["flag", "true", "close > open", "hour == 9"]).to_owned();
    }
    let below = depth - 1;
    match random.below(7) {
        0 => format!("({}) and ({})", condition(random, below), condition(random, below)),
        1 => format!("({}) or ({})", condition(random, below), condition(random, below)),
        2 => format!("not ({})", condition(random, below)),
        3 => format!("crossed_above({}, {})", value(random, below), value(random, below)),
        4 => format!("higher('1w', close + {} > 1)", value(random, below.min(2))),
        _ => {
            let sign = random.pick(&["<", "<=", ">", ">=", "==", "!="]);
            format!("{} {sign} {}", value(random, below), value(random, below))
        }
    }
}

/// Generates a numeric expression.
fn value(random: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return random
            .pick(&["close", "volume", "factor", "3", "0.25", "period", "month"])
            .to_owned();
    }
    let below = depth - 1;
    match random.below(9) {
        0 | 1 => {
            let sign = random.pick(&["+", "-", "*", "/", "%"]);
            format!("({} {sign} {})", value(random, below), value(random, below))
        }
        2 => format!(
            "{}({})",
            random.pick(&["abs", "log", "sqrt", "round", "-"]),
            value(random, below)
        ),
        3 => {
            let name = random.pick(&[
                "sma", "ema", "rsi", "highest", "shift", "rank", "kama", "stdev", "linreg",
            ]);
            let period = random.pick(&[
                "period",
                "2",
                "14",
                "period * 3 + 1",
                "round(factor * 10)",
                "0",
                "20000",
            ]);
            format!("{name}(close + {}, {period})", value(random, below))
        }
        4 => format!(
            "{}()",
            random.pick(&["atr", "macd_line", "macd_signal", "adx", "supertrend", "obv", "vwap"])
        ),
        5 => format!(
            "if({}, {}, {})",
            condition(random, below),
            value(random, below),
            value(random, below)
        ),
        6 => format!("min({}, {}, 3)", value(random, below), value(random, below)),
        7 => format!("count({}, 5)", condition(random, below)),
        _ => random.pick(&["close", "high", "1e3", "period"]).to_owned(),
    }
}

fn lines(random: &mut Random) -> String {
    let mut lines: Vec<&str> = vec!["strategy own", "entries close > 1", "exits close < 1"];
    for _ in 0..random.length(6, 400) {
        let at = random.below(lines.len() + 1);
        match random.below(6) {
            0 if !lines.is_empty() => drop(lines.remove(at.min(lines.len() - 1))),
            _ => lines.insert(at, random.pick(LINES)),
        }
    }
    lines.join(random.pick(&["\n", "\n", "\r\n"]))
}
