//! Verifies docs/metrics.md: its tables match the list of metrics.
//!
//! `npm run docs` regenerates them. The test fails if the page is out of date.

#![expect(clippy::unwrap_used, reason = "the whole file is a test")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aitradepro_backtesting::metrics::METRICS;

const OVERVIEW: &str = "<!-- metrics -->\n";
const DEFINITIONS: &str = "<!-- definitions -->\n";
const END: &str = "<!-- end -->";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md")
}

/// Returns the table of names, units and examples.
fn overview() -> String {
    let mut table =
        String::from("\n| metric | unit | description | example |\n| --- | --- | --- | ---: |\n");
    for metric in METRICS {
        let (name, unit, example) = (metric.name, metric.unit.as_str(), metric.example);
        writeln!(table, "| `{name}` | {unit} | {} | {example} |", metric.description).unwrap();
    }
    table.push('\n');
    table
}

/// Returns the list of formulas, null cases and references.
fn definitions() -> String {
    let mut list = String::new();
    for metric in METRICS {
        let null =
            metric.null_case.map_or_else(|| "never null".into(), |case| format!("null {case}"));
        write!(list, "\n**`{}`**, {}: {}.\n\n", metric.name, metric.unit.as_str(), null).unwrap();
        writeln!(list, "- {}.", metric.formula).unwrap();
        writeln!(list, "- {}.", metric.reference).unwrap();
    }
    list.push('\n');
    list
}

/// Replaces the part of a page between a mark and the next end.
fn filled(page: &str, mark: &str, text: &str) -> String {
    let from = page.find(mark).unwrap() + mark.len();
    let to = from + page[from..].find(END).unwrap();
    format!("{}{text}{}", &page[..from], &page[to..])
}

#[test]
fn reference_is_that_of_the_metrics() {
    let page = std::fs::read_to_string(path()).unwrap().replace("\r\n", "\n");
    let wanted = filled(&filled(&page, OVERVIEW, &overview()), DEFINITIONS, &definitions());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path(), wanted).unwrap();
    } else {
        assert!(page == wanted, "docs/metrics.md is out of date: run `npm run docs`");
    }
}
