import { describe, expect, test } from 'vitest'
import { type SignalsRequest, simulateSignals } from '../index.js'
import { failure, untyped } from './support.js'

const CLOSE = Float64Array.of(10, 11, 12, 11, 13)

describe('simulateSignals', () => {
  test('matches a calculation by hand', async () => {
    const result = await simulateSignals({
      close: CLOSE,
      entries: Uint8Array.of(0, 1, 0, 0, 0),
      exits: Uint8Array.of(0, 0, 0, 1, 0),
      initialCapital: 1000,
      fees: 0.01,
      slippage: 0,
    })
    // All cash buys at 11 plus 1 % fees; the same units are sold at 11 minus 1 %.
    const units = 1000 / (11 * 1.01)
    const left = units * 11 * 0.99
    expect(result.orders.bar).toEqual(Uint32Array.of(1, 3))
    expect(result.orders.side).toEqual(Uint8Array.of(0, 1))
    expect(result.orders.size[0]).toBeCloseTo(units, 9)
    expect(result.finalCapital).toBeCloseTo(left, 9)
    expect(result.totalReturn).toBeCloseTo((left / 1000 - 1) * 100, 9)
    expect(result.equityCurve).toHaveLength(5)
    expect(result.equityCurve[2]).toBeCloseTo(units * 12, 9)
    expect(result.trades.status).toEqual(Uint8Array.of(1))
    expect(result.trades.pnl[0]).toBeCloseTo(left - 1000, 9)
    expect(result.metrics.totalTrades).toBe(1)
  })

  test('accepts boolean signals', async () => {
    const signals = { close: CLOSE, initialCapital: 1000 }
    const bytes = await simulateSignals({ ...signals, entries: Uint8Array.of(1, 0, 0, 0, 0), exits: new Uint8Array(5) })
    const entries = [true, false, false, false, false]
    const booleans = await simulateSignals({ ...signals, entries, exits: entries.map(() => false) })
    expect(booleans.equityCurve).toEqual(bytes.equityCurve)
  })

  test('rejects with every problem of its request', async () => {
    const error = await failure(
      simulateSignals(untyped<SignalsRequest>({ close: CLOSE, entries: [1, 0], exit: [], initialCapital: 0 })),
      'INVALID_ARGUMENT',
    )
    expect(error.issues.map(({ path, code }) => [path, code])).toEqual([
      ['entries', 'length'],
      ['exits', 'required'],
      ['initialCapital', 'range'],
      ['exit', 'unknown'],
    ])
  })
})
