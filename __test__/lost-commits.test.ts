/** Servers that come back with an older state than the running engines have seen. */

import { describe, expect, onTestFinished, test } from 'vitest'
import type { BacktestEngine, BacktestResult } from '../index.js'
import { startPostgres } from '../scripts/postgres.mjs'
import { connect, database } from './postgres.js'
import { failure, newEngine, request, waves } from './support.js'

async function ownServer(...settings: string[]) {
  const own = await startPostgres(['autovacuum=off', ...settings])
  onTestFinished(own.remove)
  return own
}

/** Expects each reported run to be stored once and unchanged, and no run to be unfinished. */
async function expectRestored(engine: BacktestEngine, reported: BacktestResult[]) {
  const list = (status: 'running' | 'pending') => engine.listBacktests({ status })
  await expect
    .poll(async () => [...(await list('running')), ...(await list('pending'))], { timeout: 20_000, interval: 100 })
    .toEqual([])
  const ids = (await engine.listBacktests({ limit: 1000 })).map((run) => run.backtestId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const result of reported) {
    await expect
      .poll(() => engine.getBacktestResults(result.backtestId), { timeout: 20_000, interval: 100 })
      .toEqual(result)
  }
}

/** Makes the runs of a user wait before their results are written, as long as the client holds a lock. */
const WAITING = `
  CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext(user_id)) FROM backtesting.backtest_runs WHERE id = NEW.run_id;
    RETURN NEW;
  END $$;
  CREATE TRIGGER wait BEFORE INSERT ON backtesting.backtest_results FOR EACH ROW EXECUTE FUNCTION wait()`

describe('a server that comes back with an older state', () => {
  test('gets back the runs of living engines: those under way, and those that had just ended', {
    timeout: 90_000,
  }, async () => {
    const own = await ownServer()
    const url = await database(own.url)
    const engine = newEngine({ databaseUrl: url, maxConcurrentBacktests: 8 })
    await engine.importBars({ assetSymbol: 'BTC', timeframe: '1d', bars: waves(366) })
    const old = await engine.runBacktest(request())
    const client = await connect(url)
    await client.query(WAITING)
    const hold = (user: string) => client.query(`SELECT pg_advisory_lock(hashtext('${user}'))`)
    const release = (user: string) => client.query(`SELECT pg_advisory_unlock(hashtext('${user}'))`)
    for (const user of ['early', 'through', 'late']) await hold(user)
    const isRunning = (of: BacktestEngine, userId: string) =>
      expect.poll(async () => (await of.listBacktests({ userId }))[0]?.status, { interval: 10 }).toBe('running')

    const early = engine.runBacktest(request({ userId: 'early' }))
    const through = engine.runBacktest(request({ userId: 'through' }))
    await isRunning(engine, 'early')
    await isRunning(engine, 'through')
    await client.query('CHECKPOINT')
    const restore = own.snapshot()

    // The database loses everything that follows.
    await release('early')
    const reported = [old, await early, await engine.runBacktest(request({ userId: 'quick' }))]
    await engine.importBars({ assetSymbol: 'BTC', timeframe: '1d', bars: scaled(2) })
    const stored = () => engine.runBacktest({ ...withoutBars(), assetSymbol: 'BTC', persist: false })
    expect((await stored()).trades[0]?.entryPrice).toBeCloseTo(2 * ((await plain(engine)).trades[0]?.entryPrice ?? 0))
    const second = newEngine({ databaseUrl: url })
    const late = [engine.runBacktest(request({ userId: 'late' })), second.runBacktest(request({ userId: 'late' }))]
    await expect.poll(async () => (await engine.listBacktests({ userId: 'late' })).length, { interval: 10 }).toBe(2)

    await own.stop('immediate')
    restore()
    await own.start()

    reported.push(await through, ...(await Promise.all(late)))
    expect(reported.every(({ status }) => status === 'completed')).toBe(true)
    await expectRestored(engine, reported)
    // The older state lacks the second engine. It registers again, so that its runs do not count as orphaned.
    const listed = async () => (await (await connect(url)).query('SELECT id FROM backtesting.engines')).rows.length
    await expect.poll(listed, { timeout: 10_000, interval: 100 }).toBe(2)
    // The bars are those of the older state, also in the cache. Another import has another revision than the lost one.
    expect((await stored()).trades[0]?.entryPrice).toBeCloseTo((await plain(engine)).trades[0]?.entryPrice ?? 0)
    await engine.importBars({ assetSymbol: 'BTC', timeframe: '1d', bars: scaled(3) })
    expect((await stored()).trades[0]?.entryPrice).toBeCloseTo(3 * ((await plain(engine)).trades[0]?.entryPrice ?? 0))
    await second.close()
    await engine.close()
    await expectRestored(newEngine({ databaseUrl: url }), reported)
  })

  test('from before the first run gets its tables back', { timeout: 90_000 }, async () => {
    const own = await ownServer()
    const url = await database(own.url)
    const restore = own.snapshot()
    const engine = newEngine({ databaseUrl: url })
    const before = await engine.runBacktest(request())
    await own.stop('immediate')
    restore()
    await own.start()
    // At first, a table may be missing, which is a retryable error.
    const tries = async () => {
      for (;;) {
        try {
          return await engine.runBacktest(request())
        } catch (error) {
          expect(error).toMatchObject({
            code: 'STORAGE',
            retryable: true,
            message: expect.stringContaining('lacks a table'),
          })
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
    }
    await expectRestored(engine, [before, await tries()])

    // The same happens if the schema is dropped while the connections stay open.
    const client = await connect(url)
    await client.query('SET client_min_messages = warning; DROP SCHEMA backtesting CASCADE')
    const error = await failure(engine.listBacktests(), 'STORAGE')
    expect(error.message).toContain('lacks a table')
    await expectRestored(engine, [await tries()])
    await engine.close()
  })
})

test('a server that crashes before it has written its commits to disk loses no reported run', {
  timeout: 90_000,
}, async () => {
  // Commits reach the disk only after ten seconds.
  const own = await ownServer('synchronous_commit=off', 'wal_writer_delay=10000ms', 'wal_writer_flush_after=2097151')
  const url = await database(own.url)
  const engine = newEngine({ databaseUrl: url, maxConcurrentBacktests: 4 })
  await engine.listBacktests()
  await (await connect(url)).query('CHECKPOINT')
  const reported: BacktestResult[] = []
  let isDone = false
  const worker = async () => {
    while (!isDone) {
      try {
        reported.push(await engine.runBacktest(request()))
      } catch (error) {
        expect(error).toMatchObject({ code: 'STORAGE', retryable: true })
      }
    }
  }
  const workers = Array.from({ length: 3 }, worker)
  for (let crash = 0; crash < 2; crash++) {
    const enough = reported.length + 20
    await expect.poll(() => reported.length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(enough)
    await own.stop('immediate')
    await own.start()
  }
  isDone = true
  await Promise.all(workers)
  await expectRestored(engine, reported)
  await engine.close()
})

/** Returns daily bars whose prices are a multiple of those of `waves`. */
function scaled(factor: number) {
  const { timestamps, volume, ...prices } = waves(366)
  const times = (column: unknown) => Float64Array.from(column as Float64Array, (price) => price * factor)
  return {
    timestamps,
    volume,
    open: times(prices.open),
    high: times(prices.high),
    low: times(prices.low),
    close: times(prices.close),
  }
}

function withoutBars() {
  const { bars: _, ...rest } = request()
  return rest
}

/** Runs the same backtest on bars of the request. */
function plain(engine: BacktestEngine) {
  return engine.runBacktest(request({ persist: false }))
}
