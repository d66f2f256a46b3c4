import { describe, expect, onTestFinished, test } from 'vitest'
import { startPgbouncer } from '../scripts/pgbouncer.mjs'
import { startPostgres } from '../scripts/postgres.mjs'
import { connect, database, openAtOnce, server, stored, TICKS, through } from './postgres.js'
import { failure, killedInTheMiddle, newEngine, rejection, request, waves } from './support.js'

const missing = process.env.TEST_PGBOUNCER_MISSING

/** Returns the pooler that all tests share: three sessions per database, each transaction in the next one. */
function shared(): string {
  const url = process.env.TEST_PGBOUNCER_URL
  if (!url) throw new Error(`there is no pgbouncer: ${missing}`)
  return url
}

/** Starts a pooler with other settings; it stops when the test ends. */
async function own(settings: Record<string, string | number> = {}) {
  shared()
  const pooler = await startPgbouncer(server(), settings)
  onTestFinished(pooler.remove)
  return pooler
}

/** Checks that none of the three sessions of a database behind a pooler keeps any state. */
async function leftovers(pooler: string, url: string) {
  const setting = (name: string) => `current_setting('${name}') AS ${name}`
  const settings = ['statement_timeout', 'search_path', 'default_transaction_isolation'].map(setting).join(', ')
  const { rows: clean } = await (await connect(url)).query(`SELECT ${settings}`)
  const clients = await Promise.all([1, 2, 3].map(() => connect(through(pooler, url))))
  // Transactions that are open at the same time are in different sessions.
  for (const client of clients) await client.query('BEGIN')
  const found = await Promise.all(
    clients.map((client) =>
      client.query(`SELECT pg_backend_pid() AS pid,
        ARRAY(SELECT statement FROM pg_prepared_statements WHERE name NOT LIKE 'PGBOUNCER%') AS prepared,
        ARRAY(SELECT statement FROM pg_cursors WHERE is_holdable) AS cursors,
        ARRAY(SELECT relname::text FROM pg_class WHERE relpersistence = 't' AND relnamespace = pg_my_temp_schema()) AS tables,
        ARRAY(SELECT pg_listening_channels()) AS channels,
        ARRAY(SELECT objid::text FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks, ${settings}`),
    ),
  )
  for (const client of clients) await client.query('COMMIT')
  const sessions = found.map(({ rows }) => rows[0])
  expect(new Set(sessions.map((session) => session?.pid)).size).toBe(3)
  const nothing = { prepared: [], cursors: [], tables: [], channels: [], locks: [] }
  for (const session of sessions) expect(session).toEqual({ pid: session?.pid, ...nothing, ...clean[0] })
}

const title = missing ? `behind pgbouncer, which is missing here (${missing})` : 'behind pgbouncer'
// Only CI on Linux, where pgbouncer can be installed, must not skip these tests.
describe.skipIf(missing !== undefined && !(process.env.CI && process.platform === 'linux'))(title, () => {
  test.each([
    ['that the URL names', {}, '?pgbouncer=true'],
    ['that is detected because it rejects session settings', {}, ''],
    ['that silently drops session settings', { ignore_startup_parameters: 'options' }, ''],
  ])(
    'in transaction mode %s, everything works and no session keeps any state',
    { timeout: 60_000 },
    async (_, settings, parameters) => {
      const pooler = await own(settings)
      const direct = await database()
      await (await connect(direct)).query(TICKS)
      const url = through(pooler.url, direct, parameters)
      const engine = newEngine({ databaseUrl: url, cacheTtlSeconds: 0, maxConcurrentBacktests: 8 })

      // COPY, queries and transactions run concurrently over a few sessions.
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
      expect((await engine.runBacktest(stored({ strategyId: 'dips', parameters: {} }))).trades.length).toBeGreaterThan(
        0,
      )
      expect((await engine.listStrategies()).map(({ id }) => id)).toContain('dips')
      expect((await engine.listAssets()).map(({ assetSymbol }) => assetSymbol)).toEqual(['BTC', 'WAVES'])
      await failure(engine.runBacktest(stored({ assetSymbol: 'DOGE' })), 'NO_DATA')
      await failure(engine.listBacktests({ before: 'bt-none' }), 'INVALID_ARGUMENT')

      // The engine sends heartbeats instead of holding a lock.
      const { rows } = await (await connect(direct)).query('SELECT lock_key FROM backtesting.engines')
      expect(rows).toEqual([{ lock_key: null }])
      await leftovers(pooler.url, direct)
      await engine.close()
      await leftovers(pooler.url, direct)
    },
  )

  test.each(['count(*)', 'price'])('a cancelled run stops on the server (in the statement with %s)', async (word) => {
    const direct = await database()
    const client = await connect(direct)
    // Only one of the statements of a load is slow.
    await client.query(`CREATE FUNCTION slow() RETURNS float8 LANGUAGE sql VOLATILE AS
        $$ SELECT 1::float8 FROM pg_sleep(CASE WHEN current_query() LIKE '%${word}%market_data%' THEN 0.05 ELSE 0 END) $$;
      CREATE VIEW market_data AS SELECT 'A'::text AS symbol, timestamp '2020-01-01' + i * interval '1 hour' AS ts, slow() AS price
        FROM generate_series(1, 2000) i`)
    const engine = newEngine({ databaseUrl: through(shared(), direct, '?statement_timeout=0') })
    const controller = new AbortController()
    const run = engine.runBacktest(stored({ assetSymbol: 'A' }), { signal: controller.signal })
    const aborted = rejection(run)
    const active = async () => {
      const { rows } = await client.query(
        `SELECT query FROM pg_stat_activity WHERE state = 'active' AND datname = current_database() AND query LIKE '%market_data%'
           AND pid <> pg_backend_pid() AND clock_timestamp() - query_start > interval '0.3 seconds'`,
      )
      return rows.map(({ query }) => String(query).includes(word))
    }
    await expect.poll(active, { timeout: 10_000 }).toEqual([true])
    controller.abort()
    expect(await aborted).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })
    await expect.poll(active, { timeout: 5_000 }).toEqual([])
    await leftovers(shared(), direct)
  })

  test('a login that the pooler rejects is not retryable, a server that it cannot reach is', {
    timeout: 90_000,
  }, async () => {
    const url = new URL(through(shared(), await database()))
    url.password = 'open-sesame'
    const refused = await failure(newEngine({ databaseUrl: url.href }).listBacktests(), 'STORAGE')
    expect([refused.retryable, refused.message]).toEqual([false, expect.stringContaining('rejects the login')])
    expect(refused.message).not.toContain('open-sesame')
    const away = await startPostgres()
    onTestFinished(away.remove)
    const pooler = await startPgbouncer(away.url, { query_wait_timeout: 2 })
    onTestFinished(pooler.remove)
    const engine = newEngine({ databaseUrl: pooler.url })
    expect(await engine.listBacktests()).toEqual([])
    await away.stop()
    const failed = await failure(engine.runBacktest(request()), 'STORAGE')
    expect(failed.retryable, failed.message).toBe(true)
    await away.start()
    expect((await engine.runBacktest(request())).status).toBe('completed')
  })

  test('statements have a timeout', async () => {
    const direct = await database()
    const engine = newEngine({ databaseUrl: through(shared(), direct, '?pgbouncer=true&statement_timeout=300') })
    await engine.listBacktests()
    const client = await connect(direct)
    await client.query('BEGIN')
    await client.query('LOCK TABLE backtesting.backtest_runs')
    const held = [engine.listBacktests(), engine.runBacktest(request()), engine.deleteBacktest('bt-1')]
    for (const error of await Promise.all(held.map((call) => failure(call, 'STORAGE')))) {
      expect([error.retryable, error.message]).toEqual([true, expect.stringContaining('statement timeout')])
    }
    await client.query('ROLLBACK')
    expect((await engine.runBacktest(request())).status).toBe('completed')
  })

  test('ten processes can open an empty database at once', { timeout: 60_000 }, async () => {
    const direct = await database()
    await openAtOnce(through(shared(), direct), direct)
    await leftovers(shared(), direct)
  })

  test('the runs of a killed process are marked as failed, those of a living one are not', {
    timeout: 90_000,
  }, async () => {
    const direct = await database()
    const url = through(shared(), direct)
    const alive = newEngine({ databaseUrl: url })
    await alive.listBacktests()
    const client = await connect(direct)
    const { rows: living } = await client.query('SELECT id FROM backtesting.engines')
    const { status } = await killedInTheMiddle({ databaseUrl: url }, 300_000)
    expect(status).not.toBe(0)
    const runs = async () => (await client.query('SELECT owner, status FROM backtesting.backtest_runs')).rows
    const [run] = await runs()
    expect(run?.status).toBe('running')
    // An unfinished run of the engine that is alive.
    await client.query(
      `INSERT INTO backtesting.backtest_runs (id, strategy_id, asset_symbol, timeframe, start_date, end_date, initial_capital,
         parameters, parameter_order, simulation, simulation_order, status, engine_version, owner, created_at)
       SELECT 'bt-living', strategy_id, asset_symbol, timeframe, start_date, end_date, initial_capital, parameters,
         parameter_order, simulation, simulation_order, status, engine_version, $1, created_at FROM backtesting.backtest_runs`,
      [living[0]?.id],
    )
    // Thirty seconds of silence; the time before the start of the server does not count.
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

  test('that restarts, no reported run is lost and none is kept in part', {
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
