import { randomUUID } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connect, database, server, stored, TICKS } from './postgres.js'
import { failure, folder, inProcess, newEngine, waves } from './support.js'

/** A database with the backend's prices, a role that may only read them, and one that may only store results. */
async function twoRoles() {
  const admin = await connect(server())
  const [reader, keeper] = [`reader_${randomUUID().slice(0, 8)}`, `keeper_${randomUUID().slice(0, 8)}`]
  // After the database, which belongs to them in part.
  onTestFinished(async () => {
    await admin.query(`DROP ROLE IF EXISTS ${reader}, ${keeper}`)
  })
  const url = await database()
  const client = await connect(url)
  await client.query(`${TICKS}
    CREATE ROLE ${reader} LOGIN PASSWORD 'reads'; CREATE ROLE ${keeper} LOGIN PASSWORD 'keeps';
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    CREATE SCHEMA backtesting AUTHORIZATION ${keeper};
    GRANT SELECT ON public.market_data, public.assets TO ${reader}`)
  const as = (role: string, password: string) => {
    const own = new URL(url)
    own.username = role
    own.password = password
    return own.href
  }
  return { url, client, reader: as(reader, 'reads'), keeper: as(keeper, 'keeps') }
}

describe('marketDataUrl', () => {
  test('separates the role that reads prices from the role that stores results', async () => {
    const { url, reader, keeper } = await twoRoles()
    const engine = newEngine({ databaseUrl: keeper, marketDataUrl: reader })
    const result = await engine.runBacktest(stored())
    expect(result.timestamps).toHaveLength(300)
    expect(await engine.getBacktestResults(result.backtestId)).toEqual(result)
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(366) })
    expect((await engine.runBacktest(stored({ assetSymbol: 'WAVES' }))).status).toBe('completed')
    const assets = await engine.listAssets()
    expect(assets.map(({ assetSymbol, timeframes }) => [assetSymbol, timeframes[0]?.source])).toEqual([
      ['BTC', 'public.market_data'],
      ['WAVES', 'imported'],
    ])
    await engine.close()
    // The same result as under a role with all permissions.
    const whole = await newEngine({ databaseUrl: url, dbSchema: 'other' }).runBacktest(stored())
    expect(whole.equityCurve).toEqual(result.equityCurve)

    // The role for results cannot read prices, and the role for prices cannot store results.
    const kept = await failure(newEngine({ databaseUrl: keeper }).runBacktest(stored()), 'STORAGE')
    expect([kept.retryable, kept.message]).toEqual([false, expect.stringContaining('permission denied for table')])
    for (const dbSchema of ['backtesting', 'another']) {
      const read = await failure(newEngine({ databaseUrl: reader, dbSchema }).runBacktest(stored()), 'STORAGE')
      expect([read.retryable, read.message]).toEqual([false, expect.stringContaining('permission denied')])
    }
    const refused = (role: string, sql: string) => connect(role).then((client) => client.query(sql))
    await expect(refused(reader, 'DELETE FROM public.market_data')).rejects.toThrow('permission denied')
    await expect(refused(reader, 'SELECT FROM backtesting.backtest_runs')).rejects.toThrow('permission denied')
    await expect(refused(keeper, 'SELECT FROM public.market_data')).rejects.toThrow('permission denied')
    await expect(refused(keeper, 'CREATE TABLE public.ours ()')).rejects.toThrow('permission denied')
  })

  test('works with the embedded store, and nothing is written to the database', async () => {
    const { client, reader } = await twoRoles()
    const dataDir = folder()
    const engine = newEngine({ dataDir, marketDataUrl: reader })
    const result = await engine.runBacktest(stored())
    expect(result.timestamps).toHaveLength(300)
    expect(await engine.getBacktestResults(result.backtestId)).toEqual(result)
    // Imported bars take precedence over prices of the same timeframe, as always.
    await engine.importBars({ assetSymbol: 'BTC', timeframe: '1d', bars: waves(10) })
    expect((await engine.runBacktest(stored())).timestamps).toHaveLength(10)
    expect((await engine.runBacktest(stored({ timeframe: '12h' }))).timestamps).toHaveLength(600)
    await failure(engine.runBacktest(stored({ assetSymbol: 'DOGE' })), 'NO_DATA')
    await engine.close()
    await failure(engine.listAssets(), 'CLOSED')
    expect(readdirSync(dataDir)).toContain('backtesting.db')
    const tables = `SELECT FROM pg_class WHERE relnamespace = 'backtesting'::regnamespace`
    expect((await client.query(tables)).rows).toEqual([])
    const sessions = `SELECT FROM pg_stat_activity WHERE application_name = 'aitradepro-backtesting' AND datname = current_database()`
    await expect.poll(async () => (await client.query(sessions)).rows).toEqual([])
  })

  test('may name another server, and if that is down, everything but prices works', async () => {
    const engine = newEngine({ marketDataUrl: 'postgresql://u:sesame@127.0.0.1:9/prices' })
    expect(await engine.listBacktests()).toEqual([])
    const error = await failure(engine.runBacktest(stored()), 'STORAGE')
    expect([error.retryable, error.message]).toEqual([true, expect.stringContaining('127.0.0.1:9/prices')])
    expect(error.message).not.toContain('sesame')
  })

  test('must lead to a table with prices', async () => {
    const url = await database()
    const error = await failure(newEngine({ marketDataUrl: url }).runBacktest(stored()), 'STORAGE')
    expect(error.message).toContain('has no table or view public.market_data')
    expect(error.message).toContain('MARKET_DATA_TABLE')
  })

  test('is read from the environment, and is never shown', async () => {
    const { reader } = await twoRoles()
    const { stdout, stderr } = await inProcess(
      `console.log((await backtesting.listAssets()).map(({ assetSymbol }) => assetSymbol).join())
       try { new backtesting.BacktestEngine({ marketDataUrl: 'mysql://u:sesame@h/d' }) } catch (error) { console.log(error.code, error.message) }
       try { new backtesting.BacktestEngine({ marketDataUrl: 'postgres://u:sesame@h:x/d' }) } catch (error) { console.log(error.code, error.message) }`,
      { environment: { MARKET_DATA_URL: reader, DATA_DIR: folder(), LOG_LEVEL: 'trace' } },
    )
    expect(stdout).toMatch(/^BTC\n/)
    expect(stdout).toContain('INVALID_ARGUMENT marketDataUrl (MARKET_DATA_URL) must be postgresql://')
    expect(stdout).toContain('INVALID_ARGUMENT marketDataUrl (MARKET_DATA_URL) is not a valid URL')
    expect(stdout + stderr).not.toMatch(/sesame|reads/)
  })
})

describe('bars of a price table', () => {
  const DAILY = `CREATE TABLE market_data (
      symbol text, timeframe text, ts timestamptz, open float8, high float8, low float8, close float8, volume float8
    );
    CREATE INDEX ON market_data (symbol, ts);`
  const row = (symbol: string, ts: string, price: number, timeframe = '1d') =>
    `('${symbol}', '${timeframe}', '${ts}', ${price}, ${price}, ${price}, ${price}, 1)`
  const insert = (...rows: string[]) => `INSERT INTO market_data VALUES ${rows.join(', ')};`

  /** Weekdays of 2024 as dates. */
  const weekdays = Array.from({ length: 100 }, (_, day) => new Date(Date.UTC(2024, 0, 1 + day)))
    .filter((date) => ![0, 6].includes(date.getUTCDay()))
    .map((date) => date.toISOString().slice(0, 10))

  const rules = (assetSymbol: string, entries: string, startDate: string, endDate: string) => ({
    strategy: { id: 'x', entries, exits: 'close < 0' },
    assetSymbol,
    startDate,
    endDate,
    initialCapital: 1000,
    simulation: { execution: 'close' as const, fees: 0, slippage: 0 },
    persist: false,
  })

  test('that are stamped at local midnight are loaded under their local day, whatever the range', async () => {
    const url = await database()
    const client = await connect(url)
    const rows = ['Asia/Tokyo', 'America/New_York', 'Europe/London'].flatMap((zone) =>
      weekdays.map((day, bar) => row(zone, `${day} 00:00:00 ${zone}`, 100 + bar)),
    )
    const close = weekdays.map((day, bar) => row('CLOSE', `${day} 21:00:00Z`, 100 + bar))
    await client.query(DAILY + insert(...rows, ...close))
    const engine = newEngine({ databaseUrl: url })
    for (const zone of ['Asia/Tokyo', 'America/New_York', 'Europe/London']) {
      const result = await engine.runBacktest(rules(zone, 'day_of_week == 1', '2024-01-08', '2024-01-12'))
      expect(
        Array.from(result.timestamps, (time) => new Date(time).toISOString().slice(0, 16)),
        zone,
      ).toEqual(['08', '09', '10', '11', '12'].map((day) => `2024-01-${day}T00:00`))
      expect(result.trades[0], zone).toMatchObject({ entryDate: '2024-01-08T00:00:00.000Z', entryPrice: 105 })
      const told = result.warnings.join('\n').includes('moved to 00:00 UTC of the local day')
      expect(told, zone).toBe(zone !== 'Europe/London')
    }
    // A close at 21:00 UTC is on its own day. A short range alone would not show it.
    const late = await engine.runBacktest(rules('CLOSE', 'close > 0', '2024-01-09', '2024-01-12'))
    expect(Array.from(late.timestamps, (time) => new Date(time).toISOString())[0]).toBe('2024-01-09T21:00:00.000Z')
    const weekly = await engine.runBacktest({
      ...rules('Asia/Tokyo', 'close > 0', '2024-01-01', '2024-01-14'),
      timeframe: '1w',
    })
    expect(weekly.timestamps).toEqual(Float64Array.of(Date.UTC(2024, 0, 1), Date.UTC(2024, 0, 8)))
  })

  test('whose integers change their unit are refused, and true times of 1970 are not', async () => {
    const first = Date.UTC(2024, 0, 1)
    const day = 86_400_000
    const tableOf = async (...times: number[]) => {
      const url = await database()
      const rows = times.map((time) => `('A', ${time}, 1, 1, 1, 1)`)
      await (await connect(url)).query(
        `CREATE TABLE market_data (symbol text, ts int8, open float8, high float8, low float8, close float8);
         INSERT INTO market_data VALUES ${rows.join(', ')}`,
      )
      return newEngine({ databaseUrl: url, marketDataTable: 'market_data' })
    }
    const run = rules('A', 'close > 0', '2024-01-01', '2024-12-31')
    const error = await failure((await tableOf(first, (first + day) * 1000)).runBacktest(run), 'BAD_DATA')
    expect(error.message).toContain(
      'changes its unit: it has 1704067200000, which are milliseconds, and 1704153600000000, which are microseconds; convert all values to milliseconds',
    )
    await failure((await tableOf(first / 1000, first + day)).runBacktest(run), 'BAD_DATA')
    await failure((await tableOf(first * 1e6)).runBacktest(run), 'BAD_DATA')
    for (const unit of [1 / 1000, 1, 1000]) {
      const engine = await tableOf(first * unit, (first + day) * unit)
      expect((await engine.runBacktest(run)).assumptions?.bars).toBe(2)
    }
    const early = await (await tableOf(0, day, first)).runBacktest({
      ...run,
      startDate: '1970-01-01',
      endDate: '1970-12-31',
    })
    expect(early.assumptions?.bars).toBe(2)
  })

  test('of which two are of one day are refused', async () => {
    const url = await database()
    await (await connect(url)).query(
      DAILY +
        insert(
          ...weekdays.map((day) => row('LIVE', day, 100)),
          row('LIVE', '2024-03-05 15:44:00Z', 101),
          row('HOURS', '2024-03-05 14:00:00Z', 100, '1h'),
          row('HOURS', '2024-03-05 14:20:00Z', 100, '1h'),
          row('HOURS', '2024-03-05 15:00:00Z', 100, '1h'),
        ),
    )
    const engine = newEngine({ databaseUrl: url })
    const error = await failure(engine.runBacktest(rules('LIVE', 'close > 0', '2024-01-01', '2024-12-31')), 'BAD_DATA')
    expect(error.message).toBe(
      'the bars of LIVE in public.market_data have faults: 2024-03-05 and 2024-03-05T15:44:00.000Z are two 1d bars of one day; remove one of them',
    )
    await failure(engine.runBacktest(rules('HOURS', 'close > 0', '2024-03-05', '2024-03-06')), 'BAD_DATA')
    // Ranges without them are sound.
    expect((await engine.runBacktest(rules('LIVE', 'close > 0', '2024-01-01', '2024-03-01'))).status).toBe('completed')
  })

  test('imports into PostgreSQL are checked with the stored bars', async () => {
    const url = await database()
    const engine = newEngine({ databaseUrl: url })
    const first = Date.UTC(2024, 0, 1)
    const importing = (assetSymbol: string, ...hours: number[]) => {
      const close = Float64Array.from(hours, () => 100)
      const bars = {
        timestamps: Float64Array.from(hours, (hour) => first + hour * 3_600_000),
        open: close.slice(),
        high: close.slice(),
        low: close.slice(),
        close,
      }
      return engine.importBars({ assetSymbol, timeframe: '4h', bars })
    }
    await importing('A', 0, 4, 12)
    const error = await failure(importing('A', 13.5), 'BAD_DATA')
    expect(error.message).toBe(
      'the new 4h bar 2024-01-01T13:30:00.000Z is too close to the stored bar 2024-01-01T12:00:00.000Z to be of another interval; give it the timestamp of the stored bar to replace that, or remove the stored bar with deleteBars',
    )
    await failure(importing('A', -0.5, 5.25), 'BAD_DATA')
    expect((await engine.listAssets())[0]?.timeframes[0]?.bars).toBe(3)
    expect(await importing('A', 4, 8)).toMatchObject({ imported: 2, replaced: 1 })
  })
})
