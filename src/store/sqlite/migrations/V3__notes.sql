-- Remarks with stable codes, [{"code", "text", "data"}]; warnings has their texts. NULL in results of earlier versions.
ALTER TABLE backtest_results ADD COLUMN notes TEXT;
-- What the results rest on: bars per year, warm-up bars, … NULL in results of earlier versions.
ALTER TABLE backtest_results ADD COLUMN assumptions TEXT;
-- The outputs that were asked for; NULL for all of them. Metrics, trades and the curve that were not asked for are empty.
ALTER TABLE backtest_results ADD COLUMN outputs TEXT;
-- Why the trade was closed; NULL for an open trade, and in results of earlier versions.
ALTER TABLE backtest_trades ADD COLUMN exit_reason TEXT;
-- The lowest and the highest price while the trade was open, percent of its entry price. NULL in results of earlier versions.
ALTER TABLE backtest_trades ADD COLUMN max_adverse_excursion REAL;
ALTER TABLE backtest_trades ADD COLUMN max_favorable_excursion REAL;
