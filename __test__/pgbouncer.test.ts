import { describe, expect, onTestFinished, test } from 'vitest'
import { startPgbouncer } from '../scripts/pgbouncer.mjs'
import { comeUpAtOnce, connect, database, server, stored, TICKS, through } from './postgres.js'
import { failure, inProcess, newEngine, rejection, request, waves } from './support.js'

const missing = process.env.TEST_PGBOUNCER_MISSING

/** Returns the pooler that all tests may use: three sessions a database, each transaction in the next one. */
function shared(): string {
  const url = process.env.TEST_PGBOUNCER_URL
  if (!url) throw new Error(`there is no pgbouncer: ${missing}`)
  return url
}

/** Starts a pooler with settings of its own, until the test ends. */
async function own(settings: Record<string, string | number> = {}) {
  shared()
  const pooler = await startPgbouncer(server(), settings)
  onTestFinished(pooler.remove)
  return pooler
}

/** Looks at each session of a database behind a pooler for what somebody left there. */
async function leftovers(pooler: string, url: string) {
  const direct = await connect(url)
  const { rows } = await direct.query(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
  )
  const sessions = new Set(rows.map(({ pid }) => pid))
  const client = await connect(through(pooler, url))
  const clean = await direct.query(`SELECT current_setting('statement_timeout') AS statement_timeout,
    current_setting('search_path') AS search_path, current_setting('transaction_isolation') AS isolation`)
  const found: unknown[] = []
  const seen = new Set<unknown>()
  // From session to session, until each was seen.
  for (let attempt = 0; attempt < 200 && [...sessions].some((pid) => !seen.has(pid)); attempt++) {
    const { rows } = await client.query(`SELECT pg_backend_pid() AS pid,
      ARRAY(SELECT statement FROM pg_prepared_statements WHERE name NOT LIKE 'PGBOUNCER%') AS prepared,
      ARRAY(SELECT statement FROM pg_cursors WHERE is_holdable) AS cursors,
      ARRAY(SELECT relname::text FROM pg_class WHERE relpersistence = 't' AND relnamespace = pg_my_temp_schema()) AS tables,
      ARRAY(SELECT pg_listening_channels()) AS channels,
      ARRAY(SELECT objid::text FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks,
      current_setting('statement_timeout') AS statement_timeout, current_setting('search_path') AS search_path,
      current_setting('transaction_isolation') AS isolation`)
    const [{ pid, ...state } = {}] = rows
    seen.add(pid)
    found.push(state)
  }
  expect([...sessions].filter((pid) => !seen.has(pid))).toEqual([])
  expect(sessions.size).toBeGreaterThan(1)
  const nothing = { prepared: [], cursors: [], tables: [], channels: [], locks: [] }
  for (const state of found) expect(state).toEqual({ ...nothing, ...clean.rows[0] })
  const { rows: locks } = await direct.query(
    `SELECT count(*)::int AS locks FROM pg_locks WHERE locktype = 'advisory'
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
  expect(locks).toEqual([{ locks: 0 }])
}

const title = missing ? `behind pgbouncer, of which there is none here (${missing})` : 'behind pgbouncer'
// Who has none may go on, but CI may not.
describe.skipIf(missing !== undefined && !process.env.CI)(title, () => {
  test.each([
    ['that the URL names', {}, '?pgbouncer=true'],
    ['that is found out by what it refuses', {}, ''],
    ['that leaves out settings of sessions without a word', { ignore_startup_parameters: 'options' }, ''],
  ])('in transaction mode %s, all works and no session keeps anything', async (_, settings, parameters) => {
    const pooler = await own(settings)
    const direct = await database()
    await (await connect(direct)).query(TICKS)
    const url = through(pooler.url, direct, parameters)
    const engine = newEngine({ databaseUrl: url, cacheTtlSeconds: 0, maxConcurrentBacktests: 8 })

    // COPY in, rows out, all at once and over few sessions.
    const bars = waves(20_000, 3_600_000)
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1h', bars })
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1h', bars })
    const wavy = { assetSymbol: 'WAVES', timeframe: '1h', endDate: '2022-12-31' } as const
    const stake = { parameters: { fast_period: 5, slow_period: 20, position_size: 0.001 } }
    const memory = newEngine()
    const [ticks, hours] = await Promise.all([
      newEngine({ databaseUrl: direct, dbSchema: 'beside' }).runBacktest(stored()),
      memory.runBacktest(request({ ...wavy, ...stake, bars })),
    ])
    expect(hours.trades.length).toBeGreaterThan(100)
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, run) => engine.runBacktest(run % 2 ? stored({ ...wavy, ...stake }) : stored())),
    )
    for (const [run, result] of results.entries()) {
      const expected = run % 2 ? hours : ticks
      expect(result.equityCurve).toEqual(expected.equityCurve)
      expect(result.trades).toEqual(expected.trades)
      expect(await engine.getBacktestResults(result.backtestId)).toEqual(result)
    }
    expect(await engine.listBacktests({ status: 'completed' })).toHaveLength(12)
    expect(await engine.deleteBacktest(results[0]?.backtestId as string)).toBe(true)

    await engine.registerStrategy({ id: 'dips', entries: 'close < 90', exits: 'close > 110' })
    expect((await engine.runBacktest(stored({ strategyId: 'dips', parameters: {} }))).trades.length).toBeGreaterThan(0)
    expect((await engine.listStrategies()).map(({ id }) => id)).toContain('dips')
    expect((await engine.listAssets()).map(({ assetSymbol }) => assetSymbol)).toEqual(['BTC', 'WAVES'])
    await failure(engine.runBacktest(stored({ assetSymbol: 'DOGE' })), 'NO_DATA')
    await failure(engine.listBacktests({ before: 'bt-none' }), 'INVALID_ARGUMENT')

    // The engine shows that it lives by beats, not by a lock of some session.
    const { rows } = await (await connect(direct)).query('SELECT lock_key FROM backtesting.engines')
    expect(rows).toEqual([{ lock_key: null }])
    await leftovers(pooler.url, direct)
    await engine.close()
    await leftovers(pooler.url, direct)
  })

  test('a run that is cancelled while it loads stops at the server', async () => {
    const direct = await database()
    const client = await connect(direct)
    await client.query(`CREATE FUNCTION slow(i int) RETURNS float8 LANGUAGE sql VOLATILE AS 'SELECT 1::float8 FROM pg_sleep(0.05)';
      CREATE VIEW market_data AS SELECT CASE WHEN slow(i) > 0 THEN 'A' END AS symbol, to_timestamp(i * 86400) AS ts, 1.0 AS price
        FROM generate_series(1, 2000) i WHERE current_setting('application_name') <> 'quick'`)
    const engine = newEngine({ databaseUrl: through(shared(), direct, '?pgbouncer=true&statement_timeout=0') })
    const controller = new AbortController()
    const run = engine.runBacktest(stored({ assetSymbol: 'A' }), { signal: controller.signal })
    const active = async () => {
      const { rows } = await client.query(
        `SELECT query FROM pg_stat_activity WHERE state = 'active' AND datname = current_database() AND query LIKE '%market_data%'
           AND pid <> pg_backend_pid()`,
      )
      return rows.length
    }
    await expect.poll(active, { timeout: 10_000 }).toBe(1)
    controller.abort()
    expect(await rejection(run)).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })
    await engine.close()
    await leftovers(shared(), direct)
  })

  test('statements have an end', async () => {
    const direct = await database()
    const engine = newEngine({ databaseUrl: through(shared(), direct, '?pgbouncer=true&statement_timeout=300') })
    await engine.listBacktests()
    const client = await connect(direct)
    await client.query('BEGIN')
    await client.query('LOCK TABLE backtesting.backtest_runs')
    for (const held of [engine.listBacktests(), engine.runBacktest(request()), engine.deleteBacktest('bt-1')]) {
      const error = await failure(held, 'STORAGE')
      expect([error.retryable, error.message]).toEqual([true, expect.stringContaining('statement timeout')])
    }
    await client.query('ROLLBACK')
    expect((await engine.runBacktest(request())).status).toBe('completed')
  })

  test('ten processes at once come up on an empty database', { timeout: 60_000 }, async () => {
    const direct = await database()
    await comeUpAtOnce(through(shared(), direct), direct)
    await leftovers(shared(), direct)
  })

  test('the runs of a process that is killed are marked as failed, those of one that lives are not', {
    timeout: 90_000,
  }, async () => {
    const direct = await database()
    const url = through(shared(), direct)
    const alive = newEngine({ databaseUrl: url })
    await alive.listBacktests()
    const client = await connect(direct)
    const { rows: living } = await client.query('SELECT id FROM backtesting.engines')
    const { status } = await inProcess(
      `const engine = new backtesting.BacktestEngine({ databaseUrl: ${JSON.stringify(url)}, logLevel: 'off' })
       const count = 300000
       const column = (price) => Float64Array.from({ length: count }, (_, bar) => price(100 + 20 * Math.sin(bar / 9)))
       const bars = { timestamps: Float64Array.from({ length: count }, (_, bar) => Date.UTC(2020, 0, 1) + bar * 60000), open: column((price) => price), high: column((price) => price + 1), low: column((price) => price - 1), close: column((price) => price) }
       await engine.runBacktest(
         { strategyId: 'sma_crossover', assetSymbol: 'X', startDate: '2020-01-01', endDate: '2021-12-31', initialCapital: 1000, bars },
         { onProgress: () => process.kill(process.pid, 'SIGKILL') },
       )`,
    )
    expect(status).not.toBe(0)
    const runs = async () => (await client.query('SELECT owner, status FROM backtesting.backtest_runs')).rows
    const [run] = await runs()
    expect(run?.status).toBe('running')
    // A run of the engine that lives, as if it were under way.
    await client.query(
      `INSERT INTO backtesting.backtest_runs (id, strategy_id, asset_symbol, timeframe, start_date, end_date, initial_capital,
         parameters, parameter_order, simulation, simulation_order, status, engine_version, owner, created_at)
       SELECT 'bt-living', strategy_id, asset_symbol, timeframe, start_date, end_date, initial_capital, parameters,
         parameter_order, simulation, simulation_order, status, engine_version, $1, created_at FROM backtesting.backtest_runs`,
      [living[0]?.id],
    )
    // Half a minute of silence, of which that before the server's start does not count.
    const began = `SELECT extract(epoch FROM now() - pg_postmaster_start_time())::int AS seconds`
    await expect.poll(async () => (await client.query(began)).rows[0]?.seconds, { timeout: 60_000 }).toBeGreaterThan(31)
    await client.query(`UPDATE backtesting.engines SET seen_at = seen_at - interval '31 seconds' WHERE id = $1`, [
      run?.owner,
    ])
    await newEngine({ databaseUrl: url }).listBacktests()
    expect(await runs()).toEqual(
      expect.arrayContaining([
        { owner: run?.owner, status: 'failed' },
        { owner: living[0]?.id, status: 'running' },
      ]),
    )
  })

  test('that goes and comes back, no run that was reported is lost, and none is kept by half', {
    timeout: 60_000,
  }, async () => {
    const pooler = await own()
    const direct = await database()
    const engine = newEngine({ databaseUrl: through(pooler.url, direct) })
    await engine.importBars({ assetSymbol: 'BTC', timeframe: '1d', bars: waves(366) })
    const reported = [await engine.runBacktest(stored())]
    for (let round = 0; round < 2; round++) {
      await pooler.stop()
      const waiting = engine.runBacktest(stored())
      await pooler.start()
      reported.push(await waiting)
      const runs = Promise.allSettled(Array.from({ length: 12 }, () => engine.runBacktest(stored())))
      await pooler.stop()
      await pooler.start()
      for (const run of await runs) {
        if (run.status === 'fulfilled') reported.push(run.value)
        else expect(run.reason).toMatchObject({ code: 'STORAGE', retryable: true })
      }
    }
    for (const result of reported) expect(await engine.getBacktestResults(result.backtestId)).toEqual(result)
    const completed = await engine.listBacktests({ status: 'completed' })
    expect(completed.map((run) => run.backtestId).sort()).toEqual(reported.map((run) => run.backtestId).sort())
  })
})
