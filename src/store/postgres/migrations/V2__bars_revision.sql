-- The revision of the series that a run was computed on (bar_series.revision), so that a run can say whether its bars have
-- changed or are gone. NULL for bars that were not imported, and in runs of earlier versions.
ALTER TABLE backtest_runs ADD COLUMN bars_revision bigint;
