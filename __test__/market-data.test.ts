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
