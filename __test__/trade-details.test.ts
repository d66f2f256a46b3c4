import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type SignalsRequest, type SimulationOptions, type SimulationResult, simulateSignals } from '../index.js'
import { type Case, requestOf } from '../scripts/oracle/compare.mjs'
import { newEngine, ROOT, SP500 } from './support.js'

/** Open, high, low and close of a bar. */
type Bar = [number, number, number, number]

const REASONS = ['open', 'signal', 'stopLoss', 'trailing', 'takeProfit', 'windowEnd'] as const
const round = (value: number) => Number(value.toFixed(9))
const [OPEN, SIGNAL, LOSS, TRAILING, PROFIT] = [0, 1, 2, 3, 4]

const BARS: Bar[] = [
  [100, 104, 97, 102],
  [102, 108, 101, 106],
  [106, 107, 99, 100],
  [100, 103, 94, 96],
  [96, 112, 95, 110],
  [110, 111, 105, 107],
]

function simulate(
  signals: { entries?: number[]; exits?: number[]; shortEntries?: number[]; shortExits?: number[] },
  options: SimulationOptions,
): Promise<SimulationResult> {
  const column = (at: number) => Float64Array.from(BARS, (bar) => bar[at] ?? NaN)
  const set = (bars: number[] = []) => Uint8Array.from(BARS, (_, bar) => Number(bars.includes(bar)))
  const request: SignalsRequest = {
    open: column(0),
    high: column(1),
    low: column(2),
    close: column(3),
    entries: set(signals.entries),
    exits: set(signals.exits),
    initialCapital: 10_000,
    size: 10,
    fees: 0,
    slippage: 0,
    ...options,
  }
  if (signals.shortEntries || signals.shortExits) {
    return simulateSignals({ ...request, shortEntries: set(signals.shortEntries), shortExits: set(signals.shortExits) })
  }
  return simulateSignals(request)
}

/** Returns reason, bars held, and both excursions of each trade. */
function details({ trades }: SimulationResult) {
  return Array.from(trades.exitReason, (reason, at) => [
    reason,
    trades.bars[at],
    Number(trades.maxAdverseExcursion[at]?.toFixed(9)),
    Number(trades.maxFavorableExcursion[at]?.toFixed(9)),
  ])
}

describe('a trade worked by hand', () => {
  test('filled at closes: nothing of the bar of the entry, the whole bar of the exit', async () => {
    // Bought at 102, the close of bar 0. Bars 1 to 3: lows 101, 99, 94, highs 108, 107, 103.
    const result = await simulate({ entries: [0], exits: [3] }, {})
    expect(details(result)).toEqual([[SIGNAL, 3, round((94 / 102 - 1) * 100), round((108 / 102 - 1) * 100)]])
  })

  test('filled at opens: the whole bar of the entry, the open of the exit', async () => {
    // Bought at 102, the open of bar 1, sold at 96, the open of bar 4. Bars 1 to 3: lows 101, 99, 94, highs 108, 107, 103.
    const result = await simulate({ entries: [0], exits: [3] }, { execution: 'nextOpen' })
    expect(details(result)).toEqual([[SIGNAL, 3, round((94 / 102 - 1) * 100), round((108 / 102 - 1) * 100)]])
  })

  test('of the bar of an exit at the open, high and low do not count', async () => {
    // Bought at 100, the open of bar 3, sold at 96, the open of bar 4, which has a high of 112. Bar 3: 94 to 103.
    const result = await simulate({ entries: [2], exits: [3] }, { execution: 'nextOpen' })
    expect(details(result)).toEqual([[SIGNAL, 1, -6, 3]])
  })

  test('an exit on the bar of the entry, by a stop', async () => {
    // Bought at 100, the open of bar 3, stopped at 95. The high of 103 may have come later.
    const result = await simulate({ entries: [2] }, { execution: 'nextOpen', slStop: 0.05 })
    expect(details(result)).toEqual([[LOSS, 0, -5, 0]])
  })

  test('a target inside a bar: its open and its price', async () => {
    // Bought at 96, the close of bar 3. The target, 110.4, is reached in bar 4: open 96, low 95.
    const result = await simulate({ entries: [3] }, { tpStop: 0.15 })
    expect(details(result)).toEqual([[PROFIT, 1, 0, 15]])
  })

  test('a trailing stop', async () => {
    // Bought at 102, the close of bar 0. Highest 108 in bar 1: the stop is at 102.6 in bar 2, which opens at 106.
    const result = await simulate({ entries: [0] }, { slStop: 0.05, slTrail: true })
    expect(details(result)).toEqual([[TRAILING, 2, round((101 / 102 - 1) * 100), round((108 / 102 - 1) * 100)]])
  })

  test('an open trade, until the last bar', async () => {
    // Bought at 100, the close of bar 2. Bars 3 to 5: 94 to 112.
    const result = await simulate({ entries: [2] }, {})
    expect(details(result)).toEqual([[OPEN, 3, -6, 12]])
    const last = await simulate({ entries: [5] }, {})
    expect(details(last)).toEqual([[OPEN, 0, 0, 0]])
  })

  test('a short trade has the mirrored signs', async () => {
    const result = await simulate({ entries: [2], exits: [4] }, { direction: 'shortOnly' })
    // Sold at 100: the high of bar 4 is 12 above it, the low of bar 3 is 6 below it.
    expect(details(result)).toEqual([[SIGNAL, 2, -12, 6]])
  })

  test('a reversal ends one trade and opens the next', async () => {
    const result = await simulate({ entries: [0, 4], shortEntries: [2] }, {})
    // Long from 102 (bars 1 and 2: 99 to 108), short from 100 (bars 3 and 4: 94 to 112), long from 110 (bar 5: 105 to 111).
    expect(details(result)).toEqual([
      [SIGNAL, 2, round((99 / 102 - 1) * 100), round((108 / 102 - 1) * 100)],
      [SIGNAL, 2, -12, 6],
      [OPEN, 1, round((105 / 110 - 1) * 100), round((111 / 110 - 1) * 100)],
    ])
  })

  test('a position that a stop opened inside a bar: its price and the close of that bar', async () => {
    // Bought at 106, the close of bar 1. Stopped at 100.7 in bar 2, open 106, and reversed. Bar 2 closes at 100; bar 3 is the
    // first that counts as a whole: 94 to 103. Bar 4 reaches the stop at 105.735: open 96.
    const result = await simulate({ entries: [1] }, { slStop: 0.05, uponStopExit: 'reverse' })
    expect(details(result).slice(0, 2)).toEqual([
      [LOSS, 1, -5, 0],
      [LOSS, 2, -5, round((1 - 94 / 100.7) * 100)],
    ])
  })

  test('parts of a position share its extremes, and their own exits end them', async () => {
    // 10 bought at 102 (bar 0) and 10 at 106 (bar 1): 104 on average. 10 sold at 100 (bar 2), 10 at 110 (bar 4).
    const result = await simulate({ entries: [0, 1], exits: [2, 4] }, { accumulate: 'both' })
    expect(details(result)).toEqual([
      [SIGNAL, 2, round((99 / 104 - 1) * 100), round((108 / 104 - 1) * 100)],
      [SIGNAL, 4, round((94 / 104 - 1) * 100), round((112 / 104 - 1) * 100)],
    ])
  })

  test('excursions are relative to the entry price with slippage', async () => {
    // Bought at 103.02; the lowest price is 94, the highest 108.
    const result = await simulate({ entries: [0], exits: [3] }, { slippage: 0.01 })
    expect(details(result)).toEqual([[SIGNAL, 3, round((94 / 103.02 - 1) * 100), round((108 / 103.02 - 1) * 100)]])
  })
})

describe('a scan of all prices of each trade', () => {
  type Written = Record<string, unknown> & { case: number; expected: Case['expected'] }
  const file = (...path: string[]): Written[] =>
    JSON.parse(gunzipSync(readFileSync(join(ROOT, '__test__', 'reference', ...path))).toString()).cases

  /** Cases in which each price of a fill can be told from the trade: no slippage, and no position that a stop opened. */
  const isPlain = ({ options, expected }: Case) =>
    !expected.error && options.slippage === 0 && !String(options.uponStopExit ?? '').startsWith('reverse')

  test.each([
    ['next-open/cases.json.gz', 3000],
    ['simulation/vectorbt-1001.json.gz', 300],
    ['simulation/vectorbt-1002.json.gz', 300],
  ])('has the excursions of %s', async (name, least) => {
    const found = { trades: 0, short: 0, stopped: 0, parts: 0, faults: [] as string[] }
    for (const one of file(...name.split('/'))
      .map(read)
      .filter(isPlain)) {
      const result = await simulateSignals(requestOf(one))
      const { trades } = result
      for (let trade = 0; trade < trades.entryBar.length; trade++) {
        found.trades++
        found.short += trades.direction[trade] ?? 0
        found.stopped += Number((trades.exitReason[trade] ?? 0) > 1)
        found.parts += Number(trade > 0 && trades.entryBar[trade] === trades.entryBar[trade - 1])
        const [adverse, favorable] = scan(one, result, trade)
        const differs = (a: number | undefined, b: number) =>
          !(Math.abs(Number(a) - b) <= 1e-9 * Math.max(1, Math.abs(b)))
        if (differs(trades.maxAdverseExcursion[trade], adverse))
          found.faults.push(`case ${one.case}, trade ${trade}: ${trades.maxAdverseExcursion[trade]}, not ${adverse}`)
        if (differs(trades.maxFavorableExcursion[trade], favorable))
          found.faults.push(
            `case ${one.case}, trade ${trade}: ${trades.maxFavorableExcursion[trade]}, not ${favorable}`,
          )
        const reason = trades.exitReason[trade]
        if ((reason === OPEN) !== (trades.status[trade] === 0)) found.faults.push(`case ${one.case}: reason ${reason}`)
        if (trades.bars[trade] !== Number(trades.exitBar[trade]) - Number(trades.entryBar[trade]))
          found.faults.push(`case ${one.case}: bars ${trades.bars[trade]}`)
      }
    }
    expect(found.faults.slice(0, 10), `${found.faults.length} faults`).toEqual([])
    expect(found.trades).toBeGreaterThan(least)
    expect(found.short).toBeGreaterThan(least / 6)
    expect(found.stopped).toBeGreaterThan(least / 20)
  })

  /** Every price that counts, from the definition. */
  function scan(one: Case, { trades }: SimulationResult, trade: number): [number, number] {
    const value = (column: ArrayLike<number>) => Number(column[trade])
    const [entry, exit, price] = [value(trades.entryBar), value(trades.exitBar), value(trades.exitPrice)]
    const atOpens = one.options.execution === 'nextOpen'
    const [isOpen, isStop] = [value(trades.status) === 0, value(trades.exitReason) > 1]
    const close = (bar: number) => Number(one.close[bar])
    const open = (bar: number) => Number(one.open?.[bar] ?? close(bar))
    const high = (bar: number) => Number(one.high?.[bar] ?? Math.max(open(bar), close(bar)))
    const low = (bar: number) => Number(one.low?.[bar] ?? Math.min(open(bar), close(bar)))
    const prices: number[] = []
    const whole = (bar: number) => prices.push(high(bar), low(bar))
    // The fills of the position: at opens or closes, and the first one is the price of the entry if there is only one.
    prices.push(atOpens ? open(entry) : close(entry))
    for (let bar = atOpens ? entry : entry + 1; bar < exit; bar++) whole(bar)
    const { stopExitPrice = 'stopMarket' } = one.options
    const isAtLevel = isStop && (stopExitPrice === 'stopMarket' || stopExitPrice === 'stopLimit')
    if (isOpen) {
      if (atOpens || exit > entry) whole(exit)
    } else if (isAtLevel) prices.push(open(exit), price)
    else if (!atOpens || (isStop && stopExitPrice === 'close')) whole(exit)
    else prices.push(open(exit))
    const returns = prices.map((at) => (at / value(trades.entryPrice) - 1) * 100)
    const signed = value(trades.direction) === 1 ? returns.map((percent) => -percent) : returns
    return [Math.min(0, ...signed), Math.max(0, ...signed)]
  }

  function read(written: Written): Case {
    const columns = Object.entries(written).map(([name, value]) => {
      if (typeof value === 'string') return [name, Uint8Array.from(value, Number)]
      return [name, Array.isArray(value) ? Float64Array.from(value) : value]
    })
    return Object.fromEntries(columns)
  }
})

test('trades of a run have them, also when they are read from the store', async () => {
  const engine = newEngine()
  await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
  const result = await engine.runBacktest({
    assetSymbol: 'SP500',
    startDate: '2008-01-02',
    endDate: '2011-12-30',
    initialCapital: 10_000,
    strategyId: 'sma_crossover',
    parameters: { fast_period: 5, slow_period: 20 },
    simulation: { slStop: 0.04, tpStop: 0.06, execution: 'nextOpen' },
  })
  const { trades, timestamps } = result
  expect(new Set(trades.map((trade) => trade.exitReason ?? 'open'))).toEqual(
    new Set(['signal', 'stopLoss', 'takeProfit', ...(trades.at(-1)?.status === 'open' ? ['open'] : [])]),
  )
  for (const trade of trades) {
    expect(new Date(Number(timestamps[trade.entryBar])).toISOString()).toBe(trade.entryDate)
    const isOpen = trade.status === 'open'
    expect([trade.exitBar === null, trade.exitReason === null]).toEqual([isOpen, isOpen])
    if (trade.exitBar !== null) {
      expect(new Date(Number(timestamps[trade.exitBar])).toISOString()).toBe(trade.exitDate)
      expect(trade.bars).toBe(trade.exitBar - trade.entryBar)
    }
    expect(trade.maxAdverseExcursion).toBeLessThanOrEqual(0)
    expect(trade.maxFavorableExcursion).toBeGreaterThanOrEqual(0)
    // Slippage aside, no trade is worse than its worst price.
    const gross = (Number(trade.exitPrice ?? trade.entryPrice) / trade.entryPrice - 1) * 100
    expect(gross).toBeGreaterThanOrEqual(Number(trade.maxAdverseExcursion) - 0.2)
    expect(gross).toBeLessThanOrEqual(Number(trade.maxFavorableExcursion) + 0.2)
    if (trade.exitReason === 'stopLoss') expect(trade.maxAdverseExcursion).toBeLessThanOrEqual(-3.9)
    if (trade.exitReason === 'takeProfit') expect(trade.maxFavorableExcursion).toBeGreaterThanOrEqual(5.9)
  }
  expect((await engine.getBacktestResults(result.backtestId))?.trades).toEqual(trades)
})

test('the numbers of reasons are documented', () => {
  const types = readFileSync(join(ROOT, 'index.d.ts'), 'utf8')
  const [declared] = /exitReason: ('signal'.*) \| null/.exec(types)?.slice(1) ?? []
  expect(declared?.split(' | ').map((name) => name.slice(1, -1))).toEqual(REASONS.slice(1))
})
