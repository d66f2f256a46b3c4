import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { BacktestResult } from '../index.js'
import { startPostgres } from '../scripts/postgres.mjs'
import { BARS, connect, database, dump, openAtOnce, server, stored, TICKS } from './postgres.js'
import {
  failure,
  inProcess,
  killedInTheMiddle,
  newEngine,
  type RequestChanges,
  ROOT,
  rejection,
  request,
  waves,
} from './support.js'

const STRATEGIES: [string, Record<string, number>][] = [
  ['sma_crossover', { fast_period: 5, slow_period: 20 }],
  ['rsi', {}],
  ['macd', {}],
]

describe('the database of the backend', () => {
  test.each([
    ['ticks', TICKS],
    ['bars', BARS],
  ])('with %s is only read: the schema public does not change by a byte', async (shape, layout) => {
    const url = await database()
    const client = await connect(url)
    await client.query(layout)
    const before = await dump(client)

    const engine = newEngine({ databaseUrl: url })
    // The same prices, as bars of the request.
    const days = Array.from({ length: 300 }, (_, day) => day)
    const price = (i: number) => Number((100 + 20 * Math.sin(i / 9) + 5 * Math.sin(i / 2.3)).toFixed(8))
    const column = (value: (day: number) => number) => Float64Array.from(days, value)
    const bars = {
      timestamps: column((day) => Date.UTC(2020, 0, 1 + day)),
      open: column(price),
      high: column((day) => price(day) + 0.03),
      low: column(price),
      close: column((day) => price(day) + 0.03),
      volume: column(() => 46),
    }
    const memory = newEngine()
    for (const [strategyId, parameters] of STRATEGIES) {
      const result = await engine.runBacktest(stored({ strategyId, parameters }))
      expect(result.trades.length).toBeGreaterThan(0)
      expect(await engine.getBacktestResults(result.backtestId)).toEqual(result)
      const expected = await memory.runBacktest(
        request({ assetSymbol: 'BTC', strategyId, parameters, timeframe: '1d', bars }),
      )
      expect(result.timestamps).toEqual(expected.timestamps)
      const dates = (run: BacktestResult) => run.trades.map(({ entryDate, exitDate }) => [entryDate, exitDate])
      expect(dates(result)).toEqual(dates(expected))
      result.equityCurve.forEach((equity, bar) => {
        expect(equity).toBeCloseTo(expected.equityCurve[bar] as number, 3)
      })
      // There is an index, and the prices are valid. Only the way to more warm-up differs.
      const texts = (run: BacktestResult) =>
        run.warnings.map((text) => text.replace(/; (hand in|import) earlier .*/, ''))
      expect(texts(result)).toEqual(texts(expected))
    }
    const [asset, ...others] = await engine.listAssets()
    expect(others).toEqual([])
    expect(asset).toEqual({
      assetSymbol: 'BTC',
      timeframes: [
        {
          timeframe: shape === 'ticks' ? 'tick' : '1d',
          bars: shape === 'ticks' ? 1200 : 300,
          first: '2020-01-01T00:00:00.000Z',
          last: shape === 'ticks' ? '2020-10-26T18:00:00.000Z' : '2020-10-26T00:00:00.000Z',
          source: 'public.market_data',
        },
      ],
    })
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(50) })
    expect(await engine.deleteBacktest((await engine.listBacktests())[0]?.backtestId as string)).toBe(true)
    await engine.close()

    expect(await dump(client)).toBe(before)
    const schemas = `SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' ORDER BY 1`
    expect((await client.query(schemas)).rows.map(({ nspname }) => nspname)).toEqual([
      'backtesting',
      'information_schema',
      'public',
    ])
    const { rows } = await client.query(
      `SELECT count(*)::int AS runs FROM backtesting.backtest_runs WHERE status = 'completed'`,
    )
    expect(rows).toEqual([{ runs: 2 }])
  })

  test('is compared by a dump that detects any change to public', { timeout: 60_000 }, async () => {
    const client = await connect(await database())
    await client.query(TICKS)
    let before = await dump(client)
    expect(await dump(client)).toBe(before)
    await client.query('VACUUM ANALYZE')
    expect(await dump(client)).toBe(before)
    for (const change of [
      `UPDATE market_data SET price = price WHERE id = 'm7-2'`,
      `DELETE FROM strategies WHERE id = 's2'; INSERT INTO strategies VALUES ('s3')`,
      `SELECT nextval('audit_id_seq')`,
      `UPDATE backtest_runs SET status = 'FAILED'`,
      `ALTER TYPE "BacktestStatus" ADD VALUE 'CANCELLED'`,
      `ALTER DOMAIN percent SET DEFAULT 1`,
      `ALTER TABLE audit ALTER at SET DEFAULT '2020-01-01'`,
      `ALTER SEQUENCE audit_id_seq INCREMENT 2`,
      `CREATE INDEX ON market_data (price)`,
      `CREATE TABLE ours ()`,
      `CREATE OR REPLACE VIEW completed AS SELECT id FROM backtest_runs WHERE status = 'FAILED'`,
      `REFRESH MATERIALIZED VIEW symbols`,
      `CREATE OR REPLACE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$`,
      `ALTER TABLE backtest_runs DISABLE TRIGGER audited`,
      `COMMENT ON TABLE backtest_runs IS 'of ours'`,
      `DROP POLICY own ON users`,
      `GRANT SELECT ON users TO PUBLIC`,
      `CREATE TYPE "OurStatus" AS ENUM ('A')`,
    ]) {
      await client.query(change)
      const after = await dump(client)
      expect(after, change).not.toBe(before)
      before = after
    }
  })

  test('makes one bar per tick without a timeframe', async () => {
    const url = await database()
    await (await connect(url)).query(TICKS)
    const engine = newEngine({ databaseUrl: url })
    const { timeframe: _, ...ticks } = stored()
    const result = await engine.runBacktest(ticks)
    expect(result.timestamps).toHaveLength(1200)
    expect(result.timeframe).toBe('tick')
    expect(result.metrics).toMatchObject({ sharpeRatio: null, annualizedReturn: null, avgTradeDurationDays: null })
    expect(result.warnings.join('\n')).toContain('the bars are at irregular times')
    expect((await engine.runBacktest(stored({ timeframe: '1w' }))).timestamps).toHaveLength(43)
  })

  test('is read with warnings about a missing index and invalid ticks, and new rows are noticed at once', async () => {
    const url = await database()
    const client = await connect(url)
    await client.query(`${TICKS} DROP INDEX market_data_asset; UPDATE market_data SET price = -1 WHERE id = 'm7-2'`)
    const engine = newEngine({ databaseUrl: url })
    const first = await engine.runBacktest(stored())
    expect(first.warnings.join('\n')).toMatch(
      /1 tick without a price above 0 was skipped, the first at 2020-01-08T12:00/,
    )
    expect(first.warnings.join('\n')).toMatch(/CREATE INDEX ON "public"\."market_data" \("asset_id", "timestamp"\)/)
    await client.query(`INSERT INTO market_data VALUES ('new', 'asset-1', 100, 1, '2020-10-27')`)
    expect((await engine.runBacktest(stored())).timestamps).toHaveLength(301)
  })

  test.each([
    ['ticks', TICKS],
    ['bars', BARS],
  ])('with more %s than the limit rejects the run, to the exact bar', async (_, layout) => {
    const url = await database()
    await (await connect(url)).query(layout)
    const engine = newEngine({ databaseUrl: url, maxDataPoints: 299, chunkSize: 50 })
    const error = await failure(engine.runBacktest(stored()), 'LIMIT_EXCEEDED')
    expect(error.message).toBe('the run has more than 299 bars, the limit maxDataPoints (MAX_DATA_POINTS) is 299')
    expect((await engine.runBacktest(stored({ startDate: '2020-01-02', warmup: 'none' }))).timestamps).toHaveLength(299)
    // A week of ticks or days is one bar.
    expect((await engine.runBacktest(stored({ timeframe: '1w' }))).timestamps).toHaveLength(
      43 + Number(layout === BARS),
    )
  })

  test('with invalid bars rejects the run and names their dates', async () => {
    const url = await database()
    await (await connect(url)).query(
      `${BARS} UPDATE market_data SET low = 'NaN' WHERE ts >= '2020-03-01' AND ts < '2020-03-03'`,
    )
    const error = await failure(newEngine({ databaseUrl: url }).runBacktest(stored()), 'BAD_DATA')
    expect(error.message).toContain('2020-03-01')
    expect(error.issues).toHaveLength(2)
  })
})

test('ten processes can open an empty database at once', async () => {
  const url = await database()
  await openAtOnce(url, url)
})

test('a killed process leaves no partial run, and its runs are marked as failed', async () => {
  const url = await database()
  const { status } = await killedInTheMiddle({ databaseUrl: url }, 300_000)
  expect(status).not.toBe(0)
  const runs = await newEngine({ databaseUrl: url }).listBacktests()
  expect(runs.map((run) => run.status)).toEqual(['failed'])
  expect(runs[0]?.error).toContain('the process that ran this backtest ended')
})

describe('a server that is away', () => {
  test('between and during runs loses no reported run and keeps none in part', {
    timeout: 120_000,
  }, async () => {
    // With this setting, a crash loses no commit.
    const own = await startPostgres(['synchronous_commit=on'])
    try {
      const url = await database(own.url)
      const engine = newEngine({ databaseUrl: url })
      await engine.importBars({ assetSymbol: 'BTC', timeframe: '1d', bars: waves(366) })
      const reported = [await engine.runBacktest(stored())]
      for (const mode of ['fast', 'immediate'] as const) {
        // Between runs.
        await own.stop(mode)
        const waiting = engine.runBacktest(stored())
        await own.start()
        reported.push(await waiting)
        // During runs.
        const runs = Array.from({ length: 12 }, () => engine.runBacktest(stored({ bars: waves(366) })))
        const settled = Promise.allSettled(runs)
        await own.stop(mode)
        await own.start()
        for (const run of await settled) {
          if (run.status === 'fulfilled') reported.push(run.value)
          else expect(run.reason).toMatchObject({ code: 'STORAGE', retryable: true })
        }
      }
      expect(reported.length).toBeGreaterThan(3)
      for (const result of reported) expect(await engine.getBacktestResults(result.backtestId)).toEqual(result)
      const completed = await engine.listBacktests({ status: 'completed' })
      expect(completed.map((run) => run.backtestId).sort()).toEqual(reported.map((run) => run.backtestId).sort())
      await own.stop()
      const error = await failure(newEngine({ databaseUrl: url }).listBacktests(), 'STORAGE')
      expect(error.retryable).toBe(true)
      expect(error.message).not.toContain(encodeURIComponent('only for tests'))
      await engine.close()
    } finally {
      await own.remove()
    }
  })

  test('for good causes a retryable error', async () => {
    const error = await failure(
      newEngine({ databaseUrl: 'postgresql://u:sesame@127.0.0.1:9/d' }).listBacktests(),
      'STORAGE',
    )
    expect([error.retryable, error.message.includes('sesame')]).toEqual([true, false])
  })
})

describe('databaseUrl', () => {
  test('with a wrong password is STORAGE without the password', async () => {
    const url = new URL(server())
    url.username = 'nobody_here'
    url.password = 'open-sesame'
    const { stdout, stderr } = await inProcess(
      `const engine = new backtesting.BacktestEngine({ databaseUrl: ${JSON.stringify(`${url.href}?foo=bar`)}, logLevel: 'trace' })
       await engine.listBacktests().catch((error) => console.log(error.code, error.message, error.stack, JSON.stringify(error)))`,
    )
    expect(stdout).toMatch(/^STORAGE /)
    expect(stdout + stderr).not.toContain('open-sesame')
    expect(stderr).toContain('foo')
  })

  test('that is not valid is INVALID_ARGUMENT at once, without the URL', async () => {
    for (const url of ['postgresql://u:sesame@h:x/d', 'postgres://u:sesame@h/d?sslmode=perhaps']) {
      expect(() => newEngine({ databaseUrl: url })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.not.stringContaining('sesame') }),
      )
    }
  })

  test('works with another schema, and a newer schema is rejected', async () => {
    const url = await database()
    const engine = newEngine({ databaseUrl: url, dbSchema: 'Mine_2' })
    const { backtestId } = await engine.runBacktest(request())
    const client = await connect(url)
    const { rows } = await client.query('SELECT id, parameters FROM "Mine_2".backtest_runs')
    expect(rows).toEqual([{ id: backtestId, parameters: expect.objectContaining({ fast_period: 5 }) }])
    await client.query(`UPDATE "Mine_2".backtesting_schema_history SET version = 99 WHERE version = 2`)
    const error = await failure(newEngine({ databaseUrl: url, dbSchema: 'Mine_2' }).listBacktests(), 'STORAGE')
    expect(error.message).toContain('version 99, newer than version')
    expect(() => newEngine({ databaseUrl: url, dbSchema: 'public' })).toThrow(/dbSchema/)
  })
})

test('sslmode decides which servers are trusted', async () => {
  const file = (name: string) => join(ROOT, '__test__', 'fixtures', 'tls', name)
  const text = (name: string) => readFileSync(file(name), 'utf8')
  const own = await startPostgres(['ssl=on'], { 'server.crt': text('server.crt'), 'server.key': text('server.key') })
  try {
    // The certificate is for localhost, not for 127.0.0.1.
    let attempts = 0
    const attempt = async (host: string, parameters: string) => {
      const name = `attempt-${attempts++}`
      const url = new URL(`${own.url}?${parameters}&application_name=${name}`)
      url.hostname = host
      const engine = newEngine({ databaseUrl: url.href })
      await engine.listBacktests()
      const { rows } = await (await connect(own.url)).query(
        'SELECT DISTINCT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE application_name = $1',
        [name],
      )
      await engine.close()
      return rows.map(({ ssl }) => ssl)
    }
    const root = `sslrootcert=${encodeURIComponent(file('root.crt'))}`
    expect(await attempt('127.0.0.1', 'sslmode=disable')).toEqual([false])
    for (const parameters of [
      '',
      'sslmode=prefer',
      'sslmode=require',
      'sslmode=no-verify',
      `sslmode=require&${root}`,
      `sslmode=verify-ca&${root}`,
    ])
      expect(await attempt('127.0.0.1', parameters), parameters).toEqual([true])
    expect(await attempt('localhost', `sslmode=verify-full&${root}`)).toEqual([true])
    for (const [host, parameters] of [
      ['127.0.0.1', `sslmode=verify-full&${root}`],
      ['localhost', 'sslmode=verify-full'],
      ['localhost', 'sslmode=verify-ca'],
    ] as const) {
      const error = await failure(attempt(host, parameters), 'STORAGE')
      expect(error.message, parameters).toMatch(/certificate/)
    }
  } finally {
    await own.remove()
  }
  const error = await failure(newEngine({ databaseUrl: `${server()}?sslmode=require` }).listBacktests(), 'STORAGE')
  expect(error.message).toContain('TLS')
})

test('the status of a run is right at every step', async () => {
  const url = await database()
  const engine = newEngine({ databaseUrl: url, maxConcurrentBacktests: 1 })
  await engine.listBacktests()
  const client = await connect(url)
  const status = async (id: string) => {
    const { rows } = await client.query('SELECT status, error FROM backtesting.backtest_runs WHERE id = $1', [id])
    return rows[0]
  }
  const ids: Record<string, string> = {}
  const seen = (name: string) => async () => Boolean(ids[name]) && (await status(ids[name] as string))?.status
  const run = (name: string, changes: RequestChanges, signal?: AbortSignal) =>
    engine.runBacktest(request(changes), {
      ...(signal && { signal }),
      onProgress: ({ backtestId }) => {
        ids[name] = backtestId
      },
    })
  // Two runs cannot write their results and block the others: one occupies the slot of the engine, the other that of short
  // runs.
  await client.query('BEGIN')
  await client.query('LOCK TABLE backtesting.backtest_results IN EXCLUSIVE MODE')
  const controller = new AbortController()
  const first = run('first', {})
  await expect.poll(seen('first')).toBe('running')
  const other = run('other', {})
  await expect.poll(seen('other')).toBe('running')
  const second = run('second', {})
  const third = rejection(run('third', {}, controller.signal))
  const fourth = failure(run('fourth', { startDate: '1999-01-01', endDate: '1999-12-31' }), 'NO_DATA')
  for (const name of ['second', 'third', 'fourth']) await expect.poll(seen(name)).toBe('pending')
  controller.abort()
  expect(await third).toMatchObject({ code: 'ABORT_ERR' })
  expect(await status(ids.third as string)).toMatchObject({ status: 'cancelled' })
  expect(await status(ids.first as string)).toEqual({ status: 'running', error: null })
  await client.query('COMMIT')
  await Promise.all([first, other])
  expect(await status(ids.first as string)).toEqual({ status: 'completed', error: null })
  await second
  expect(await status(ids.second as string)).toEqual({ status: 'completed', error: null })
  await fourth
  expect(await status(ids.fourth as string)).toMatchObject({
    status: 'failed',
    error: expect.stringContaining('NO_DATA'),
  })
})

test('engines with one connection each share a database', async () => {
  const url = await database()
  const engines = Array.from({ length: 4 }, () => newEngine({ databaseUrl: url, dbPoolSize: 1, dbMaxOverflow: 0 }))
  const results = await Promise.all(
    engines.flatMap((engine) => [engine, engine, engine]).map((engine) => engine.runBacktest(request())),
  )
  expect(new Set(results.map(({ backtestId }) => backtestId)).size).toBe(12)
  expect(results.every((result) => JSON.stringify(result.metrics) === JSON.stringify(results[0]?.metrics))).toBe(true)
})
