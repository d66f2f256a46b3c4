//! Verifies docs/metrics.md: the table matches the list of metrics.
//!
//! `npm run docs` regenerates the table. The test fails if the page is out of date.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use aitradepro_backtesting::metrics::METRICS;

const START: &str = "<!-- metrics -->\n";
const END: &str = "<!-- end -->";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md")
}

#[test]
fn reference_is_that_of_the_metrics() {
    let page = std::fs::read_to_string(path()).unwrap().replace("\r\n", "\n");
    let from = page.find(START).unwrap() + START.len();
    let to = from + page[from..].find(END).unwrap();
    let mut wanted = String::from("\n| metric | unit | description |\n| --- | --- | --- |\n");
    for metric in METRICS {
        let (name, unit) = (metric.name, metric.unit.as_str());
        // A bar would end the cell.
        let description = metric.description.replace('|', r"\|");
        writeln!(wanted, "| `{name}` | {unit} | {description} |").unwrap();
    }
    wanted.push('\n');
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path(), format!("{}{wanted}{}", &page[..from], &page[to..])).unwrap();
    } else {
        assert!(page[from..to] == wanted, "docs/metrics.md is out of date: run `npm run docs`");
    }
}
