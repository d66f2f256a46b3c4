-- Remarks with stable codes, [{"code", "text", "data"}]; warnings has their texts. NULL in results of earlier versions.
ALTER TABLE backtest_results ADD COLUMN notes json;
-- What the results rest on: bars per year, warm-up bars, … NULL in results of earlier versions.
ALTER TABLE backtest_results ADD COLUMN assumptions json;
-- The outputs that were asked for; NULL for all of them. Metrics, trades and the curve that were not asked for are empty.
ALTER TABLE backtest_results ADD COLUMN outputs json;
-- Why the trade was closed; NULL for an open trade, and in results of earlier versions.
ALTER TABLE backtest_trades ADD COLUMN exit_reason text;
-- The lowest and the highest price while the trade was open, percent of its entry price. NULL in results of earlier versions.
ALTER TABLE backtest_trades ADD COLUMN max_adverse_excursion double precision;
ALTER TABLE backtest_trades ADD COLUMN max_favorable_excursion double precision;
