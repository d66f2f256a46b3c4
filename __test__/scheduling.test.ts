/** Long backtests on every simulation thread delay neither validation nor ids nor short backtests. */

import { cpus } from 'node:os'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { type BacktestEngine, simulateSignals } from '../index.js'
import { failure, newEngine, rejection, request, untyped, waves } from './support.js'

/**
 * Forty indicators that add up thousands of prices for each bar: minutes of work over a million bars, so that none of these
 * backtests ends before it is aborted, however busy the machine is.
 */
const ENTRIES = Array.from({ length: 40 }, (_, index) => `cci(high, low, close, ${4000 + index}) > 0`).join(' and ')

const { strategyId: __, parameters: ___, ...REST } = request({ endDate: '2021-11-30', persist: false })
const STRATEGY = { id: 'long', entries: ENTRIES, exits: 'close < sma(close, 50)' }

// What is tested is the order in which calls end. How long they take depends on the machine.
vi.setConfig({ testTimeout: 120_000 })

let bars: ReturnType<typeof waves>
beforeAll(() => {
  bars = waves(1_000_000, 60_000)
})

/** Starts backtests that take minutes and waits until all of them compute. `stop` aborts them and returns how many had ended. */
async function occupy(engine: BacktestEngine, count: number) {
  const controller = new AbortController()
  let ended = 0
  let computing = 0
  const runs = Array.from({ length: count }, () => {
    let isCounted = false
    const run = engine.runBacktest(
      { ...REST, strategy: STRATEGY, bars },
      {
        signal: controller.signal,
        onProgress: ({ stage }) => {
          if (stage === 'signals' && !isCounted) computing += 1
          isCounted ||= stage === 'signals'
        },
      },
    )
    return rejection(run).finally(() => {
      ended += 1
    })
  })
  await expect.poll(() => computing, { timeout: 60_000 }).toBe(count)
  return {
    stop: async () => {
      const before = ended
      controller.abort()
      await Promise.all(runs)
      return before
    },
  }
}

describe('while long backtests occupy all simulation threads', () => {
  test('requests are rejected, strategies are validated, and short backtests complete', async () => {
    const cores = cpus().length
    const engine = newEngine({ maxConcurrentBacktests: cores + 1 })
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(366) })
    const long = await occupy(engine, cores)
    await failure(engine.runBacktest(request({ strategyId: 'nonesuch' })), 'UNKNOWN_STRATEGY')
    await failure(engine.runBacktest(untyped({})), 'INVALID_ARGUMENT')
    expect((await engine.validateStrategy({ strategyId: 'rsi' })).valid).toBe(true)
    const { bars: _, ...stored } = request()
    for (const short of [stored, request(), request({ bars: waves(20_000, 60_000) })]) {
      expect((await engine.runBacktest(short)).status).toBe('completed')
    }
    const close = waves(2000).close
    const none = new Uint8Array(2000)
    const simulated = await simulateSignals({ close, entries: none, exits: none, initialCapital: 1 })
    expect(simulated.equityCurve).toHaveLength(2000)
    expect(await long.stop(), 'long backtests that had ended meanwhile').toBe(0)
  })

  test('and all slots of the engine, a short backtest completes and a long one gets its id', async () => {
    const engine = newEngine({ maxConcurrentBacktests: 2 })
    const long = await occupy(engine, 2)
    const controller = new AbortController()
    let id = ''
    const queued = rejection(
      engine.runBacktest(
        { ...REST, persist: true, strategy: STRATEGY, bars },
        {
          signal: controller.signal,
          onProgress: ({ backtestId, stage }) => {
            if (stage === 'queued') id = backtestId
          },
        },
      ),
    )
    await expect.poll(() => id, { timeout: 60_000 }).not.toBe('')
    expect((await engine.getBacktestResults(id))?.status).toBe('pending')
    const results = await Promise.all([1, 2, 3].map(() => engine.runBacktest(request())))
    expect(results.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed'])
    expect((await engine.getBacktestResults(id))?.status).toBe('pending')
    expect(await long.stop(), 'long backtests that had ended meanwhile').toBe(0)
    controller.abort()
    await queued
  })
})

describe('a short backtest over bars that are resampled from many stored ones', () => {
  test('does not wait for long backtests', async () => {
    const engine = newEngine({ maxConcurrentBacktests: 2 })
    await engine.importBars({ assetSymbol: 'MINUTES', timeframe: '1m', bars: waves(100_000, 60_000) })
    const long = await occupy(engine, 2)
    const { bars: _, ...stored } = request({ assetSymbol: 'MINUTES', timeframe: '1d' })
    expect((await engine.runBacktest(stored)).timestamps).toHaveLength(70)
    expect(await long.stop(), 'long backtests that had ended meanwhile').toBe(0)
  })
})
