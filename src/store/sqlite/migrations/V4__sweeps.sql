-- Sweeps: many combinations of parameters of one strategy.
CREATE TABLE sweeps (
  -- The order of creation, for sweeps of the same millisecond.
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  user_id TEXT,
  strategy_id TEXT NOT NULL,
  strategy_source TEXT,
  asset_symbols TEXT NOT NULL, -- an array in JSON
  timeframes TEXT NOT NULL, -- an array in JSON
  start_date INTEGER NOT NULL,
  end_date INTEGER NOT NULL,
  -- A metric or an expression over metrics; the higher, the better.
  objective TEXT NOT NULL,
  -- The request in JSON, from which the sweep can be rebuilt. Parameters of combinations follow from it.
  request TEXT NOT NULL,
  columns TEXT NOT NULL, -- the names of the columns in sweep_columns, an array in JSON
  fingerprints TEXT NOT NULL, -- hashes of the bars, an array in JSON; empty until they are loaded
  combinations INTEGER NOT NULL,
  -- How many combinations are kept, the first ones in grid order.
  done INTEGER NOT NULL CHECK (done BETWEEN 0 AND combinations),
  best REAL, -- the best value of the objective
  status TEXT NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
  error TEXT,
  -- The best combinations, remarks, … in JSON; NULL until the end.
  summary TEXT,
  engine_version TEXT NOT NULL,
  -- As in backtest_runs.
  owner TEXT NOT NULL,
  -- Names the call of the owner that may change the sweep.
  claim TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  completed_at INTEGER
) STRICT;

CREATE INDEX sweeps_newest ON sweeps (created_at DESC, number DESC);
CREATE INDEX sweeps_unfinished ON sweeps (owner) WHERE status IN ('pending', 'running');

-- The columns of sweeps in chunks of some 16 MB, one row for each column of a chunk, so that one column can be read without
-- the others. The chunks of a sweep follow each other without a gap.
CREATE TABLE sweep_columns (
  sweep_id TEXT NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
  first INTEGER NOT NULL, -- the number of the first combination of the chunk, from 0
  combinations INTEGER NOT NULL, -- of the chunk
  name TEXT NOT NULL,
  -- Of the place of the chunk, the name and the data; see src/store/sweep_check.rs.
  checksum INTEGER NOT NULL,
  data BLOB NOT NULL, -- one for each combination; NaN where there is no value
  PRIMARY KEY (sweep_id, first, name)
) STRICT;
