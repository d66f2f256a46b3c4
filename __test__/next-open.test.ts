import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type SignalsRequest, type SimulationOptions, simulateSignals } from '../index.js'
import { type Case, requestOf } from '../scripts/oracle/compare.mjs'
import { compareNextOpen } from '../scripts/oracle/compare-next-open.mjs'
import { ROOT } from './support.js'

/** Open, high, low and close of a bar. */
type Bar = [number, number, number, number]

interface Example {
  name: string
  /** Bars from the third on: two bars 100, 101, 99, 100 come before. */
  bars: Bar[]
  /** Bars with a signal. */
  signals: { entries?: number[]; exits?: number[]; shortEntries?: number[]; shortExits?: number[] }
  options?: SimulationOptions
  /** Bar, side, size and price. */
  orders: [number, 'buy' | 'sell', number, number][]
  /** From the third bar on. */
  equity?: number[]
  unexecuted?: number
}

const BEFORE: Bar[] = [
  [100, 101, 99, 100],
  [100, 101, 99, 100],
]
const QUIET: Bar = [100, 101, 99, 100]
const WALK: Bar[] = [
  [100, 104, 98, 103],
  [103, 110, 102, 108],
  [108, 109, 95, 97],
  [97, 99, 90, 92],
  [92, 96, 91, 95],
]
const TEN: SimulationOptions = { execution: 'nextOpen', size: 10, fees: 0, slippage: 0 }

function requestFor({ bars, signals, options }: Example): SignalsRequest {
  const all = [...BEFORE, ...bars]
  const column = (at: number) => Float64Array.from(all, (bar) => bar[at] ?? NaN)
  const set = (given: number[] = []) => Uint8Array.from(all, (_, bar) => Number(given.includes(bar)))
  const { entries, exits, shortEntries, shortExits } = signals
  return {
    open: column(0),
    high: column(1),
    low: column(2),
    close: column(3),
    entries: set(entries),
    exits: set(exits),
    ...((shortEntries || shortExits) && { shortEntries: set(shortEntries), shortExits: set(shortExits) }),
    initialCapital: 10_000,
    ...TEN,
    ...options,
  }
}

async function check(example: Example) {
  const { orders, equityCurve, metrics } = await simulateSignals(requestFor(example))
  const found = Array.from(orders.bar, (bar, at) => [
    bar,
    orders.side[at] === 0 ? 'buy' : 'sell',
    orders.size[at],
    Number(orders.price[at]?.toFixed(9)),
  ])
  expect(found).toEqual(example.orders)
  if (example.equity)
    expect(Array.from(equityCurve.subarray(2), (value) => Number(value.toFixed(9)))).toEqual(example.equity)
  if (example.unexecuted !== undefined) expect(metrics.unexecutedSignals).toBe(example.unexecuted)
}

/** What backtesting.py 0.6.6 does with 10 units, without costs. */
const BACKTESTING_PY: Example[] = [
  {
    name: 'a market order at the next open',
    bars: WALK,
    signals: { entries: [1], exits: [3] },
    orders: [
      [2, 'buy', 10, 100],
      [4, 'sell', 10, 108],
    ],
    equity: [10_030, 10_080, 10_080, 10_080, 10_080],
  },
  {
    name: 'a market order at the close (trade_on_close)',
    bars: WALK,
    signals: { entries: [1], exits: [3] },
    options: { execution: 'close' },
    orders: [
      [1, 'buy', 10, 100],
      [3, 'sell', 10, 108],
    ],
    equity: [10_030, 10_080, 10_080, 10_080, 10_080],
  },
  {
    name: 'the stop loss, if the bar of the entry reaches the target too',
    bars: [[100, 106, 94, 103], ...WALK.slice(1)],
    signals: { entries: [1] },
    options: { slStop: 0.05, tpStop: 0.05 },
    orders: [
      [2, 'buy', 10, 100],
      [2, 'sell', 10, 95],
    ],
    equity: [9950, 9950, 9950, 9950, 9950],
  },
  {
    name: 'a stop loss after a gap, at the open',
    bars: [QUIET, [92, 93, 90, 91]],
    signals: { entries: [1] },
    options: { slStop: 0.05, tpStop: 0.05 },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 92],
    ],
    equity: [10_000, 9920],
  },
  {
    name: 'a target after a gap, at the open',
    bars: [QUIET, [107, 109, 106, 108]],
    signals: { entries: [1] },
    options: { slStop: 0.05, tpStop: 0.05 },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 107],
    ],
    equity: [10_000, 10_070],
  },
  {
    name: 'the stop loss of a short position after a gap, at the open',
    bars: [QUIET, [107, 109, 106, 108]],
    signals: { entries: [1] },
    options: { direction: 'shortOnly', slStop: 0.05, tpStop: 0.05 },
    orders: [
      [2, 'sell', 10, 100],
      [3, 'buy', 10, 107],
    ],
    equity: [10_000, 9930],
  },
]

const WORKED: Example[] = [
  {
    // The stop is at 95. The exit of bar 2 fills at 101, long before the bar falls to 90.
    name: 'an exit due at the open goes before a stop that the bar reaches later',
    bars: [QUIET, [101, 102, 90, 91]],
    signals: { entries: [1], exits: [2] },
    options: { slStop: 0.05 },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 101],
    ],
  },
  {
    name: 'an exit due at an open that has passed the stop finds no position',
    bars: [QUIET, [92, 93, 90, 91]],
    signals: { entries: [1], exits: [2] },
    options: { slStop: 0.05 },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 92],
    ],
    unexecuted: 1,
  },
  {
    // The target is at 105 and the stop at 95: the open has passed the target before the bar falls.
    name: 'a target that the open has passed goes before a stop that the bar reaches later',
    bars: [QUIET, [107, 108, 90, 91]],
    signals: { entries: [1] },
    options: { slStop: 0.05, tpStop: 0.05 },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 107],
    ],
  },
  {
    name: 'an entry given while the position existed does not open it again at the open that stopped it',
    bars: [QUIET, [92, 93, 91, 92], [92, 93, 91, 92]],
    signals: { entries: [1, 2] },
    options: { slStop: 0.05 },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 92],
    ],
    unexecuted: 1,
  },
  {
    // Bought again at 92. The new stop is at 92 × 0.95 = 87.4, and the low is 86.
    name: 'with accumulation it does, and its stop watches the rest of the bar',
    bars: [QUIET, [92, 93, 86, 88]],
    signals: { entries: [1, 2] },
    options: { slStop: 0.05, accumulate: 'addOnly' },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 92],
      [3, 'buy', 10, 92],
      [3, 'sell', 10, 87.4],
    ],
  },
  {
    // The stop of the short position is at 92 × 1.05 = 96.6, and the high is 97.
    name: 'an entry against the position fills after its stop, and three orders fit on a bar',
    bars: [QUIET, [92, 97, 91, 95]],
    signals: { entries: [1], shortEntries: [2] },
    options: { slStop: 0.05 },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 92],
      [3, 'sell', 10, 92],
      [3, 'buy', 10, 96.6],
    ],
    // 10,000 − 80 − 46
    equity: [10_000, 9874],
  },
  {
    name: 'an entry against the position that is ignored stays ignored when the open stops the position',
    bars: [QUIET, [92, 97, 91, 95]],
    signals: { entries: [1], shortEntries: [2] },
    options: { slStop: 0.05, uponOppositeEntry: 'ignore' },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 92],
    ],
    unexecuted: 1,
  },
  {
    // Stopped at 95 inside bar 2. The entry given at its close fills at the open of bar 3.
    name: 'the signal of a bar with a stop is not lost',
    bars: [
      [100, 101, 94, 96],
      [97, 98, 96, 97],
    ],
    signals: { entries: [1, 2] },
    options: { slStop: 0.05 },
    orders: [
      [2, 'buy', 10, 100],
      [2, 'sell', 10, 95],
      [3, 'buy', 10, 97],
    ],
    unexecuted: 0,
  },
  {
    // The high of bar 2 is 110: from bar 3 on the stop is at 110 × 0.95 = 104.5. Bar 2 itself is watched with 95.
    name: 'a trailing stop follows the high of the bar of the entry after that bar',
    bars: [
      [100, 110, 100, 106],
      [106, 107, 100, 101],
    ],
    signals: { entries: [1] },
    options: { slStop: 0.05, slTrail: true },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 104.5],
    ],
  },
  {
    // 95, not 110 × 0.95: which of low and high came first is not known.
    name: 'a bar is not stopped by its own high',
    bars: [[100, 110, 94, 106]],
    signals: { entries: [1] },
    options: { slStop: 0.05, slTrail: true },
    orders: [
      [2, 'buy', 10, 100],
      [2, 'sell', 10, 95],
    ],
  },
  {
    // The low of bar 2 is 90: from bar 3 on the stop is at 90 × 1.05 = 94.5. Bar 3 reaches only 94 and moves it to
    // 88 × 1.05 = 92.4, which bar 4 opens above.
    name: 'a trailing stop of a short position follows the low',
    bars: [
      [100, 101, 90, 92],
      [92, 94, 88, 90],
      [93, 94, 92, 93],
    ],
    signals: { entries: [1] },
    options: { direction: 'shortOnly', slStop: 0.05, slTrail: true },
    orders: [
      [2, 'sell', 10, 100],
      [4, 'buy', 10, 93],
    ],
  },
  {
    // Bar 2 falls to 90 without a stop: its close, 96, is not known yet. From bar 3 on the stop is at 96 × 0.95 = 91.2.
    name: 'a stop measured from the close starts on the bar after the fill',
    bars: [
      [100, 101, 90, 96],
      [95, 96, 91, 92],
    ],
    signals: { entries: [1] },
    options: { slStop: 0.05, stopEntryPrice: 'close' },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 91.2],
    ],
  },
  {
    // Measured from the close of bar 2, 106, and not from its high: 106 × 0.95 = 100.7.
    name: 'a trailing stop measured from the close starts at the close',
    bars: [
      [100, 120, 99, 106],
      [105, 106, 100, 102],
    ],
    signals: { entries: [1] },
    options: { slStop: 0.05, slTrail: true, stopEntryPrice: 'close' },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 100.7],
    ],
  },
  {
    // 10 more at 98 move the stop from 95 to the close of bar 3, 99 × 0.95 = 94.05, but only after bar 3: it falls to 94.5.
    name: 'until the close is known, an increased position keeps its stop',
    bars: [QUIET, [98, 99, 94.5, 99]],
    signals: { entries: [1, 2] },
    options: { slStop: 0.05, stopEntryPrice: 'close', accumulate: 'addOnly' },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'buy', 10, 98],
      [3, 'sell', 20, 95],
    ],
  },
  {
    // Bought 10 at 100 and 10 at 96. The stop moves from 95 to 96 × 0.95 = 91.2 at once, and the low is 93.
    name: 'an increase at the open moves the stop for the rest of the bar',
    bars: [QUIET, [96, 97, 93, 94], [94, 95, 91, 92]],
    signals: { entries: [1, 2] },
    options: { slStop: 0.05, accumulate: 'addOnly' },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'buy', 10, 96],
      [4, 'sell', 20, 91.2],
    ],
  },
  {
    name: 'a stop that an increase keeps sells all units',
    bars: [QUIET, [96, 97, 93, 94]],
    signals: { entries: [1, 2] },
    options: { slStop: 0.05, accumulate: 'addOnly', uponStopUpdate: 'keep' },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'buy', 10, 96],
      [3, 'sell', 20, 95],
    ],
  },
  {
    // 20 units at 100 and 101, stop at 95 (kept). Each bar below it sells 10: a stop acts once on a position in a bar.
    name: 'a stop that reduces acts once in a bar',
    bars: [QUIET, [101, 102, 100, 101], [92, 93, 90, 91], [91, 92, 90, 91]],
    signals: { entries: [1, 2] },
    options: { slStop: 0.05, accumulate: 'both', uponStopUpdate: 'keep', uponStopExit: 'closeReduce' },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'buy', 10, 101],
      [4, 'sell', 10, 92],
      [5, 'sell', 10, 91],
    ],
  },
  {
    // Bar 2 reaches 95, which an order at the open of bar 2 could not know: sold at the open of bar 3. The entry of bar 2
    // was given while the position existed.
    name: 'a stop filled at the price of orders fills at the next open',
    bars: [
      [100, 101, 94, 99],
      [98, 99, 97, 98],
    ],
    signals: { entries: [1, 2] },
    options: { slStop: 0.05, stopExitPrice: 'price' },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 98],
    ],
    unexecuted: 1,
  },
  {
    name: 'a stop filled at the price of orders needs no other open after a gap',
    bars: [QUIET, [92, 93, 90, 91]],
    signals: { entries: [1] },
    options: { slStop: 0.05, stopExitPrice: 'price' },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 10, 92],
    ],
  },
  {
    name: 'a stop filled at the price of orders has no next open on the last bar',
    bars: [[100, 101, 94, 99]],
    signals: { entries: [1] },
    options: { slStop: 0.05, stopExitPrice: 'price' },
    orders: [[2, 'buy', 10, 100]],
    unexecuted: 1,
  },
  {
    name: 'a stop filled at the close is filled at the close of its bar, after the orders at its open',
    bars: [
      [100, 101, 94, 96],
      [97, 98, 96, 97],
      [90, 91, 85, 87],
    ],
    signals: { entries: [1, 2], exits: [3] },
    options: { slStop: 0.05, stopExitPrice: 'close' },
    orders: [
      [2, 'buy', 10, 100],
      [2, 'sell', 10, 96],
      [3, 'buy', 10, 97],
      [4, 'sell', 10, 90],
    ],
  },
  {
    // Long until the stop at 95 inside bar 2, then short at 95 with a stop at 95 × 1.05 = 99.75, watched from bar 3 on.
    name: 'a position that a stop opened inside a bar is watched from the next bar on',
    bars: [
      [100, 101, 94, 96],
      [97, 100, 96, 98],
    ],
    signals: { entries: [1] },
    options: { slStop: 0.05, uponStopExit: 'reverse' },
    orders: [
      [2, 'buy', 10, 100],
      [2, 'sell', 20, 95],
      [3, 'buy', 20, 99.75],
    ],
  },
  {
    // The open of bar 3 reverses the position at 92. The rest of the bar reaches the stop of the short one, 96.6.
    name: 'a position that a stop opened at an open is watched in that bar',
    bars: [QUIET, [92, 97, 91, 95]],
    signals: { entries: [1] },
    options: { slStop: 0.05, uponStopExit: 'reverse' },
    orders: [
      [2, 'buy', 10, 100],
      [3, 'sell', 20, 92],
      [3, 'buy', 20, 96.6],
    ],
  },
]

describe('a golden case of backtesting.py', () => {
  test.each(BACKTESTING_PY)('$name', check)
})

describe('a case worked by hand', () => {
  test.each(WORKED)('$name', check)
})

describe('random runs', () => {
  type Written = Record<string, unknown> & { case: number; expected: Case['expected'] }
  const file = join(ROOT, '__test__', 'reference', 'next-open', 'cases.json.gz')
  const cases: Written[] = JSON.parse(gunzipSync(readFileSync(file)).toString()).cases

  test('have the trades and the equity of backtesting.py', async () => {
    const faults: string[] = []
    let [trades, sameBar, short, numbers, rounded] = [0, 0, 0, 0, 0]
    for (const one of cases.map(read)) {
      const result = await simulateSignals(requestOf(one))
      const compared = compareNextOpen(one, result)
      const { entryBar, exitBar, status, direction } = result.trades
      trades += entryBar.length
      short += direction.filter((side) => side === 1).length
      sameBar += entryBar.filter((bar, at) => status[at] === 1 && bar === exitBar[at]).length
      numbers += compared.numbers
      rounded += compared.rounded + compared.unknown
      faults.push(
        ...compared.differences.map(
          ({ path, found, expected }) => `case ${one.case}: ${path} is ${found}, not ${expected}`,
        ),
      )
    }
    expect(faults.slice(0, 20), `${faults.length} differences`).toEqual([])
    expect(cases.length).toBeGreaterThan(500)
    expect(trades).toBeGreaterThan(3000)
    expect(short).toBeGreaterThan(500)
    expect(sameBar).toBeGreaterThan(300)
    expect(rounded / numbers).toBeLessThan(0.002)
  })

  function read(written: Written): Case {
    const columns = Object.entries(written).map(([name, value]) => {
      if (typeof value === 'string') return [name, Uint8Array.from(value, Number)]
      return [name, Array.isArray(value) ? Float64Array.from(value) : value]
    })
    return Object.fromEntries(columns)
  }
})
