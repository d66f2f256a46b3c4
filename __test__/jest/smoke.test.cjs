const { mkdtempSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { afterAll, beforeAll, expect, test } = require('@jest/globals')
const { BacktestEngine, BacktestError } = require('../../index.js')

let dataDir
let engine

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'backtesting-jest-'))
  engine = new BacktestEngine({ dataDir, logLevel: 'off' })
})

afterAll(async () => {
  await engine.close()
  rmSync(dataDir, { recursive: true, force: true })
})

function request() {
  const close = Float64Array.from({ length: 300 }, (_, bar) => 100 + 20 * Math.sin(bar / 9))
  const timestamps = Float64Array.from({ length: 300 }, (_, bar) => Date.UTC(2020, 0, 1 + bar))
  return {
    strategyId: 'sma_crossover',
    assetSymbol: 'WAVES',
    startDate: '2020-01-01',
    endDate: '2020-12-31',
    initialCapital: 10_000,
    bars: { timestamps, open: close, high: close, low: close, close },
  }
}

test('a backtest runs, is stored and read back', async () => {
  const result = await engine.runBacktest(request())
  expect(result.status).toBe('completed')
  expect(result.trades.length).toBeGreaterThan(0)
  expect(await engine.getBacktestResults(result.backtestId)).toEqual(result)
})

test('an error is a BacktestError with its code', async () => {
  const failing = engine.runBacktest({ ...request(), initialCapital: 0 })
  await expect(failing).rejects.toBeInstanceOf(BacktestError)
  await expect(failing).rejects.toMatchObject({ name: 'BacktestError', code: 'INVALID_ARGUMENT' })
})

test('AbortSignal and Date objects of the realm of jest work', async () => {
  const controller = new AbortController()
  controller.abort()
  await expect(engine.runBacktest(request(), { signal: controller.signal })).rejects.toMatchObject({
    name: 'AbortError',
  })
  const result = await engine.runBacktest({ ...request(), startDate: new Date(Date.UTC(2020, 1, 1)) })
  expect(result.startDate).toBe('2020-02-01T00:00:00.000Z')
})

test('arrays of the realm of jest work', async () => {
  const metrics = await engine.getMetrics((await engine.runBacktest(request())).backtestId, ['sharpeRatio'])
  expect(Object.keys(metrics)).toEqual(['sharpeRatio'])
})
