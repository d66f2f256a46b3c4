-- The schema of the backtests in PostgreSQL. Names are unqualified: the runner sets the search path to the schema.
--
-- Times are timestamptz, to the millisecond; -infinity and infinity stand for moments that PostgreSQL cannot hold. Money is
-- in the quote currency, percentages are percent. jsonb does not keep the order of keys, so it lies beside in an array.

-- Who has this schema open; see src/store/postgres/owners.rs.
CREATE TABLE engines (
  id text PRIMARY KEY,
  -- The advisory lock that the engine's own connection holds as long as it lives; NULL where it beats instead.
  lock_key bigint,
  started_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE bar_series (
  asset_symbol text NOT NULL,
  timeframe text NOT NULL,
  bars bigint NOT NULL,
  first timestamptz NOT NULL,
  last timestamptz NOT NULL,
  -- Grows with every import, so that caches know when they are out of date.
  revision bigint NOT NULL,
  PRIMARY KEY (asset_symbol, timeframe)
);

CREATE TABLE bars (
  asset_symbol text NOT NULL,
  timeframe text NOT NULL,
  ts timestamptz NOT NULL, -- the opening
  open double precision NOT NULL,
  high double precision NOT NULL,
  low double precision NOT NULL,
  close double precision NOT NULL,
  volume double precision, -- NULL where it is not known
  -- No foreign key to bar_series: checked row by row, it would double the time of an import.
  PRIMARY KEY (asset_symbol, timeframe, ts)
);

CREATE TABLE backtest_runs (
  id text PRIMARY KEY,
  -- The order of creation, for runs of the same millisecond.
  number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  user_id text,
  strategy_id text NOT NULL,
  strategy_source text,
  asset_symbol text NOT NULL,
  timeframe text NOT NULL,
  start_date timestamptz NOT NULL,
  end_date timestamptz NOT NULL,
  initial_capital double precision NOT NULL,
  parameters jsonb NOT NULL,
  parameter_order text[] NOT NULL,
  simulation jsonb NOT NULL,
  simulation_order text[] NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
  error text,
  engine_version text NOT NULL,
  fingerprint text,
  -- The engine that runs it.
  owner text NOT NULL,
  created_at timestamptz NOT NULL,
  completed_at timestamptz
);

CREATE INDEX backtest_runs_newest ON backtest_runs (created_at DESC, number DESC);
CREATE INDEX backtest_runs_of_user ON backtest_runs (user_id, created_at DESC, number DESC);
CREATE INDEX backtest_runs_unfinished ON backtest_runs (owner) WHERE status IN ('pending', 'running');

CREATE TABLE backtest_results (
  run_id text PRIMARY KEY REFERENCES backtest_runs (id) ON DELETE CASCADE,
  final_capital double precision NOT NULL,
  total_return double precision NOT NULL, -- percent
  -- The metrics that people query for; all of them are in `metrics`.
  sharpe_ratio double precision,
  max_drawdown double precision, -- percent
  win_rate double precision, -- percent
  total_trades bigint,
  winning_trades bigint,
  losing_trades bigint,
  avg_win double precision,
  avg_loss double precision,
  profit_factor double precision,
  metrics jsonb NOT NULL,
  metric_order text[] NOT NULL,
  warnings jsonb NOT NULL,
  -- One for each bar. "Steps": the first time (int64, milliseconds since 1970), a unit (int64), a width (uint8: 0, 1, 2, 4
  -- or 8), the number of times (uint32), and for each time but the first its distance from the one before in units
  -- (unsigned, that many bytes; with width 0 every distance is one unit). All little-endian.
  timestamps bytea NOT NULL,
  equity bytea NOT NULL -- money, one float64 little-endian for each bar
);

-- Curves hardly compress, and trying takes longer than writing them.
ALTER TABLE backtest_results ALTER COLUMN timestamps SET STORAGE EXTERNAL, ALTER COLUMN equity SET STORAGE EXTERNAL;

CREATE TABLE backtest_trades (
  run_id text NOT NULL REFERENCES backtest_results (run_id) ON DELETE CASCADE,
  number integer NOT NULL, -- from 0, in the order of the exits
  entry_date timestamptz NOT NULL,
  exit_date timestamptz, -- NULL while the trade is open
  direction text NOT NULL CHECK (direction IN ('long', 'short')),
  entry_price double precision NOT NULL,
  exit_price double precision NOT NULL, -- of an open trade: the last close, at which it is valued
  quantity double precision NOT NULL,
  pnl double precision NOT NULL,
  pnl_percent double precision NOT NULL,
  fees double precision NOT NULL, -- of entry and exit
  status text NOT NULL CHECK (status IN ('open', 'closed')),
  entry_bar integer NOT NULL, -- from 0
  exit_bar integer NOT NULL, -- of an open trade: the last bar
  entry_fees double precision NOT NULL,
  exit_fees double precision NOT NULL,
  PRIMARY KEY (run_id, number)
);

CREATE TABLE trading_strategies (
  id text PRIMARY KEY,
  name text NOT NULL,
  description text NOT NULL,
  strategy_type text NOT NULL,
  parameters_schema jsonb NOT NULL,
  default_parameters jsonb NOT NULL,
  parameter_order text[] NOT NULL, -- the keys of default_parameters in their order, which jsonb does not keep
  definition text NOT NULL,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);
