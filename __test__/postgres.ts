/** Helpers of the tests on PostgreSQL: databases, clients, and the tables of a backend. */

import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { expect, onTestFinished } from 'vitest'
import type { BacktestRequest } from '../index.js'
import { inProcess, newEngine, type RequestChanges, request } from './support.js'

interface Client {
  connect(): Promise<void>
  query(sql: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
  end(): Promise<void>
  on(event: 'error', listener: () => void): void
}

const pg: { Client: new (options: { connectionString: string }) => Client } = createRequire(import.meta.url)('pg')

/** Returns the URL of the server. */
export function server(): string {
  const url = process.env.TEST_DATABASE_URL
  if (!url) throw new Error('TEST_DATABASE_URL must name a PostgreSQL server')
  return url
}

/** Connects to a database; the connection closes when the test ends. */
export async function connect(url: string): Promise<Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end().catch(() => {}))
  return client
}

/** Returns the URL of a database through a pooler. */
export function through(pooler: string, url: string, parameters = ''): string {
  const by = new URL(url)
  by.host = new URL(pooler).host
  return `${by.href}${parameters}`
}

/** Creates an empty database and returns its URL. It is dropped when the test ends. */
export async function database(on = server()): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const admin = new pg.Client({ connectionString: on })
  admin.on('error', () => {})
  await admin.connect()
  await admin.query(`CREATE DATABASE ${name}`)
  onTestFinished(async () => {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`).catch(() => {})
    await admin.end().catch(() => {})
  })
  const url = new URL(on)
  url.pathname = `/${name}`
  return url.href
}

/** Tables of the backend. Some have the same names as those of the store. */
const BACKEND = `
  CREATE TYPE "BacktestStatus" AS ENUM ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED');
  CREATE TABLE users (id text PRIMARY KEY);
  CREATE TABLE assets (id text PRIMARY KEY, symbol text NOT NULL UNIQUE, name text, "currentPrice" numeric(15,8));
  CREATE TABLE strategies (id text PRIMARY KEY, "userId" text REFERENCES users, name text, config jsonb);
  CREATE TABLE backtest_runs (id text PRIMARY KEY, strategy_id text REFERENCES strategies, status "BacktestStatus" NOT NULL,
    initial_capital numeric(15,2));
  CREATE TABLE backtest_trades (id text PRIMARY KEY, run_id text REFERENCES backtest_runs, side text, price numeric(15,8));
  CREATE TABLE backtest_performance (id text PRIMARY KEY, run_id text REFERENCES backtest_runs, sharpe numeric);
  CREATE DOMAIN percent AS numeric CHECK (VALUE <= 100);
  CREATE TYPE range_of_prices AS (low numeric, high numeric);
  CREATE TABLE counters (number bigint GENERATED ALWAYS AS IDENTITY, share percent);
  CREATE TABLE audit (id serial PRIMARY KEY, at timestamptz DEFAULT now(), note varchar(80)) PARTITION BY RANGE (id);
  CREATE TABLE audit_1 PARTITION OF audit DEFAULT;
  CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN INSERT INTO audit (note) VALUES (TG_TABLE_NAME || ' ' || TG_OP); RETURN NULL; END $$;
  CREATE TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON backtest_runs EXECUTE FUNCTION audit();
  CREATE VIEW completed AS SELECT id FROM backtest_runs WHERE status = 'COMPLETED';
  CREATE MATERIALIZED VIEW symbols AS SELECT 'BTC' AS symbol;
  COMMENT ON TABLE backtest_runs IS 'of the older engine';
  ALTER TABLE users ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON users USING (id = current_user);
  INSERT INTO users VALUES ('u1');
  INSERT INTO assets VALUES ('asset-1', 'BTC', 'Bitcoin', 42000.5), ('asset-2', 'ETH', 'Ether', 2200);
  INSERT INTO strategies VALUES ('s1', 'u1', 'old one', '{"fast": 10}');
  INSERT INTO backtest_runs VALUES ('r1', 's1', 'COMPLETED', 10000);
  INSERT INTO backtest_trades VALUES ('t1', 'r1', 'BUY', 100.5);
  INSERT INTO backtest_performance VALUES ('p1', 'r1', 1.25);`

const PRICE = `(100 + 20 * sin(i / 9.0) + 5 * sin(i / 2.3))`

/** Prices as ticks: four per day for 300 days. */
export const TICKS = `${BACKEND}
  CREATE TABLE market_data (id text PRIMARY KEY, asset_id text NOT NULL REFERENCES assets, price numeric(15,8),
    volume numeric(20,2), timestamp timestamp);
  CREATE INDEX market_data_asset ON market_data (asset_id, timestamp);
  INSERT INTO market_data SELECT 'm' || i || '-' || k, 'asset-1', ${PRICE} + k / 100.0, 10 + k,
    timestamp '2020-01-01' + i * interval '1 day' + k * interval '6 hours'
    FROM generate_series(0, 299) AS i, generate_series(0, 3) AS k ORDER BY md5(i::text || k::text);`

/** Prices as daily bars. */
export const BARS = `${BACKEND}
  CREATE TABLE market_data (symbol text NOT NULL, ts timestamptz NOT NULL, open numeric, high numeric, low numeric,
    close numeric, volume double precision, PRIMARY KEY (symbol, ts));
  INSERT INTO market_data SELECT 'BTC', timestamptz '2020-01-01 00:00Z' + i * interval '1 day', ${PRICE}, ${PRICE} + 0.03, ${PRICE},
    ${PRICE} + 0.03, 46 FROM generate_series(0, 299) AS i ORDER BY md5(i::text);`

/** Columns that the server changes in the maintenance of a table. */
const UPKEEP = `ARRAY['relpages', 'reltuples', 'relallvisible', 'relallfrozen', 'relfrozenxid', 'relminmxid']`

const RELATIONS = `SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace`
const TYPES = `SELECT oid FROM pg_type WHERE typnamespace = 'public'::regnamespace`
const ROUTINES = `SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace`

/** The system catalogs, and the conditions for rows about the schema `public` or the whole database. */
const CATALOGS: Record<string, string> = {
  pg_namespace: `nspname = 'public'`,
  pg_class: `relnamespace = 'public'::regnamespace`,
  pg_attribute: `attrelid IN (${RELATIONS})`,
  pg_attrdef: `adrelid IN (${RELATIONS})`,
  pg_constraint: `connamespace = 'public'::regnamespace`,
  pg_index: `indrelid IN (${RELATIONS})`,
  pg_sequence: `seqrelid IN (${RELATIONS})`,
  pg_trigger: `tgrelid IN (${RELATIONS})`,
  pg_rewrite: `ev_class IN (${RELATIONS})`,
  pg_policy: `polrelid IN (${RELATIONS})`,
  pg_inherits: `inhrelid IN (${RELATIONS})`,
  pg_partitioned_table: `partrelid IN (${RELATIONS})`,
  pg_statistic_ext: `stxnamespace = 'public'::regnamespace`,
  pg_type: `typnamespace = 'public'::regnamespace`,
  pg_enum: `enumtypid IN (${TYPES})`,
  pg_range: `rngtypid IN (${TYPES})`,
  pg_proc: `pronamespace = 'public'::regnamespace`,
  pg_aggregate: `aggfnoid IN (${ROUTINES})`,
  pg_operator: `oprnamespace = 'public'::regnamespace`,
  pg_opclass: `opcnamespace = 'public'::regnamespace`,
  pg_opfamily: `opfnamespace = 'public'::regnamespace`,
  pg_collation: `collnamespace = 'public'::regnamespace`,
  pg_conversion: `connamespace = 'public'::regnamespace`,
  pg_ts_config: `cfgnamespace = 'public'::regnamespace`,
  pg_ts_dict: `dictnamespace = 'public'::regnamespace`,
  pg_description: `objoid IN (${RELATIONS} UNION ${TYPES} UNION ${ROUTINES}) OR objoid = 'public'::regnamespace`,
  pg_cast: `oid >= 16384`,
  pg_extension: 'true',
  pg_event_trigger: 'true',
  pg_publication: 'true',
  pg_publication_rel: 'true',
  pg_default_acl: 'true',
  pg_foreign_server: 'true',
  pg_largeobject_metadata: 'true',
  pg_db_role_setting: 'setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())',
}

/**
 * Dumps everything in the schema `public`: the rows of the system catalogs about it, and the rows of each table and sequence.
 * A row comes with its position and the transaction that wrote it, so that rewriting it with the same values is detected.
 * Settings, extensions and the like are those of the whole database.
 */
export async function dump(client: Client): Promise<string> {
  const parts: string[] = []
  const list = async (what: string, sql: string) => {
    for (const { row } of (await client.query(sql)).rows) parts.push(`${what} ${row}`)
  }
  for (const [catalog, about] of Object.entries(CATALOGS))
    await list(
      catalog,
      `SELECT (to_jsonb(c) - ${UPKEEP})::text || c.xmin AS row FROM ${catalog} c WHERE ${
        // Maintenance updates its rows in place.
        catalog === 'pg_class' ? `${about} ` : about
      } ORDER BY 1`.replace(catalog === 'pg_class' ? ' || c.xmin' : '', ''),
    )
  const { rows } = await client.query(
    `SELECT relname, relkind::text FROM pg_class WHERE oid IN (${RELATIONS}) AND relkind IN ('r', 'm', 'S') ORDER BY 1`,
  )
  for (const { relname, relkind } of rows) {
    const row =
      relkind === 'S' ? `concat_ws(' ', last_value, log_cnt, is_called)` : `concat_ws(' ', ctid, xmin, xmax, t::text)`
    await list(String(relname), `SELECT ${row} AS row FROM public."${relname}" t ORDER BY 1`)
  }
  return parts.join('\n')
}

/** Starts ten processes at once on an empty database, and checks their results over a direct connection. */
export async function openAtOnce(url: string, direct: string): Promise<void> {
  const work = (number: number) =>
    inProcess(
      `const engine = new backtesting.BacktestEngine({ databaseUrl: ${JSON.stringify(url)}, logLevel: 'warn' })
       const count = 300
       const column = (price) => Float64Array.from({ length: count }, (_, bar) => price(100 + 20 * Math.sin(bar / 9)))
       const bars = { timestamps: Float64Array.from({ length: count }, (_, bar) => Date.UTC(2020, 0, 1 + bar)), open: column((price) => price), high: column((price) => price + 1), low: column((price) => price - 1), close: column((price) => price) }
       await engine.importBars({ assetSymbol: 'A${number % 3}', timeframe: '1d', bars })
       await engine.runBacktest({ strategyId: 'sma_crossover', assetSymbol: 'A${number % 3}', startDate: '2020-01-01', endDate: '2020-10-01', initialCapital: 1000 })
       await engine.close()
       console.log('done')`,
    )
  for (const { status, stdout, stderr } of await Promise.all(Array.from({ length: 10 }, (_, number) => work(number)))) {
    expect(stderr).toBe('')
    expect([status, stdout]).toEqual([0, 'done\n'])
  }
  const engine = newEngine({ databaseUrl: direct })
  expect(await engine.listBacktests({ status: 'completed' })).toHaveLength(10)
  expect(await engine.listAssets()).toHaveLength(3)
}

/** Returns a request for bars of the database. */
export function stored(changes: RequestChanges = {}): BacktestRequest {
  const { bars: _, ...rest } = request({ assetSymbol: 'BTC', endDate: '2020-12-31', timeframe: '1d', ...changes })
  return rest
}
