//! Bars in the embedded store, as chunks of columns.

mod catalog;
mod chunk;
mod delete;
mod embedded_bars;
mod import;
mod load;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod tests;

pub use embedded_bars::EmbeddedBars;
