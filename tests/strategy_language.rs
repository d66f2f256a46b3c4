//! Verifies docs/strategy-language.md: the reference matches the lists of the language, and every snippet works.
//!
//! `npm run docs` regenerates the reference. The test fails if the page is out of date.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the whole file is a test")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aitradepro_backtesting::indicators::INDICATORS;
use aitradepro_backtesting::indicators::Series;
use aitradepro_backtesting::language::functions::{
    FUNCTIONS, Function, FunctionGroup, OPERATORS, ReturnType, TimeField,
};
use aitradepro_backtesting::language::synonyms::{Advice, NAMES};
use aitradepro_backtesting::language::{
    self, Diagnostic, PlanBuilder, RootValue, Scope, ValueType, check::usage, evaluate,
};
use aitradepro_backtesting::market::{Bars, Column, time};
use aitradepro_backtesting::observer::NoObserver;
use aitradepro_backtesting::request::Issues;
use aitradepro_backtesting::settings::SETTINGS;
use aitradepro_backtesting::strategies::{self, BoundStrategy, Strategy};

const START: &str = "<!-- reference -->\n";
const END: &str = "<!-- end -->";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn page() -> String {
    std::fs::read_to_string(path("docs/strategy-language.md")).unwrap().replace("\r\n", "\n")
}

/// Returns the code blocks of a page with their language, in order.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks: Vec<(String, String)> = Vec::new();
    let mut is_inside = false;
    for line in page.lines() {
        match (line.strip_prefix("```"), is_inside) {
            (Some(language), false) => {
                blocks.push((language.to_owned(), String::new()));
                is_inside = true;
            }
            (Some(_), true) => is_inside = false,
            (None, true) => {
                let (_, text) = blocks.last_mut().unwrap();
                *text += line;
                text.push('\n');
            }
            (None, false) => {}
        }
    }
    blocks
}

/// Returns the daily bars of the S&P 500.
fn bars() -> Bars {
    let text = std::fs::read_to_string(path("data/sp500-daily.csv")).unwrap();
    let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let column = |index: usize| -> Column {
        rows.iter().map(|row| row[index].parse::<f64>().unwrap()).collect()
    };
    let timestamps: Vec<i64> = rows.iter().map(|row| time::parse(row[0]).unwrap()).collect();
    Bars::new(timestamps, column(1), column(2), column(3), column(4), Some(column(6))).unwrap()
}

/// Evaluates an expression of either type.
fn evaluate_expression(text: &str, bars: &Bars) -> Result<RootValue, Vec<Diagnostic>> {
    let tree = language::parse(text).map_err(|problem| vec![problem])?;
    let scope = Scope { parameters: &[], allows_series: true };
    let checked = language::check(&tree, ValueType::Condition, scope).or_else(|diagnostics| {
        language::check(&tree, ValueType::Number, scope).map_err(|_| diagnostics)
    })?;
    let mut builder = PlanBuilder::default();
    let root = builder.add(&checked, &[])?;
    Ok(evaluate(&builder.finish(&[root]), bars, &NoObserver).unwrap().remove(0))
}

fn bind(text: &str) -> BoundStrategy {
    let strategy = strategies::parse(text)
        .and_then(Strategy::compile)
        .unwrap_or_else(|issues| panic!("{text}\n{issues:?}"));
    strategy.bind(None, &mut Issues::default()).unwrap()
}

#[test]
fn every_strategy_of_the_page_enters_and_exits() {
    let (page, bars) = (page(), bars());
    let mut recipes = 0;
    for (_, text) in blocks(&page).iter().filter(|(language, _)| language == "strategy") {
        let bound = bind(text);
        let signals = bound.signals(&bars, &NoObserver).unwrap();
        assert!(signals.entries.count() > 0 && signals.exits.count() > 0, "{text}");
        // The page mentions every warning about its strategies.
        for warning in bound.warnings() {
            let words = warning.strip_prefix("the strategy is ").unwrap();
            assert!(page.contains(words.split(':').next().unwrap()), "{text}\n{warning}");
        }
        recipes += usize::from(bound.strategy_id().starts_with("recipe_"));
    }
    assert_eq!(recipes, 10);
}

#[test]
fn every_expression_of_the_page_has_values() {
    let bars = bars();
    let mut count = 0;
    for (_, text) in blocks(&page()).iter().filter(|(language, _)| language == "expression") {
        for line in text.lines() {
            let computed = evaluate_expression(line, &bars)
                .unwrap_or_else(|problems| panic!("{line}: {problems:?}"));
            match (line, computed) {
                // The page states the results of these.
                ("close / (close - close) > 1", computed) => {
                    assert_eq!(computed.into_bits(bars.len()).count(), 0);
                }
                ("not (sma(close, 200) > 0)", computed) => {
                    let bits = computed.into_bits(bars.len());
                    assert!(bits.get(0) && bits.get(198) && !bits.get(199));
                }
                (_, RootValue::Bits(bits)) => assert!(bits.count() > 0, "{line}"),
                (_, RootValue::Column(values)) => {
                    assert!(values.iter().any(|value| value.is_finite()), "{line}");
                }
                (_, other) => panic!("{line} is the constant {other:?}"),
            }
            count += 1;
        }
    }
    assert!(count > 5, "{count}");
}

#[test]
fn every_setting_that_a_hint_names_exists() {
    let mut count = 0;
    for (words, advice) in NAMES {
        let Advice::Setting(settings, _) = advice else { continue };
        for part in settings.split(", ") {
            let (name, _) = part.split_once(": ").unwrap();
            assert!(SETTINGS.iter().any(|known| known.name == name), "{words}: {name}");
            count += 1;
        }
    }
    assert!(count > 3, "{count}");
}

#[test]
fn every_error_on_the_page_has_the_message_on_the_page() {
    let blocks = blocks(&page());
    let bars = bars();
    let mut count = 0;
    for pair in blocks.windows(2).filter(|pair| pair[0].0 == "wrong") {
        let diagnostics = evaluate_expression(pair[0].1.trim_end(), &bars).unwrap_err();
        let shown = diagnostics.iter().fold(String::new(), |mut all, problem| {
            let _ = writeln!(all, "{problem}");
            all
        });
        assert_eq!(("text", shown.as_str()), (pair[1].0.as_str(), pair[1].1.as_str()));
        count += 1;
    }
    assert!(count > 1);
}

#[test]
fn every_code_block_of_the_page_has_a_known_language() {
    for (language, text) in blocks(&page()) {
        // Blocks of `js` are run by __test__/language.test.ts.
        assert!(
            ["strategy", "expression", "wrong", "text", "js"].contains(&language.as_str()),
            "{language}: {text}"
        );
    }
}

#[test]
fn the_reference_matches_the_lists_of_the_language() {
    let page = page();
    let from = page.find(START).unwrap() + START.len();
    let to = from + page[from..].find(END).unwrap();
    let wanted = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let text = format!("{}{wanted}{}", &page[..from], &page[to..]);
        std::fs::write(path("docs/strategy-language.md"), text).unwrap();
    } else {
        assert!(
            page[from..to] == wanted,
            "docs/strategy-language.md is out of date: run `npm run docs`"
        );
    }
}

fn reference() -> String {
    let mut text = String::new();
    table(&mut text, "Series", "Name", |rows| {
        for (name, _) in Series::ALL {
            let doc = match name {
                "open" => "The price of the first trade of the bar",
                "high" => "The highest price of the bar",
                "low" => "The lowest price of the bar",
                "close" => "The price of the last trade of the bar",
                _ => {
                    "The traded volume of the bar; a run whose strategy reads it fails if a bar has none"
                }
            };
            row(rows, &format!("`{name}`"), doc);
        }
        for (name, _, doc) in TimeField::ALL {
            row(rows, &format!("`{name}`"), doc);
        }
    });
    table(&mut text, "Operators", "Operator", |rows| {
        for operator in OPERATORS {
            let form = match operator.arguments {
                [_] if operator.name == "unary -" => "-a".to_owned(),
                [_] => format!("{} a", operator.name),
                _ => format!("a {} b", operator.name),
            };
            row(rows, &format!("`{form}`"), operator.doc);
        }
    });
    for (group, title) in [
        (FunctionGroup::Arithmetic, "Arithmetic"),
        (FunctionGroup::Logic, "Choice"),
        (FunctionGroup::History, "Looking back"),
    ] {
        table(&mut text, title, "Function", |rows| {
            for function in FUNCTIONS.iter().filter(|function| function.group == group) {
                row(rows, &format!("`{}`", call(function)), &described(function));
            }
        });
    }
    text += "### Indicators\n\n";
    text += "If TA-Lib has an indicator, the values equal those of TA-Lib and start at the same bar. The signatures show the default values of the parameters. The functions under one heading are computed together.\n";
    for indicator in INDICATORS {
        let _ = write!(text, "\n**{}.** {}\n\n", indicator.title, sentence(indicator.doc));
        for output in indicator.outputs {
            let _ = write!(text, "- `{}`", usage(indicator, output.name));
            if output.doc != indicator.doc {
                let _ = write!(text, ": {}", sentence(output.doc));
            }
            text.push('\n');
        }
        for parameter in indicator.parameters {
            let _ = writeln!(
                text,
                "- `{}`, {} from {} to {}: {}",
                parameter.name,
                if parameter.integer { "a whole number" } else { "a number" },
                parameter.minimum,
                parameter.maximum,
                sentence(parameter.doc)
            );
        }
    }
    text
}

fn table(text: &mut String, title: &str, first: &str, fill: impl FnOnce(&mut String)) {
    let _ = write!(text, "### {title}\n\n| {first} | Meaning |\n| --- | --- |\n");
    fill(text);
    text.push('\n');
}

fn row(text: &mut String, first: &str, doc: &str) {
    let _ = writeln!(text, "| {first} | {} |", sentence(doc).trim_end_matches('.'));
}

fn call(function: &Function) -> String {
    let names: Vec<&str> = function.arguments.iter().map(|(name, _)| *name).collect();
    let more = if function.repeats { ", …" } else { "" };
    format!("{}({}{more})", function.name, names.join(", "))
}

fn described(function: &Function) -> String {
    match function.returns {
        ReturnType::Condition => format!("{} (a condition)", function.doc),
        ReturnType::Number | ReturnType::Either => function.doc.to_owned(),
    }
}

fn sentence(doc: &str) -> String {
    format!("{}.", doc.trim_end_matches('.'))
}
