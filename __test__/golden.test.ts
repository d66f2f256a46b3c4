import { describe, expect, test } from 'vitest'
import { type MetricName, type SignalsRequest, type SimulationOptions, simulateSignals } from '../index.js'

/**
 * Worked examples that vectorbt 1.2.0 (engine "numba") computed: prices 100, 110, 105, 120, 90 on five days, capital
 * 1000, fees and slippage 0.001, everything else vectorbt's default.
 */
interface Example {
  name: string
  entries: number[]
  exits?: number[]
  options?: SimulationOptions
  columns?: Partial<Pick<SignalsRequest, 'open' | 'high' | 'low'>>
  /** Bar, side, size, price and fees; null where the page of examples does not say. */
  orders: [number, 'buy' | 'sell', number | null, number, number | null][]
  equity: number[]
}

const CLOSE = Float64Array.of(100, 110, 105, 120, 90)
const VECTORBT: SimulationOptions = {
  yearDays: 365,
  fees: 0.001,
  slippage: 0.001,
  stopEntryPrice: 'close',
  stopExitPrice: 'stopLimit',
}
const RANGE = {
  open: Float64Array.of(100, 100, 110, 105, 119),
  high: Float64Array.of(101, 112, 111, 121, 121),
  low: Float64Array.of(98, 99, 97, 104, 88),
}
const ALL_IN = 9.980029960049942
const G1 = [998.0029960049942, 1097.8032956054935, 1045.8083874167792, 1045.8083874167792, 1045.8083874167792]

const examples: Example[] = [
  {
    name: 'G1: all in and out',
    entries: [0],
    exits: [2],
    orders: [
      [0, 'buy', ALL_IN, 100.1, 0.9990009990009412],
      [2, 'sell', ALL_IN, 104.895, 1.0468552426594386],
    ],
    equity: G1,
  },
  {
    name: 'G2: both directions',
    entries: [0, 3],
    exits: [2],
    options: { direction: 'both' },
    orders: [
      [0, 'buy', ALL_IN, 100.1, 0.9990009990009412],
      [2, 'sell', 19.940119800299584, 104.895, 2.091618866452425],
      [3, 'buy', 17.377953777707248, 120.12, 2.0874398077780825],
    ],
    equity: [998.0029960049942, 1097.8032956054935, 1043.71781435976, 890.1436724949126, 667.6077543711845],
  },
  {
    name: 'G3: half of the cash, accumulating',
    entries: [0, 1],
    exits: [3],
    options: { size: 0.5, sizeType: 'percent', accumulate: 'both' },
    orders: [
      [0, 'buy', 4.990014980024971, 100.1, null],
      [1, 'buy', 2.268188627284078, 110.11, null],
      [3, 'sell', 3.6291018036545246, 119.88, 0.4350567242221044],
    ],
    equity: [999.0014980024971, 1048.4023968039953, 1012.1113787674501, 1120.1138839364253, 1011.2408298267894],
  },
  {
    name: 'G4: a value in steps, with a fixed fee',
    entries: [0],
    exits: [2],
    options: { size: 300, sizeType: 'value', sizeGranularity: 0.5, fixedFees: 1 },
    orders: [
      [0, 'buy', 3, 100.1, 1.3003],
      [2, 'sell', 3, 104.895, 1.314685],
    ],
    equity: [998.3997, 1028.3997, 1011.770015, 1011.770015, 1011.770015],
  },
  {
    name: 'G5: short only',
    entries: [0],
    exits: [2],
    options: { direction: 'shortOnly' },
    orders: [
      [0, 'sell', 10.00001000001, 99.9, 0.999000999000999],
      [2, 'buy', 10.00001000001, 105.105, 1.0510510510510511],
    ],
    equity: [998.0009980009978, 898.0008980008979, 945.8998958998959, 945.8998958998959, 945.8998958998959],
  },
  {
    name: 'G6: fills at the open (signals one bar earlier, execution nextOpen)',
    entries: [0],
    exits: [2],
    options: { execution: 'nextOpen' },
    columns: { open: Float64Array.of(99, 108, 109, 106, 118) },
    orders: [
      [1, 'buy', 9.240768481527724, 108.108, null],
      [3, 'sell', null, 105.894, 0.9785419375828969],
    ],
    equity: [1000, 1016.4845329680496, 970.280690560411, 977.5633956453139, 977.5633956453139],
  },
  {
    name: 'L1: locked cash limits the reversal',
    entries: [3],
    exits: [0],
    options: { direction: 'both', lockCash: true },
    orders: [
      [0, 'sell', 10.00001000001, 99.9, null],
      [3, 'buy', 16.616766500249653, 120.12, 1.9960059920097137],
    ],
    equity: [998.0009980009978, 898.0008980008979, 948.0009480009478, 794.0107800287583, 595.5080850215687],
  },
  {
    name: 'C1: an entry and an exit on one bar cancel out',
    entries: [0, 2],
    exits: [2, 3],
    orders: [
      [0, 'buy', ALL_IN, 100.1, null],
      [3, 'sell', ALL_IN, 119.88, 1.196405991610787],
    ],
    equity: [1195.209585619176],
  },
  {
    name: 'C2: or end with the exit',
    entries: [0, 2],
    exits: [2, 3],
    options: { uponLongConflict: 'exit' },
    orders: [
      [0, 'buy', ALL_IN, 100.1, 0.9990009990009412],
      [2, 'sell', ALL_IN, 104.895, 1.0468552426594386],
    ],
    equity: G1,
  },
  {
    name: 'S1: a stop loss fills at its level',
    entries: [1],
    options: { slStop: 0.1 },
    columns: RANGE,
    orders: [
      [1, 'buy', 9.072754509136312, 110.11, null],
      [2, 'sell', 9.072754509136312, 99, 0.8982026964044949],
    ],
    equity: [897.3044937080904],
  },
  {
    name: 'S2: a stop at market pays slippage',
    entries: [1],
    options: { slStop: 0.1, stopExitPrice: 'stopMarket' },
    columns: RANGE,
    orders: [
      [1, 'buy', 9.072754509136312, 110.11, null],
      [2, 'sell', 9.072754509136312, 98.901, 0.8973044937080903],
    ],
    equity: [896.4071892143821],
  },
  {
    name: 'S3: a trailing stop follows the high of the bar before',
    entries: [0],
    options: { slStop: 0.05, slTrail: true },
    columns: RANGE,
    orders: [
      [0, 'buy', ALL_IN, 100.1, null],
      [2, 'sell', ALL_IN, 106.39999999999999, 1.0618751877493138],
    ],
    equity: [1060.8133125615643],
  },
  {
    name: 'S4: a take profit fills at its level',
    entries: [0],
    options: { tpStop: 0.08 },
    columns: RANGE,
    orders: [
      [0, 'buy', ALL_IN, 100.1, null],
      [1, 'sell', ALL_IN, 108, 1.0778432356853938],
    ],
    equity: [1076.7653924497083],
  },
  {
    name: 'S5: the stop loss goes before the take profit',
    entries: [1],
    options: { slStop: 0.08, tpStop: 0.08 },
    columns: { ...RANGE, high: Float64Array.of(101, 112, 130, 121, 121) },
    orders: [
      [1, 'buy', 9.072754509136312, 110.11, null],
      [2, 'sell', 9.072754509136312, 101.2, 0.9181627563245948],
    ],
    equity: [917.2445935682701],
  },
  {
    name: 'S6: a stop may reverse the position',
    entries: [1],
    options: { slStop: 0.1, uponStopExit: 'reverse' },
    columns: RANGE,
    orders: [
      [1, 'buy', 9.072754509136312, 110.11, null],
      [2, 'sell', 18.127381636635988, 99, null],
      [3, 'buy', 15.506711221634953, 115.5, null],
      [4, 'sell', 12.891276911359196, 108, null],
    ],
    equity: [811.3382949702137],
  },
]

describe('worked examples from vectorbt', () => {
  test.each(examples.map((example) => [example.name, example] as const))('%s', async (_, example) => {
    const { orders, equityCurve } = await simulateSignals(request(example))
    expect([...orders.bar]).toEqual(example.orders.map(([bar]) => bar))
    expect([...orders.side]).toEqual(example.orders.map(([, side]) => (side === 'buy' ? 0 : 1)))
    for (const [at, [, , size, price, fees]] of example.orders.entries()) {
      if (size !== null) equal(orders.size[at], size)
      equal(orders.price[at], price)
      if (fees !== null) equal(orders.fees[at], fees)
    }
    const last = equityCurve.slice(-example.equity.length)
    for (const [at, value] of example.equity.entries()) equal(last[at], value)
  })

  test('have the expected statistics for G1', async () => {
    const { metrics } = await simulateSignals(request(examples[0] as Example))
    const expected: Record<string, number | null> = {
      totalReturn: 4.580838741677906,
      benchmarkReturn: -10.000000000000009,
      maxGrossExposure: 100,
      totalFeesPaid: 2.04585624166038,
      maxDrawdown: 4.73626818181818,
      maxDrawdownDurationDays: 3,
      bestTrade: 4.585419580419576,
      profitFactor: null,
      expectancy: 45.80838741677899,
      sharpeRatio: 3.572512762780942,
      calmarRatio: 534.2385550166008,
      omegaRatio: 2.02594482425337,
      sortinoRatio: 9.12716354171283,
      annualizedReturn: 2530.297069625649,
      annualizedVolatility: 103.47738919649518,
      skew: 1.3951314489155433,
      kurtosis: 3.06861377014921,
      tailRatio: 2.089343119144167,
      valueAtRisk: -3.82895462535466,
      alpha: 6492.215191040307,
      beta: 0.13435106006164715,
    }
    for (const [name, value] of Object.entries(expected)) {
      if (value === null) expect(metrics[name as MetricName], name).toBeNull()
      else equal(metrics[name as MetricName], value)
    }
  })
})

function request({ entries, exits = [], options, columns }: Example): SignalsRequest {
  const bits = (bars: number[]) => Uint8Array.from(CLOSE, (_, bar) => Number(bars.includes(bar)))
  return {
    close: CLOSE,
    entries: bits(entries),
    exits: bits(exits),
    initialCapital: 1000,
    ...columns,
    ...VECTORBT,
    ...options,
  }
}

/** Compares with a relative tolerance of 1e-9. */
function equal(found: number | null | undefined, expected: number) {
  expect(Math.abs((found ?? Number.NaN) / expected - 1), `${found} for ${expected}`).toBeLessThanOrEqual(1e-9)
}
