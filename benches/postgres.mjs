/**
 * Measures loading bars from PostgreSQL and storing runs in it, alternating with its peers.
 *
 *   node benches/postgres.mjs [--bars N] [--rounds N]
 *
 * Loading: N bars (1,000,000) of one asset out of five, with columns of double precision and of numeric. Peers are psql,
 * if it is on the PATH, and node-postgres; psql discards the output of `COPY … TO STDOUT (FORMAT binary)`. Storing: a run with
 * N / 100 trades and N points of equity, on the server and in the embedded store.
 *
 * The server is that of BENCH_DATABASE_URL, or a temporary one with realistic settings. Loaded and stored data are compared
 * before anything is measured. Times are medians of wall clock time; on shared computers, only ratios within one run are
 * meaningful.
 */

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../scripts/postgres.mjs'

const { values } = parseArgs({ options: { bars: { type: 'string' }, rounds: { type: 'string' } }, strict: false })
const BARS = Number(values.bars ?? 1_000_000)
const ROUNDS = Number(values.rounds ?? 5)
const ASSETS = 5
const require = createRequire(import.meta.url)
const pg = require('pg')
const { BacktestEngine } = require('../index.js')

/** @param {number[]} times */
const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1] ?? Number.NaN

/**
 * Runs functions alternately for several rounds. Returns the medians in milliseconds.
 * @param {Record<string, () => Promise<number | undefined>>} contestants each returns its own milliseconds, if it knows better
 */
async function race(contestants) {
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, /** @type {number[]} */ ([])]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(contestants)) {
      const begin = performance.now()
      const own = await run()
      const took = own ?? performance.now() - begin
      if (round >= 0) times[name]?.push(took)
    }
  }
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]))
}

/** @param {unknown} condition @param {string} what */
function check(condition, what) {
  if (!condition) throw new Error(`${what}; there is nothing to time`)
}

const folder = mkdtempSync(join(tmpdir(), 'backtesting-bench-'))
const own = process.env.BENCH_DATABASE_URL
  ? undefined
  : await startPostgres([
      'fsync=on',
      'synchronous_commit=on',
      'full_page_writes=on',
      'shared_buffers=512MB',
      'max_wal_size=4GB',
      'autovacuum=off',
    ])
const server = process.env.BENCH_DATABASE_URL ?? own?.url ?? ''
const admin = new pg.Client({ connectionString: server })
await admin.connect()
const name = `bench_${process.pid}`
await admin.query(`CREATE DATABASE ${name}`)
const address = new URL(server)
address.pathname = `/${name}`
const url = address.href
const client = new pg.Client({ connectionString: url })
await client.connect()
const settings = { logLevel: 'off', maxBacktestDurationDays: 100_000, maxDataPoints: 10 * BARS }
const memory = new BacktestEngine({ ...settings, dataDir: join(folder, 'memory') })
const embedded = new BacktestEngine({ ...settings, dataDir: join(folder, 'embedded') })
const engines = [memory, embedded]

try {
  const { rows } = await client.query('SHOW server_version')
  const psqlVersion = spawnSync('psql', ['--version'], { encoding: 'utf8' }).stdout?.trim()
  console.log(
    `\nPostgreSQL ${rows[0].server_version}; peers: ${psqlVersion ?? 'no psql on PATH'}, node-postgres ${require('pg/package.json').version}`,
  )
  for (const type of ['double precision', 'numeric']) await loading(type, psqlVersion !== undefined)
  await keeping()
} finally {
  for (const engine of engines) await engine.close()
  await client.end()
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
  await admin.end()
  await own?.remove()
  rmSync(folder, { recursive: true, force: true })
}

/** @param {string} type of the prices @param {boolean} withPsql */
async function loading(type, withPsql) {
  const table = `prices_${type.split(' ')[0]}`
  const cast = type === 'numeric' ? 'numeric(15,8)' : type
  // Unlogged, because it is only read.
  await client.query(`CREATE UNLOGGED TABLE ${table} (symbol text NOT NULL, ts timestamptz NOT NULL, open ${cast}, high ${cast}, low ${cast},
      close ${cast}, volume ${cast});
    INSERT INTO ${table} SELECT 'A' || a, to_timestamp(i * 60), p, p + 0.5, p - 0.5, p + 0.25, 1000 + i % 7
      FROM generate_series(0, ${BARS - 1}) AS i, generate_series(1, ${ASSETS}) AS a,
        LATERAL (SELECT round((100 + a + 20 * sin(i / 900.0) + 5 * sin(i / 23.0))::numeric, 8) AS p) AS prices;
    ALTER TABLE ${table} ADD PRIMARY KEY (symbol, ts)`)
  await client.query(`VACUUM ANALYZE ${table}`)
  await client.query('CHECKPOINT')
  const engine = new BacktestEngine({ ...settings, databaseUrl: url, marketDataTable: table, cacheTtlSeconds: 0 })
  engines.push(engine)
  const request = {
    strategyId: 'sma_crossover',
    parameters: { position_size: 0.001 },
    assetSymbol: 'A3',
    startDate: '1970-01-01',
    endDate: new Date(BARS * 60_000),
    initialCapital: 10_000,
    persist: false,
  }
  const select = `SELECT ts, open, high, low, close, volume FROM ${table} WHERE symbol = 'A3' AND ts >= '1970-01-01' ORDER BY ts`
  const byNode = async () => (await client.query({ text: select, rowMode: 'array' })).rows

  const rows = await byNode()
  const column = (/** @type {number} */ at) =>
    Float64Array.from(rows, (/** @type {unknown[]} */ row) => Number(row[at]))
  const bars = {
    timestamps: column(0),
    open: column(1),
    high: column(2),
    low: column(3),
    close: column(4),
    volume: column(5),
  }
  const expected = await memory.runBacktest({ ...request, bars })
  const loaded = await engine.runBacktest(request)
  check(loaded.timestamps.length === BARS, `${loaded.timestamps.length} bars were loaded`)
  check(Buffer.from(loaded.equityCurve.buffer).equals(Buffer.from(expected.equityCurve.buffer)), 'results differ')
  if (withPsql) {
    const { stdout } = spawnSync('psql', ['-qAtX', '-c', `SELECT count(*) FROM (${select}) AS rows`, url], {
      encoding: 'utf8',
    })
    check(Number(stdout) === BARS, `psql counts ${stdout}`)
  }

  let within = Number.NaN
  const contestants = {
    addon: async () => {
      // From the loading stage to the next one; the rest is the run.
      /** @type {Record<string, number>} */
      const begins = {}
      await engine.runBacktest(request, {
        onProgress: (/** @type {{ stage: string }} */ { stage }) => {
          begins[stage] ??= performance.now()
        },
      })
      const [first = Number.NaN, second = Number.NaN] = Object.values(begins)
      within = second - first
      return within
    },
    'addon, with the choice of the series and the run': async () => void (await engine.runBacktest(request)),
    'addon, the same run on bars in memory': async () => void (await memory.runBacktest({ ...request, bars })),
    ...(withPsql && {
      'psql, COPY binary into nothing': () =>
        quiet('psql', ['-qX', '-c', `COPY (${select}) TO STDOUT (FORMAT binary)`, url]),
    }),
    'node-postgres, rows as arrays': async () => void (await byNode()),
  }
  const medians = await race(contestants)
  console.log(`\nloading ${BARS.toLocaleString('en')} bars of ${(ASSETS * BARS).toLocaleString('en')} rows, ${type}`)
  for (const [name, time] of Object.entries(medians))
    console.log(
      `  ${name.padEnd(50)} ${time.toFixed(0).padStart(7)} ms${name === 'addon' ? '' : `  ${(time / (medians.addon ?? 1)).toFixed(2)} × the addon`}`,
    )
  const psql = medians['psql, COPY binary into nothing']
  if (psql)
    console.log(`  the addon takes ${((medians.addon ?? 0) / psql).toFixed(2)} × psql; the target is at most 1.3`)
  await client.query(`DROP TABLE ${table}`)
}

/**
 * Runs a program and discards its output.
 * @param {string} program @param {string[]} args
 * @returns {Promise<undefined>}
 */
function quiet(program, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    child.on('error', reject)
    child.on('close', (status) => (status === 0 ? resolve(undefined) : reject(new Error(`${program} failed`))))
  })
}

async function keeping() {
  const kept = new BacktestEngine({ ...settings, databaseUrl: url })
  engines.push(kept)
  const close = Float64Array.from({ length: BARS }, (_, bar) => 100 + 20 * Math.sin(bar / 900) + 5 * Math.sin(bar / 23))
  const bars = {
    timestamps: Float64Array.from(close, (_, bar) => bar * 60_000),
    open: close,
    high: close.map((price) => price + 1),
    low: close.map((price) => price - 1),
    close,
  }
  /** One trade every hundred bars. */
  const strategy = {
    id: 'every_hundred',
    generateSignals: () => ({
      entries: Uint8Array.from(close, (_, bar) => Number(bar % 100 === 10)),
      exits: Uint8Array.from(close, (_, bar) => Number(bar % 100 === 60)),
    }),
  }
  const request = {
    strategyId: strategy.id,
    parameters: { position_size: 0.001 },
    assetSymbol: 'X',
    startDate: '1970-01-01',
    endDate: new Date(BARS * 60_000),
    initialCapital: 10_000,
    bars,
  }
  /** From the stage of storing to the end. @param {any} engine */
  const store = async (engine) => {
    let begin = Number.NaN
    const result = await engine.runBacktest(request, {
      onProgress: (/** @type {{ stage: string }} */ { stage }) => {
        if (stage === 'storing') begin = performance.now()
      },
    })
    return { result, took: performance.now() - begin }
  }
  for (const engine of [kept, embedded]) {
    await engine.registerStrategy(strategy)
    const { result } = await store(engine)
    check(result.trades.length === BARS / 100 && result.equityCurve.length === BARS, `${result.trades.length} trades`)
    const back = await engine.getBacktestResults(result.backtestId)
    check(Buffer.from(back.equityCurve.buffer).equals(Buffer.from(result.equityCurve.buffer)), 'curves differ')
    check(JSON.stringify(back.trades) === JSON.stringify(result.trades), 'trades differ')
  }
  const medians = await race({
    PostgreSQL: async () => (await store(kept)).took,
    embedded: async () => (await store(embedded)).took,
  })
  console.log(
    `\nkeeping a run with ${(BARS / 100).toLocaleString('en')} trades and ${BARS.toLocaleString('en')} points of equity`,
  )
  console.log(`  PostgreSQL  ${medians.PostgreSQL?.toFixed(0)} ms; the target is below 1000 for a million points`)
  console.log(`  embedded    ${medians.embedded?.toFixed(0)} ms; the target is below 300`)
}
