/** What the tests on PostgreSQL share: databases of their own, a client, and the layout of the existing backend. */

import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { onTestFinished } from 'vitest'

interface Client {
  connect(): Promise<void>
  query(sql: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
  end(): Promise<void>
  on(event: 'error', listener: () => void): void
}

const pg: { Client: new (options: { connectionString: string }) => Client } = createRequire(import.meta.url)('pg')

/** Returns the server of the tests. */
export function server(): string {
  const url = process.env.TEST_DATABASE_URL
  if (!url) throw new Error('TEST_DATABASE_URL must name a PostgreSQL server')
  return url
}

/** Connects to a database until the test ends. */
export async function connect(url: string): Promise<Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end().catch(() => {}))
  return client
}

/** Makes an empty database, which goes when the test ends, and returns its URL. */
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

/** The tables of the backend that are not ours; their names clash with ours. */
const BACKEND = `
  CREATE TYPE "BacktestStatus" AS ENUM ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED');
  CREATE TABLE users (id text PRIMARY KEY);
  CREATE TABLE assets (id text PRIMARY KEY, symbol text NOT NULL UNIQUE, name text, "currentPrice" numeric(15,8));
  CREATE TABLE strategies (id text PRIMARY KEY, "userId" text REFERENCES users, name text, config jsonb);
  CREATE TABLE backtest_runs (id text PRIMARY KEY, strategy_id text REFERENCES strategies, status "BacktestStatus" NOT NULL,
    initial_capital numeric(15,2));
  CREATE TABLE backtest_trades (id text PRIMARY KEY, run_id text REFERENCES backtest_runs, side text, price numeric(15,8));
  CREATE TABLE backtest_performance (id text PRIMARY KEY, run_id text REFERENCES backtest_runs, sharpe numeric);
  INSERT INTO users VALUES ('u1');
  INSERT INTO assets VALUES ('asset-1', 'BTC', 'Bitcoin', 42000.5), ('asset-2', 'ETH', 'Ether', 2200);
  INSERT INTO strategies VALUES ('s1', 'u1', 'old one', '{"fast": 10}');
  INSERT INTO backtest_runs VALUES ('r1', 's1', 'COMPLETED', 10000);
  INSERT INTO backtest_trades VALUES ('t1', 'r1', 'BUY', 100.5);
  INSERT INTO backtest_performance VALUES ('p1', 'r1', 1.25);`

const PRICE = `(100 + 20 * sin(i / 9.0) + 5 * sin(i / 2.3))`

/** The backend's prices: single ones, four a day for 300 days. */
export const TICKS = `${BACKEND}
  CREATE TABLE market_data (id text PRIMARY KEY, asset_id text NOT NULL REFERENCES assets, price numeric(15,8),
    volume numeric(20,2), timestamp timestamp);
  CREATE INDEX market_data_asset ON market_data (asset_id, timestamp);
  INSERT INTO market_data SELECT 'm' || i || '-' || k, 'asset-1', ${PRICE} + k / 100.0, 10 + k,
    timestamp '2020-01-01' + i * interval '1 day' + k * interval '6 hours'
    FROM generate_series(0, 299) AS i, generate_series(0, 3) AS k ORDER BY md5(i::text || k::text);`

/** Bars as the plan of the backend describes them. */
export const BARS = `${BACKEND}
  CREATE TABLE market_data (symbol text NOT NULL, ts timestamptz NOT NULL, open numeric, high numeric, low numeric,
    close numeric, volume double precision, PRIMARY KEY (symbol, ts));
  INSERT INTO market_data SELECT 'BTC', timestamptz '2020-01-01 00:00Z' + i * interval '1 day', ${PRICE}, ${PRICE} + 0.03, ${PRICE},
    ${PRICE} + 0.03, 46 FROM generate_series(0, 299) AS i ORDER BY md5(i::text);`

/** Writes down everything in the schema `public`: definitions, and every row as the server prints it. */
export async function dump(client: Client): Promise<string> {
  const list = async (sql: string) => JSON.stringify((await client.query(sql)).rows)
  const parts = [
    await list(`SELECT c.relname, c.relkind, c.relowner, c.relacl::text, c.oid, c.relfilenode, c.reltriggers FROM
      (SELECT *, relhastriggers AS reltriggers FROM pg_class) c WHERE relnamespace = 'public'::regnamespace ORDER BY oid`),
    await list(`SELECT attrelid::regclass::text AS t, attname, atttypid::regtype::text AS type, attnotnull, atthasdef FROM pg_attribute
      WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace) ORDER BY attrelid, attnum`),
    await list(
      `SELECT conname, pg_get_constraintdef(oid) AS def FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY oid`,
    ),
    await list(`SELECT t.typname, e.enumlabel FROM pg_type t LEFT JOIN pg_enum e ON e.enumtypid = t.oid
      WHERE typnamespace = 'public'::regnamespace ORDER BY t.oid, e.enumsortorder`),
    await list(`SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1`),
    await list(`SELECT nspacl::text FROM pg_namespace WHERE nspname = 'public'`),
  ]
  const tables = (
    await client.query(
      `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1`,
    )
  ).rows
  // With ctid and xmin: a row that was rewritten with the same values shows, too.
  for (const { relname } of tables)
    parts.push(await list(`SELECT ctid::text, xmin::text, t.*::text AS row FROM public."${relname}" t ORDER BY ctid`))
  return parts.join('\n')
}
