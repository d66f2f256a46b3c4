/** Walk-forwards against the sweeps and the backtests that they consist of. */

import { expect, test } from 'vitest'
import { type BacktestEngine, BacktestError, type StrategyDefinition, type WalkForwardRequest } from '../index.js'
import { newEngine, SP500, waves } from './support.js'

/** Daily bars of the index, of which there are some before the range. */
const INDEX = {
  strategyId: 'sma_crossover',
  assetSymbol: 'SP500',
  startDate: '2005-01-01',
  endDate: '2019-12-31',
  initialCapital: 10_000,
} as const
const GRID = { fast_period: { from: 5, to: 50, step: 5 }, slow_period: { from: 20, to: 200, step: 20 } }

const day = (text: string) => text.slice(0, 10)

/** Returns an engine with the bars of the index. */
async function stored(): Promise<BacktestEngine> {
  const engine = newEngine()
  await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
  return engine
}

test('each window has the choice of its sweep, and the test of its backtest', async () => {
  const engine = await stored()
  const costs = { simulation: { fees: 0.001, slippage: 0.0005 } }
  const request: WalkForwardRequest = { ...INDEX, ...costs, parameters: GRID, train: '3y', test: '1y', minTrades: 3 }
  const found = await engine.walkForward(request)
  expect(found.walkForwardId).toMatch(/^wf-[0-9a-f]{12}$/)
  expect(found.folds).toHaveLength(12)
  expect(found.folds.map((fold) => fold.test.map(day))).toContainEqual(['2019-01-02', '2019-12-31'])
  let growth = 1
  let closings = 0
  for (const fold of found.folds) {
    const [from, to] = fold.train
    const train = { startDate: from, endDate: to }
    const { parameters, persist, ...rest } = { ...INDEX, ...costs, persist: false, parameters: GRID }
    const sweep = await engine.runSweep({
      ...rest,
      ...train,
      parameters,
      minTrades: 3,
      top: 1,
      simulation: { ...costs.simulation, yearDays: 252 },
    })
    const best = sweep.top[0]
    expect(fold.parameters).toEqual(best?.parameters)
    expect(fold.combination).toBe(best?.combination)
    expect(fold.objective).toBeCloseTo(best?.objective as number, 9)
    const chosen = fold.parameters as Record<string, unknown>
    const trained = await engine.runBacktest({ ...rest, ...train, parameters: chosen, persist })
    expect(fold.inSample?.totalReturn).toBeCloseTo(trained.totalReturn as number, 9)
    expect(fold.inSample?.sharpeRatio).toBeCloseTo(trained.metrics.sharpeRatio as number, 9)
    expect(fold.inSample?.maxDrawdown).toBeCloseTo(trained.metrics.maxDrawdown as number, 9)
    const test = { startDate: fold.test[0], endDate: fold.test[1] }
    const tested = await engine.runBacktest({ ...rest, ...test, parameters: chosen, persist })
    const isOpen = tested.trades.at(-1)?.status === 'open'
    expect(fold.closedAtEnd).toBe(isOpen)
    closings += Number(isOpen)
    const last = tested.equityCurve.at(-1) as number
    const open = tested.trades.find((trade) => trade.status === 'open')
    // The position at the end is sold with costs.
    const sold = open === undefined ? 0 : open.quantity * ((open.pnl + open.fees) / open.quantity + open.entryPrice)
    const expected = last - sold + sold * (1 - 0.0005) * (1 - 0.001)
    expect((fold.outOfSample?.finalCapital as number) / expected).toBeCloseTo(1, 9)
    expect(fold.outOfSample?.totalTrades).toBe(tested.metrics.totalTrades)
    growth *= (fold.outOfSample?.finalCapital as number) / 10_000
  }
  expect(closings).toBeGreaterThan(3)
  expect(found.trades.filter((trade) => trade.exitReason === 'windowEnd')).toHaveLength(closings)
  expect(found.trades.every((trade) => trade.status === 'closed')).toBe(true)
  expect((found.equityCurve.at(-1) as number) / 10_000).toBeCloseTo(growth, 9)
  expect(found.metrics.totalReturn).toBeCloseTo((growth - 1) * 100, 7)
  // Trades of the joined tests have the money of their time.
  const gained = found.trades.reduce((sum, trade) => sum + trade.pnl, 0)
  expect(gained).toBeCloseTo((growth - 1) * 10_000, 6)
  expect(found.metrics.closedTrades).toBe(found.trades.length)
  const times = found.timestamps
  expect(new Date(times[0] as number).toISOString()).toBe(found.folds[0]?.test[0])
  expect(new Date(times.at(-1) as number).toISOString()).toBe(found.folds.at(-1)?.test[1])
  expect(found.equityCurve).toHaveLength(found.folds.reduce((sum, fold) => sum + fold.testBars, 0))
  // Efficiency and stability by hand.
  const log = (percent: unknown) => Math.log(1 + (percent as number) / 100)
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const trained = mean(found.folds.map((fold) => log(fold.inSample?.totalReturn) / fold.trainBars))
  expect(found.efficiency).toBeCloseTo(Math.log(growth) / found.equityCurve.length / trained, 9)
  const sharpe = mean(found.folds.map((fold) => fold.inSample?.sharpeRatio as number))
  expect(found.sharpeEfficiency).toBeCloseTo((found.metrics.sharpeRatio as number) / sharpe, 9)
  const returns = found.folds.map((fold) => fold.outOfSample?.totalReturn as number)
  expect(found.stability.worstFold).toBeCloseTo(Math.min(...returns), 9)
  expect(found.stability.profitableFolds).toBeCloseTo(returns.filter((of) => of > 0).length / 12, 12)
  expect(found.stability.distinctChoices).toBe(new Set(found.folds.map((fold) => fold.combination)).size)
})

test('windows in bars may have gaps, be anchored, and be the last and shorter', async () => {
  const engine = newEngine()
  const bars = waves(600)
  const request: WalkForwardRequest = {
    strategyId: 'rsi',
    assetSymbol: 'X',
    startDate: '2019-01-01',
    endDate: '2030-01-01',
    initialCapital: 1000,
    bars,
    parameters: { period: [5, 10, 14], oversold: [25, 35] },
    objective: 'totalReturn',
    minTrades: 1,
    train: 150,
    test: 50,
    step: 70,
    anchored: true,
    purge: 3,
    partial: true,
    simulation: { execution: 'nextOpen', slStop: 0.02, direction: 'both' },
  }
  const found = await engine.walkForward(request)
  const at = (bar: number) => new Date(bars.timestamps[bar] as number).toISOString()
  const starts = [0, 1, 2, 3, 4, 5, 6].map((fold) => 150 + 70 * fold)
  const expected = starts
    .filter((bar) => bar + 3 < 600)
    .map((bar) => [at(0), at(bar - 1), at(bar + 3), at(Math.min(bar + 52, 599))])
  expect(found.folds.map((fold) => [...fold.train, ...fold.test])).toEqual(expected)
  const growth = found.folds.reduce((product, fold) => product * (1 + (fold.outOfSample?.totalReturn ?? 0) / 100), 1)
  expect((found.equityCurve.at(-1) as number) / 1000).toBeCloseTo(growth, 9)
  expect(found.timestamps).toHaveLength(found.folds.reduce((sum, fold) => sum + fold.testBars, 0))
  for (const fold of found.folds) {
    if (fold.parameters === null) continue
    const { train, test, step, anchored, purge, partial, objective, minTrades, parameters, ...rest } = request
    const single = { ...rest, assetSymbol: 'X', parameters: fold.parameters }
    const tested = await engine.runBacktest({
      ...single,
      persist: false,
      tradeFrom: fold.test[0],
      endDate: fold.test[1],
    })
    expect(fold.outOfSample?.totalTrades).toBe(tested.metrics.totalTrades)
    const isOpen = tested.trades.at(-1)?.status === 'open'
    if (!isOpen) expect(fold.outOfSample?.totalReturn).toBeCloseTo(tested.totalReturn as number, 9)
  }
})

test('a function of the caller is a strategy, too', async () => {
  const engine = newEngine()
  const bars = waves(300)
  const definition: StrategyDefinition = {
    id: 'own',
    parameters: { n: { type: 'integer', default: 5, minimum: 2, maximum: 50 } },
    entries: 'close > sma(close, n)',
    exits: 'close < sma(close, n)',
  }
  const request = { assetSymbol: 'X', startDate: '2019-01-01', endDate: '2030-01-01', initialCapital: 1000, bars }
  const windows = { parameters: { n: [3, 5, 8, 13] }, train: 100, test: 40, minTrades: 1 }
  const text = await engine.walkForward({ ...request, ...windows, strategy: definition })
  const average = (close: Float64Array, end: number, n: number) =>
    end < n ? Number.NaN : close.subarray(end - n, end).reduce((sum, value) => sum + value, 0) / n
  await engine.registerStrategy({
    id: 'own_function',
    parameters: { n: { type: 'integer', default: 5, minimum: 2, maximum: 50 } },
    generateSignals({ close }, { n }) {
      const averages = Array.from(close, (_, bar) => average(close, bar + 1, n))
      return {
        entries: averages.map((value, bar) => (close[bar] as number) > value),
        exits: averages.map((value, bar) => (close[bar] as number) < value),
      }
    },
  })
  const called = await engine.walkForward({ ...request, ...windows, strategyId: 'own_function' })
  expect(called.folds.map((fold) => fold.parameters)).toEqual(text.folds.map((fold) => fold.parameters))
  expect(called.metrics.totalReturn).toBeCloseTo(text.metrics.totalReturn as number, 9)
})

test('a window in which nothing competes holds cash, and a note says so', async () => {
  const engine = await stored()
  const found = await engine.walkForward({ ...INDEX, parameters: GRID, train: '1y', test: '1y', minTrades: 100 })
  expect(found.folds.every((fold) => fold.parameters === null && fold.outOfSample === null)).toBe(true)
  expect(found.equityCurve.every((equity) => equity === 10_000)).toBe(true)
  expect(found.trades).toEqual([])
  expect([found.efficiency, found.sharpeEfficiency, found.stability.parameterDrift]).toEqual([null, null, null])
  expect(found.notes[0]?.code).toBe('NOTHING_COMPETES')
  expect(found.warnings[0]).toBe(
    'no combination competed in the training of 14 of 14 windows, whose tests hold cash; lower minTrades, or lengthen train',
  )
})

test('what cannot be walked is rejected with the way out', async () => {
  const engine = await stored()
  const request = { ...INDEX, parameters: GRID }
  const messages = async (fields: object) => {
    const error = await engine
      .walkForward({ ...request, ...fields } as unknown as WalkForwardRequest)
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(BacktestError)
    return [(error as BacktestError).code, ...(error as BacktestError).issues.map((issue) => issue.message)]
  }
  const spans = "a number of bars, or a duration such as '2y', '6M', '4w', '90d', '12h' or '30m'"
  expect(await messages({})).toEqual(['INVALID_ARGUMENT', `train is required: ${spans}`, `test is required: ${spans}`])
  expect(await messages({ train: 0, test: '1 year' })).toEqual([
    'INVALID_ARGUMENT',
    `train must be ${spans}, was number 0`,
    `test must be ${spans}, was string "1 year"`,
  ])
  expect(await messages({ train: 100, test: '1y' })).toEqual([
    'INVALID_ARGUMENT',
    'train, test and step must all be numbers of bars or all be durations, were 100 bars, 1y and 1y',
  ])
  expect(await messages({ train: '2y', test: '1y', step: '6M' })).toEqual([
    'INVALID_ARGUMENT',
    'step must be at least test, so that no bar is tested twice: step is 6M, test is 1y',
  ])
  expect(await messages({ train: '2y', test: '2M', step: '30d' })).toEqual([
    'INVALID_ARGUMENT',
    'step must be at least test, so that no bar is tested twice: step is 30d, test is 2M',
  ])
  expect(await messages({ train: '10y', test: '3y' })).toEqual([
    'INVALID_ARGUMENT',
    'a walk-forward needs at least 3 windows, and only 1 window fits into 3775 bars with train 10y, test 3y, step 3y and purge 0; shorten them, or choose a longer range',
  ])
  expect(await messages({ train: 100, test: 10, assetSymbol: undefined, assetSymbols: ['SP500'] })).toEqual([
    'INVALID_ARGUMENT',
    'a walk-forward is on one series: set assetSymbol, and call it once for each',
  ])
  expect(await messages({ train: 100, test: 10, persist: true, top: 3 })).toEqual([
    'INVALID_ARGUMENT',
    'walkForward has no persist: it returns all metrics of the choice of each window, and is not kept',
    'walkForward has no top: it returns all metrics of the choice of each window, and is not kept',
  ])
  expect(
    await messages({
      train: 2,
      test: 1,
      parameters: { fast_period: { from: 2, to: 400 }, slow_period: { from: 3, to: 401 } },
    }),
  ).toEqual(['LIMIT_EXCEEDED'])
})

test('an abort ends it, and progress counts all windows', async () => {
  const engine = await stored()
  const controller = new AbortController()
  const seen: { progress: number; total: number; sweepId: string }[] = []
  const request: WalkForwardRequest = { ...INDEX, parameters: GRID, train: '3y', test: '1y' }
  const found = await engine.walkForward(request, { onProgress: (progress) => seen.push(progress) })
  expect(seen.at(-1)).toMatchObject({ progress: 100, total: 12 * found.combinations, sweepId: found.walkForwardId })
  controller.abort()
  await expect(engine.walkForward(request, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
  const later = new AbortController()
  const long = {
    ...request,
    train: 30,
    test: 5,
    parameters: { fast_period: { from: 2, to: 40 }, slow_period: { from: 3, to: 60 } },
  }
  const promise = engine.walkForward(long, { signal: later.signal, onProgress: () => later.abort() })
  await expect(promise).rejects.toMatchObject({ name: 'AbortError' })
})

test('a position that no order could close is closed, and nothing is traded after a ruin', async () => {
  const engine = await stored()
  // The fee of an order is more than the position is worth.
  const costly = { simulation: { sizeType: 'value', size: 20, fixedFees: 25 } } as const
  const paid = await engine.walkForward({
    ...INDEX,
    ...costly,
    parameters: GRID,
    train: '3y',
    test: '1y',
    minTrades: 0,
  })
  expect(paid.folds.some((fold) => fold.closedAtEnd)).toBe(true)
  expect(paid.trades.every((trade) => trade.status === 'closed')).toBe(true)
  const product = paid.folds.reduce((growth, fold) => growth * (1 + (fold.outOfSample?.totalReturn ?? 0) / 100), 1)
  expect((paid.equityCurve.at(-1) as number) / 10_000).toBeCloseTo(product, 9)

  const bars = waves(600)
  for (const column of [bars.open, bars.high, bars.low, bars.close])
    for (let bar = 215; bar < 600; bar++) column[bar] = (column[bar] as number) * 5
  const ruined = await engine.walkForward({
    strategy: { id: 'short', entries: 'close > highest(shift(close, 1), 5)', exits: 'false' },
    parameters: { position_size: [1] },
    assetSymbol: 'X',
    startDate: '2020-01-01',
    endDate: '2030-01-01',
    initialCapital: 1000,
    bars,
    simulation: { direction: 'shortOnly' },
    minTrades: 0,
    objective: 'totalTrades',
    train: 120,
    test: 100,
  })
  expect(ruined.folds[0]?.outOfSample?.finalCapital).toBeLessThan(0)
  expect(ruined.folds[0]?.outOfSample?.openTrades).toBe(0)
  const after = ruined.equityCurve.subarray(100)
  expect(after.length).toBeGreaterThan(100)
  expect(after.every((equity) => equity === ruined.equityCurve[99])).toBe(true)
  expect(ruined.notes.map(({ code }) => code)).toContain('EQUITY_BELOW_ZERO')
  expect(ruined.efficiency).toBeNull()
})

test('the benchmark holds the asset in the tests only, and notes are those of the joined tests', async () => {
  const engine = await stored()
  const request: WalkForwardRequest = { ...INDEX, parameters: GRID, train: '3y', test: '1y', step: '2y', minTrades: 1 }
  const found = await engine.walkForward(request)
  const held = found.folds.reduce(
    (growth, fold) => growth * (1 + (fold.outOfSample?.benchmarkReturn as number) / 100),
    1,
  )
  expect(found.metrics.benchmarkReturn).toBeCloseTo((held - 1) * 100, 9)
  const years = found.equityCurve.length / 252
  const growth = 1 + (found.metrics.totalReturn as number) / 100
  expect(found.metrics.annualizedReturn).toBeCloseTo((growth ** (1 / years) - 1) * 100, 6)
  expect(found.notes.map(({ code }) => code)).toEqual(['SAME_BAR_FILLS', 'FEW_TRADES'])

  await engine.registerStrategy({
    id: 'peek',
    parameters: { n: { type: 'integer', default: 1, minimum: 1, maximum: 3 } },
    generateSignals: ({ close }) => ({
      entries: Array.from(close, (price, bar) => (close[bar + 1] ?? 0) > price),
      exits: Array.from(close, (price, bar) => (close[bar + 1] ?? 0) < price),
    }),
  })
  const { strategyId: _, ...rest } = INDEX
  const peeking = { ...rest, strategyId: 'peek', parameters: { n: [1, 2] }, train: '3y', test: '1y' }
  await expect(engine.walkForward(peeking)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  const allowed = await engine.walkForward({ ...peeking, allowLookAhead: true })
  expect(allowed.notes[0]?.code).toBe('LOOK_AHEAD')
  await expect(engine.walkForward({ ...request, train: '365d', test: '6m', step: '6m' })).rejects.toThrow(
    'a test of 6m has at most 1 bar, and needs at least 5; lengthen test (m is minutes, M is months)',
  )
  await expect(engine.walkForward({ ...request, anchor: true } as WalkForwardRequest)).rejects.toThrow('anchored')
})
