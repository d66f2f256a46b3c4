-- The embedded store.
--
-- Every time is an INTEGER of milliseconds since 1970-01-01T00:00:00Z; SQLite reads one as
-- datetime(created_at / 1000, 'unixepoch'). Money is in the quote currency. Parameters, settings and metrics are JSON.
-- Columns of numbers are blobs: float64 little-endian, one after the other, unless said otherwise.
-- "Steps" is how a column of increasing times is packed: the first time (int64), a unit (int64), a width (uint8: 0, 1, 2, 4
-- or 8), the number of times (uint32), and for each time but the first its distance from the one before in units (unsigned,
-- that many bytes; with width 0 every distance is one unit). All little-endian.

CREATE TABLE bar_series (
  series INTEGER PRIMARY KEY,
  asset_symbol TEXT NOT NULL,
  timeframe TEXT NOT NULL,
  bars INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  -- Grows with every import, so that caches know when they are out of date.
  revision INTEGER NOT NULL,
  UNIQUE (asset_symbol, timeframe)
) STRICT;

-- Bars in chunks of up to 8192, so that a million of them is read in some hundred rows and an import rewrites only what it
-- touches. Chunks of a series do not overlap.
CREATE TABLE bars (
  series INTEGER NOT NULL REFERENCES bar_series (series) ON DELETE CASCADE,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  bars INTEGER NOT NULL,
  -- Of all blobs of the row; see src/store/sqlite/blob.rs.
  checksum INTEGER NOT NULL,
  timestamps BLOB NOT NULL, -- steps
  open BLOB NOT NULL,
  high BLOB NOT NULL,
  low BLOB NOT NULL,
  close BLOB NOT NULL,
  volume BLOB, -- NaN where a bar has none; NULL where no bar of the chunk has one
  UNIQUE (series, first)
) STRICT;

CREATE TABLE backtest_runs (
  -- The order of creation, for runs of the same millisecond.
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  user_id TEXT,
  strategy_id TEXT NOT NULL,
  strategy_source TEXT,
  asset_symbol TEXT NOT NULL,
  timeframe TEXT NOT NULL,
  start_date INTEGER NOT NULL,
  end_date INTEGER NOT NULL,
  initial_capital REAL NOT NULL,
  parameters TEXT NOT NULL,
  simulation TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
  error TEXT,
  engine_version TEXT NOT NULL,
  fingerprint TEXT,
  -- The process that runs it: the name of the file that it holds locked in the folder beside this database.
  owner TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  completed_at INTEGER
) STRICT;

CREATE INDEX backtest_runs_newest ON backtest_runs (created_at DESC, number DESC);
CREATE INDEX backtest_runs_unfinished ON backtest_runs (owner) WHERE status IN ('pending', 'running');

CREATE TABLE backtest_results (
  run_id TEXT PRIMARY KEY REFERENCES backtest_runs (id) ON DELETE CASCADE,
  final_capital REAL NOT NULL,
  total_return REAL NOT NULL, -- percent
  -- The metrics that people query for; all of them are in `metrics`.
  sharpe_ratio REAL,
  max_drawdown REAL, -- percent
  win_rate REAL, -- percent
  total_trades INTEGER,
  winning_trades INTEGER,
  losing_trades INTEGER,
  avg_win REAL,
  avg_loss REAL,
  profit_factor REAL,
  metrics TEXT NOT NULL,
  warnings TEXT NOT NULL,
  timestamps BLOB NOT NULL, -- steps, one for each bar
  equity BLOB NOT NULL -- money, one for each bar
) STRICT;

CREATE TABLE backtest_trades (
  run_id TEXT NOT NULL REFERENCES backtest_results (run_id) ON DELETE CASCADE,
  number INTEGER NOT NULL, -- from 0, in the order of the exits
  entry_date INTEGER NOT NULL,
  exit_date INTEGER, -- NULL while the trade is open
  direction TEXT NOT NULL CHECK (direction IN ('long', 'short')),
  entry_price REAL NOT NULL,
  exit_price REAL NOT NULL, -- of an open trade: the last close, at which it is valued
  quantity REAL NOT NULL,
  pnl REAL NOT NULL,
  pnl_percent REAL NOT NULL,
  fees REAL NOT NULL, -- of entry and exit
  status TEXT NOT NULL CHECK (status IN ('open', 'closed')),
  entry_bar INTEGER NOT NULL, -- from 0
  exit_bar INTEGER NOT NULL, -- of an open trade: the last bar
  entry_fees REAL NOT NULL,
  exit_fees REAL NOT NULL,
  PRIMARY KEY (run_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE trading_strategies (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  strategy_type TEXT NOT NULL,
  parameters_schema TEXT NOT NULL,
  default_parameters TEXT NOT NULL,
  definition TEXT NOT NULL,
  is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
