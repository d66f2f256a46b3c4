import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import * as backtesting from '../index.js'
import { folder, inProcess } from './support.js'

const FUNCTIONS = [
  'runBacktest',
  'getBacktestResults',
  'listBacktests',
  'deleteBacktest',
  'listStrategies',
  'registerStrategy',
  'validateStrategy',
  'getMetrics',
  'importBars',
  'deleteBars',
  'listAssets',
] as const

/** A backtest with its own bars, as program text. */
const RUN = `backtesting.runBacktest({
  strategyId: 'sma_crossover', parameters: { fast_period: 2, slow_period: 3 },
  assetSymbol: 'X', startDate: '1970-01-01', endDate: '1970-01-31', initialCapital: 1000,
  bars: (() => { const close = Float64Array.from({ length: 30 }, (_, bar) => 10 + Math.sin(bar)); return {
    timestamps: Float64Array.from({ length: 30 }, (_, bar) => bar * 86400000), open: close, high: close, low: close, close } })(),
})`

describe('the module', () => {
  test('exports the functions and both classes', () => {
    const exported = { ...backtesting }
    for (const name of FUNCTIONS) expect(typeof exported[name], name).toBe('function')
    expect(typeof backtesting.BacktestEngine).toBe('function')
    expect(backtesting.BacktestError.prototype).toBeInstanceOf(Error)
  })

  test('has each function as a method of the engine too', () => {
    for (const name of FUNCTIONS) expect(typeof backtesting.BacktestEngine.prototype[name], name).toBe('function')
    expect(typeof backtesting.BacktestEngine.prototype.close).toBe('function')
  })
})

test('an engine tells its limits', () => {
  const config = { dataDir: folder(), logLevel: 'off' } as const
  expect(new backtesting.BacktestEngine(config).limits()).toEqual({
    maxDays: null,
    maxIntradayDays: 1827,
    maxBars: 1_000_000,
    maxCombinations: 5_000_000,
  })
  const own = { maxBacktestDurationDays: 30, maxDataPoints: 500, maxCombinations: 7 }
  expect(new backtesting.BacktestEngine({ ...config, ...own }).limits()).toEqual({
    maxDays: 30,
    maxIntradayDays: 30,
    maxBars: 500,
    maxCombinations: 7,
  })
})

test('limits throws unless it is called on an engine', () => {
  const { limits } = backtesting.BacktestEngine.prototype
  for (const stranger of [undefined, null, 1, {}, Object.create(backtesting.BacktestEngine.prototype)])
    expect(() => limits.call(stranger as never)).toThrow(
      expect.objectContaining({ name: 'BacktestError', code: 'INVALID_ARGUMENT' }) as never,
    )
})

describe('the default engine', () => {
  test('is configured by the environment and lets the process exit', async () => {
    const dataDir = folder()
    const { status, stdout, stderr } = await inProcess(`console.log((await ${RUN}).status)`, {
      environment: { DATA_DIR: dataDir, LOG_LEVEL: 'off' },
    })
    expect(stderr).toBe('')
    expect(stdout).toBe('completed\n')
    expect(status).toBe(0)
    expect(readdirSync(dataDir).length).toBeGreaterThan(0)
  })

  test('reads .env in the working directory; the environment takes precedence', async () => {
    const cwd = folder()
    writeFileSync(
      join(cwd, '.env'),
      `DATA_DIR=${join(cwd, 'from-file')}\nLOG_LEVEL=off\nMAX_BACKTEST_DURATION_DAYS=1\n`,
    )
    const program = `try { await ${RUN}; console.log('completed') } catch (error) { console.log(error.code) }`
    expect((await inProcess(program, { cwd })).stdout).toBe('LIMIT_EXCEEDED\n')
    const environment = { MAX_BACKTEST_DURATION_DAYS: '100' }
    expect((await inProcess(program, { cwd, environment })).stdout).toBe('completed\n')
    expect(existsSync(join(cwd, 'from-file'))).toBe(true)
  })

  test('rejects with the name of an invalid variable', async () => {
    const program = `try { await ${RUN} } catch (error) { console.log(error.code, error.message) }`
    const environment = { DATA_DIR: folder(), MAX_CONCURRENT_BACKTESTS: 'many', LOG_LEVEL: 'off' }
    const { stdout, status } = await inProcess(program, { environment })
    expect(stdout).toBe('INVALID_ARGUMENT MAX_CONCURRENT_BACKTESTS must be a number, was "many"\n')
    expect(status).toBe(0)
    const level = await inProcess(program, { environment: { DATA_DIR: folder(), LOG_LEVEL: 'verbose' } })
    expect(level.stdout).toMatch(
      /^INVALID_ARGUMENT the environment variable LOG_LEVEL must be one of trace, .*"verbose"\n$/,
    )
  })

  test('does not need a this', async () => {
    const program = `const { listStrategies } = backtesting; console.log((await listStrategies()).length > 2)`
    expect((await inProcess(program, { environment: { DATA_DIR: folder(), LOG_LEVEL: 'off' } })).stdout).toBe('true\n')
  })
})

describe('the log', () => {
  test('consists of one JSON object per line, only on standard error', async () => {
    const environment = { DATA_DIR: folder(), LOG_LEVEL: 'info' }
    const { stdout, stderr, status } = await inProcess(`console.log((await ${RUN}).backtestId)`, { environment })
    expect(status).toBe(0)
    expect(stdout).toMatch(/^bt-[0-9a-f]{12}\n$/)
    const lines = stderr.trimEnd().split('\n')
    const entries = lines.map((line) => JSON.parse(line))
    expect(entries.length).toBeGreaterThan(0)
    for (const entry of entries)
      expect(entry).toMatchObject({ level: expect.any(String), timestamp: expect.any(String) })
    expect(stderr).toContain(stdout.trim())
  })

  test('is human-readable with LOG_FORMAT=pretty', async () => {
    const environment = { DATA_DIR: folder(), LOG_LEVEL: 'info', LOG_FORMAT: 'pretty' }
    const { stderr } = await inProcess(`await ${RUN}`, { environment })
    expect(stderr).not.toBe('')
    expect(() => JSON.parse(stderr.split('\n')[0] ?? '')).toThrow()
  })

  test('is silent with LOG_LEVEL=off', async () => {
    const { stderr } = await inProcess(`await ${RUN}`, { environment: { DATA_DIR: folder(), LOG_LEVEL: 'off' } })
    expect(stderr).toBe('')
  })
})

test('an error has the stack of the call', async () => {
  const engine = new backtesting.BacktestEngine({ dataDir: folder(), logLevel: 'off' })
  const error = await engine.getMetrics('bt-000000000000').catch((reason) => reason)
  await engine.close()
  expect(error.stack).toContain('BacktestError: ')
  expect(error.stack).toContain('engine.test')
  expect(Object.prototype.toString.call(error)).toBe('[object Error]')
})

test('a listener that throws does not affect the backtest', async () => {
  const program = `process.on('warning', () => {})
    const engine = new backtesting.BacktestEngine({ logLevel: 'off' })
    const close = Float64Array.from({ length: 30 }, (_, bar) => 10 + Math.sin(bar))
    const result = await engine.runBacktest(
      { strategyId: 'rsi', assetSymbol: 'X', startDate: '1970-01-01', endDate: '1970-01-31', initialCapital: 1,
        bars: { timestamps: Float64Array.from({ length: 30 }, (_, bar) => bar * 86400000), open: close, high: close, low: close, close } },
      { onProgress: () => { throw new Error('mine') } })
    console.log(result.status)`
  const { stdout, status } = await inProcess(program, { environment: { DATA_DIR: folder() } })
  expect(stdout).toBe('completed\n')
  expect(status).toBe(0)
})
