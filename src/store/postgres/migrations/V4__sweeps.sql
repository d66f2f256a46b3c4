-- Sweeps: many combinations of parameters of one strategy.
CREATE TABLE sweeps (
  id text PRIMARY KEY,
  -- The order of creation, for sweeps of the same millisecond.
  number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  user_id text,
  strategy_id text NOT NULL,
  strategy_source text,
  asset_symbols text[] NOT NULL,
  timeframes text[] NOT NULL,
  start_date timestamptz NOT NULL,
  end_date timestamptz NOT NULL,
  -- A metric or an expression over metrics; the higher, the better.
  objective text NOT NULL,
  -- The request, from which the sweep can be rebuilt. Parameters of combinations follow from it.
  request json NOT NULL,
  columns text[] NOT NULL, -- the names of the columns in sweep_columns
  fingerprints text[] NOT NULL, -- hashes of the bars; empty until they are loaded
  combinations bigint NOT NULL,
  -- How many combinations are kept, the first ones in grid order.
  done bigint NOT NULL CHECK (done BETWEEN 0 AND combinations),
  best double precision, -- the best value of the objective
  status text NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
  error text,
  -- The best combinations, remarks, …; NULL until the end.
  summary json,
  engine_version text NOT NULL,
  -- The engine that runs it.
  owner text NOT NULL,
  -- Names the call of the owner that may change the sweep.
  claim text NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  completed_at timestamptz
);

CREATE INDEX sweeps_newest ON sweeps (created_at DESC, number DESC);
CREATE INDEX sweeps_of_user ON sweeps (user_id, created_at DESC, number DESC);
CREATE INDEX sweeps_unfinished ON sweeps (owner) WHERE status IN ('pending', 'running');

-- The columns of sweeps in chunks of some 16 MB, one row for each column of a chunk, so that one column can be read without
-- the others. The chunks of a sweep follow each other without a gap.
CREATE TABLE sweep_columns (
  sweep_id text NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
  first bigint NOT NULL, -- the number of the first combination of the chunk, from 0
  combinations bigint NOT NULL, -- of the chunk
  name text NOT NULL,
  -- Of the place of the chunk, the name and the data; see src/store/sweep_check.rs.
  checksum bigint NOT NULL,
  data bytea NOT NULL, -- one float64 little-endian for each combination; NaN where there is no value
  PRIMARY KEY (sweep_id, first, name)
);

-- Metrics hardly compress, and trying takes longer than writing them.
ALTER TABLE sweep_columns ALTER COLUMN data SET STORAGE EXTERNAL;
