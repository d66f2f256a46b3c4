import { describe, expect, test } from 'vitest'
import * as backtesting from '../index.js'
import { fuzzNumbers, infinite } from '../scripts/fuzz/numbers.mjs'
import { DAY, failure } from './support.js'

/** Buys on the first bar and holds. */
function hold(close: number[], initialCapital: number) {
  const entries = Uint8Array.from(close, (_, bar) => Number(bar === 0))
  const exits = new Uint8Array(close.length)
  const timestamps = Float64Array.from(close, (_, bar) => bar * DAY)
  const costs = { fees: 0, slippage: 0, minSize: 0 }
  return { timestamps, close: Float64Array.from(close), entries, exits, initialCapital, ...costs }
}

describe('extreme numbers', () => {
  test('give finite results or a documented error', async () => {
    const { ends, faults } = await fuzzNumbers(backtesting, { cases: 1_500, seed: 20 })
    expect(faults).toEqual([])
    expect(ends.completed).toBeGreaterThan(400)
    expect(ends.overflowed).toBeGreaterThan(50)
    expect(ends.stored).toBeGreaterThan(10)
  }, 120_000)

  test('end a run whose equity overflows, and name the bar', async () => {
    const run = backtesting.simulateSignals(hold([1, 1e10, 1e301, 1], 1e8))
    const error = await failure(run, 'INVALID_ARGUMENT')
    expect(error.message).toBe(
      'the equity on bar 2 (1970-01-03) is outside the range of 64-bit floating-point numbers; ' +
        'scale the prices, initialCapital or size',
    )
    expect(error.issues).toEqual([{ path: '', code: 'overflow', message: error.message }])
  })

  test('end a run in which the excursion of a trade overflows', async () => {
    const request = { ...hold([1e-5, 1e-5, 1e-5], 1), high: Float64Array.of(1e-5, 1e305, 1e-5) }
    const error = await failure(backtesting.simulateSignals(request), 'INVALID_ARGUMENT')
    expect(error.message).toBe(
      'the maxFavorableExcursion of the trade that is open on bar 2 (1970-01-03) is outside the range of 64-bit floating-point numbers; ' +
        'scale the prices, initialCapital or size',
    )
  })

  test('make an overflowing metric null, with a warning that names it', async () => {
    const result = await backtesting.simulateSignals(hold([1, 1e5, 1e9], 1000))
    expect(result.metrics.annualizedReturn).toBeNull()
    expect(result.finalCapital).toBe(1e12)
    expect(infinite(result)).toBeUndefined()
    expect(result.warnings.join('\n')).toMatch(/annualizedReturn.* ha(s|ve) no value/)
  })
})
