/**
 * Small backtests are computed on the JavaScript thread, and their columns arrive in one block. Long ones are computed on
 * other threads, and their columns arrive one by one. The results must not differ.
 */

import { describe, expect, test } from 'vitest'
import { simulateSignals } from '../index.js'
import { failure, newEngine } from './support.js'

/** One-minute bars whose price moves in a wave. */
function wave(bars: number) {
  const close = Float64Array.from({ length: bars }, (_, bar) => 100 + 10 * Math.sin(bar / 7) + bar / 100)
  const open = close.map((price, bar) => (bar === 0 ? price : (close[bar - 1] ?? price)))
  return {
    timestamps: Float64Array.from(close, (_, bar) => bar * 60_000),
    open,
    high: close.map((price, bar) => Math.max(price, open[bar] ?? price)),
    low: close.map((price, bar) => Math.min(price, open[bar] ?? price)),
    close,
  }
}

const request = (bars: number) => ({
  strategyId: 'sma_crossover',
  assetSymbol: 'X',
  startDate: '1970-01-01',
  endDate: '1971-01-01',
  initialCapital: 1000,
  parameters: { fast_period: 3, slow_period: 8 },
  bars: wave(bars),
  persist: false,
})

describe('a small backtest', () => {
  test('has the same result as on a simulation thread', async () => {
    const engine = newEngine()
    // With onProgress, the backtest runs on another thread.
    const stages: string[] = []
    const onProgress = ({ stage }: { stage: string }) => stages.push(stage)
    const comparable = async (options?: { onProgress: typeof onProgress }) => {
      const { backtestId, createdAt, completedAt, ...rest } = await engine.runBacktest(request(1000), options)
      expect(backtestId).toMatch(/^bt-[0-9a-f]{12}$/)
      expect(Date.parse(createdAt)).toBeLessThanOrEqual(Date.parse(completedAt ?? ''))
      return { ...rest, trades: rest.trades }
    }
    const small = await comparable()
    expect(small.trades.length).toBeGreaterThan(20)
    expect(small).toEqual(await comparable({ onProgress }))
    expect(stages.at(-1)).toBe('completed')
  })

  test('agrees with one beyond the limit on the bars that they share', async () => {
    const engine = newEngine()
    const [small, long] = await Promise.all([engine.runBacktest(request(10_000)), engine.runBacktest(request(10_001))])
    expect(long.equityCurve.subarray(0, 10_000)).toEqual(small.equityCurve)
    expect(long.timestamps.subarray(0, 10_000)).toEqual(small.timestamps)
  })

  test('has the same numbers and order of names as one with separate columns', async () => {
    const engine = newEngine()
    const [packed, whole] = await Promise.all([engine.runBacktest(request(6000)), engine.runBacktest(request(12_000))])
    expect(Object.keys(packed)).toEqual(Object.keys(whole))
    expect(Object.keys(packed.metrics)).toEqual(Object.keys(whole.metrics))
    expect(packed.equityCurve).toEqual(whole.equityCurve.subarray(0, 6000))
    expect(packed.timestamps).toEqual(whole.timestamps.subarray(0, 6000))
    const closed = packed.trades.filter(({ status }) => status === 'closed')
    expect(closed.length).toBeGreaterThan(100)
    expect(closed).toEqual(whole.trades.slice(0, closed.length))
    expect(packed.metrics.closedTrades).toBe(closed.length)
    expect(packed.metrics.finalCapital).toBe(packed.equityCurve.at(-1))

    // Without a trade, most metrics of trades have no value in either encoding.
    const idle = (bars: number) => ({ ...request(bars), parameters: { fast_period: 499, slow_period: 500 } })
    const still = { open: new Float64Array(12_000).fill(7), timestamps: wave(12_000).timestamps }
    const flat = (bars: number) => {
      const price = still.open.subarray(0, bars)
      const columns = {
        timestamps: still.timestamps.subarray(0, bars),
        open: price,
        high: price,
        low: price,
        close: price,
      }
      return engine.runBacktest({ ...idle(bars), bars: columns })
    }
    const [one, other] = await Promise.all([flat(6000), flat(12_000)])
    const without = (metrics: object) => Object.entries(metrics).filter(([, value]) => value === null)
    expect(without(one.metrics)).toEqual(without(other.metrics))
    expect(one.metrics.winRate).toBeNull()
  })

  test('is computed at once on stored bars, too, as soon as they are in the cache', async () => {
    const engine = newEngine()
    const { bars, ...stored } = request(10_001)
    await engine.importBars({ assetSymbol: 'X', timeframe: '1m', bars })
    const few = { ...stored, endDate: new Date(999 * 60_000) }
    const first = await engine.runBacktest(few)
    // Returns whether a run settles before the event loop turns.
    const isInline = async (work: Promise<unknown>) => {
      let hasTurned = false
      setImmediate(() => {
        hasTurned = true
      })
      await work
      return !hasTurned
    }
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    await turn()
    let again = first
    expect(await isInline(engine.runBacktest(few).then((result) => (again = result)))).toBe(true)
    const { backtestId, createdAt, completedAt, ...rest } = again
    expect(first).toMatchObject({ ...rest, trades: rest.trades })
    const given = await engine.runBacktest(request(1000))
    expect([again.metrics, again.equityCurve, again.timestamps]).toEqual([
      given.metrics,
      given.equityCurve,
      given.timestamps,
    ])

    // With more bars, for an unknown asset and in an engine that has not opened its store, it continues elsewhere.
    await engine.runBacktest(stored)
    await turn()
    // On a busy computer, another thread may end it before the event loop turns.
    const attempts: boolean[] = []
    while (attempts.length < 10 && !attempts.includes(false)) {
      await turn()
      attempts.push(await isInline(engine.runBacktest(stored)))
    }
    expect(attempts).toContain(false)
    await failure(engine.runBacktest({ ...few, assetSymbol: 'Y' }), 'NO_DATA')

    // New bars take effect at once.
    const changed = {
      ...bars,
      close: bars.close.map((price, bar) => (bar === 999 ? (bars.open[bar] ?? price) : price)),
    }
    await engine.importBars({ assetSymbol: 'X', timeframe: '1m', bars: { ...changed, volume: bars.close } })
    const later = await engine.runBacktest({ ...few, outputs: ['metrics'] })
    expect(later.metrics.benchmarkReturn).not.toBe(again.metrics.benchmarkReturn)
    await engine.close()
    await failure(engine.runBacktest(few), 'CLOSED')
  })

  test('is rejected with the stack of the call', async () => {
    const engine = newEngine()
    const bars = wave(20)
    bars.close[7] = Number.NaN
    const error = await failure(engine.runBacktest({ ...request(20), bars }), 'BAD_DATA')
    expect(error).toMatchObject({ issues: [{ path: 'bars.close[7]' }] })
    expect(error.stack).toContain('small.test.ts')
    const above = wave(20)
    above.close[9] = (above.high[9] ?? 0) + 0.5
    const fault = await failure(engine.runBacktest({ ...request(20), bars: above }), 'BAD_DATA')
    expect(fault).toMatchObject({ issues: [{ path: 'bars.high[9]' }] })
    const unknown = { ...request(20), strategyId: 'sma_crosover' }
    await failure(engine.runBacktest(unknown), 'UNKNOWN_STRATEGY')
  })

  test('is aborted by its signal', async () => {
    const engine = newEngine()
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(engine.runBacktest(request(20), { signal })).rejects.toMatchObject({ name: 'AbortError' })
    const later = new AbortController()
    const result = await engine.runBacktest(request(20), { signal: later.signal })
    later.abort()
    expect(result.status).toBe('completed')
  })

  test('respects the limit of concurrent backtests and the end of its engine', async () => {
    const narrow = newEngine({ maxConcurrentBacktests: 1 })
    const runs = [200_000, 100, 100].map((bars) => narrow.runBacktest(request(bars)))
    expect((await Promise.all(runs)).map((run) => run.equityCurve.length)).toEqual([200_000, 100, 100])
    await narrow.close()
    await failure(narrow.runBacktest(request(100)), 'CLOSED')
  })

  test('accepts bars in shared memory and views of a part of a buffer', async () => {
    const engine = newEngine()
    const { bars, ...rest } = request(300)
    const shared = Object.fromEntries(
      Object.entries(bars).map(([name, column]) => {
        const copy = new Float64Array(new SharedArrayBuffer(8 * 302), 8, 300)
        copy.set(column)
        return [name, copy]
      }),
    ) as unknown as typeof bars
    const plain = await engine.runBacktest({ ...rest, bars })
    expect((await engine.runBacktest({ ...rest, bars: shared })).equityCurve).toEqual(plain.equityCurve)
  })

  test('is rejected if a getter detaches a column', async () => {
    const engine = newEngine()
    const bars = wave(50)
    const tricky = Object.defineProperty({ ...bars }, 'close', {
      enumerable: true,
      get() {
        const { buffer } = bars.open
        if (bars.open.length > 0) structuredClone(buffer, { transfer: [buffer as ArrayBuffer] })
        return bars.close
      },
    })
    const error = await failure(engine.runBacktest({ ...request(50), bars: tricky }), 'BAD_DATA')
    expect(error.message).toContain('bars.open has 0 values')
  })
})

describe('the columns of simulateSignals', () => {
  /** Buys and sells on alternating bars. */
  const simulate = (bars: number) => {
    const { close } = wave(bars)
    const entries = Uint8Array.from(close, (_, bar) => Number(bar % 2 === 0))
    return simulateSignals({ close, entries, exits: entries.map((entry) => 1 - entry), initialCapital: 1e6 })
  }

  test('are the same in one block and separately', async () => {
    const [few, many] = await Promise.all([simulate(600), simulate(4000)])
    expect(few.orders.bar).toHaveLength(600)
    for (const [name, column] of Object.entries(few.orders)) {
      const whole = many.orders[name as keyof typeof many.orders]
      expect(whole.subarray(0, 600)).toEqual(column)
      expect(whole.constructor).toBe(column.constructor)
    }
    for (const [name, column] of Object.entries(few.trades)) {
      const whole = many.trades[name as keyof typeof many.trades]
      expect(whole.subarray(0, 300)).toEqual(column)
      expect(whole.constructor).toBe(column.constructor)
    }
    expect(many.equityCurve.subarray(0, 600)).toEqual(few.equityCurve)
    expect(Object.keys(few)).toEqual(Object.keys(many))
  })

  test('have memory of their own, so they can be transferred', async () => {
    const result = await simulate(100)
    const columns = [...Object.values(result.orders), ...Object.values(result.trades), result.equityCurve]
    expect(new Set(columns.map((column) => column.buffer)).size).toBe(columns.length)
    structuredClone(result.equityCurve, { transfer: [result.equityCurve.buffer as ArrayBuffer] })
    expect(result.orders.price).toHaveLength(100)
  })

  test('reject the promise if they cannot be unpacked', async () => {
    const { parse } = JSON
    JSON.parse = () => {
      throw new RangeError('no room')
    }
    try {
      const answer = simulate(100)
      await expect(answer).rejects.toThrow('no room')
    } finally {
      JSON.parse = parse
    }
  })
})
