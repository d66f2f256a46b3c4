//! Bars in PostgreSQL databases: those that were imported into the schema of the store ([`ImportedBars`]), and those of the
//! backend's own table, which is only read ([`PriceTable`]). The table may be in another database, read by another role.

mod combined_source;
mod delete;
mod import;
mod imported_bars;
mod price_table;
mod row_reader;
mod table_layout;
mod table_queries;
mod tick_aggregator;
mod timeframe_labels;

#[cfg(test)]
mod tests;

pub use combined_source::CombinedSource;
pub use imported_bars::ImportedBars;
pub use price_table::PriceTable;
