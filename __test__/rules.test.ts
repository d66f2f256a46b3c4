/** What is refused, what is a warning, and in which order. */

import { describe, expect, test } from 'vitest'
import { type BacktestResult, type SimulationOptions, type StrategyDefinition, simulateSignals } from '../index.js'
import { failure, newEngine, type RequestChanges, request, SP500, untyped, waves } from './support.js'

/** Long only: what most rules are about. */
const LONG: StrategyDefinition = { id: 'own', entries: 'close > 100', exits: 'close < 90' }
const SHORT: StrategyDefinition = { ...LONG, shortEntries: 'close < 90', shortExits: 'close > 100' }

function own(strategy: StrategyDefinition, simulation: SimulationOptions, changes: RequestChanges = {}) {
  const { strategyId: _, parameters: __, ...rest } = request({ simulation, persist: false, ...changes })
  return newEngine().runBacktest({ ...rest, strategy })
}

const codes = ({ notes }: Pick<BacktestResult, 'notes'>) => notes?.map(({ code }) => code) ?? []
const aboutSettings = ({ notes }: Pick<BacktestResult, 'notes'>) =>
  (notes ?? []).filter(({ code }) => code.startsWith('SETTING_'))

describe('a setting that can only be a mistake', () => {
  const mistakes: [SimulationOptions, string, string, RegExp][] = [
    [{ slStop: 5 }, 'slStop', 'range', /slStop 5 is a stop loss of 500 %.*5 % is 0\.05/],
    [{ slStop: 1 }, 'slStop', 'range', /slStop 1 is a stop loss of 100 %/],
    [{ slStop: 0 }, 'slStop', 'range', /slStop 0 closes every position/],
    [{ tpStop: 0 }, 'tpStop', 'range', /tpStop 0 closes every position/],
    [{ direction: 'shortOnly', tpStop: 2 }, 'tpStop', 'range', /tpStop 2 is a target of 200 %.*short position/],
    [{ slTrail: true }, 'slTrail', 'conflict', /slTrail does nothing without slStop/],
    [{ fees: 1 }, 'fees', 'range', /fees 1 is 100 % of the traded value.*1 % is 0\.01/],
    [{ riskFree: 2 }, 'riskFree', 'range', /riskFree 2 is 200 % a year; 2 % is 0\.02/],
    [{ size: 0 }, 'size', 'range', /size 0 makes no order/],
    [{ size: 1, minSize: 2 }, 'size', 'conflict', /size 1 is below minSize 2/],
    [{ maxSize: 1, minSize: 2 }, 'maxSize', 'conflict', /maxSize 1 is below minSize 2/],
    [
      { size: 0.5, sizeGranularity: 1 },
      'size',
      'conflict',
      /size 0\.5 is below sizeGranularity 1, so that every order is rounded down to 0/,
    ],
    [{ maxSize: 1, allowPartial: false }, 'maxSize', 'conflict', /maxSize 1 is below the size of every order/],
  ]

  test.each(mistakes)('%j is refused by runBacktest', async (simulation, setting, code, message) => {
    const { issues } = await failure(own(LONG, simulation), 'INVALID_ARGUMENT')
    expect(issues).toEqual([
      {
        path: `simulation.${setting}`,
        code,
        message: expect.stringMatching(new RegExp(`^simulation.${message.source}`)),
      },
    ])
  })

  test.each(mistakes)(
    '%j is a warning of simulateSignals, with the same words',
    async (simulation, setting, _, message) => {
      const { close } = waves(200)
      const entries = close.map((price) => Number(price > 100)) as unknown as Uint8Array
      const signals = { close, entries: Uint8Array.from(entries), exits: new Uint8Array(200), initialCapital: 1000 }
      const notes = aboutSettings(untyped(await simulateSignals({ ...signals, ...simulation })))
      expect(notes[0]?.text).toMatch(message)
      expect(notes[0]?.data).toMatchObject({ setting })
    },
  )

  test('is reported together with all other problems', async () => {
    const simulation = untyped<SimulationOptions>({ slStop: 5, slTrail: false, riskFree: 2, fees: 'none' })
    const { issues } = await failure(own(LONG, simulation, { assetSymbol: '' }), 'INVALID_ARGUMENT')
    expect(issues.map(({ path }) => path).sort()).toEqual([
      'assetSymbol',
      'simulation.fees',
      'simulation.riskFree',
      'simulation.slStop',
    ])
  })

  test('is none where short positions are possible, which can lose more than 100 %', async () => {
    for (const [strategy, simulation] of [
      [SHORT, {}],
      [LONG, { direction: 'both' }],
      [LONG, { direction: 'shortOnly' }],
      [LONG, { tpStop: 0.1, uponStopExit: 'reverse' }],
    ] as const) {
      expect((await own(strategy, { ...simulation, slStop: 5 })).status).toBe('completed')
    }
    const { issues } = await failure(own(SHORT, { direction: 'shortOnly' }), 'INVALID_ARGUMENT')
    expect(issues).toMatchObject([{ path: 'simulation.direction', code: 'conflict' }])
  })

  test('is found once a function has returned the sides that it trades', async () => {
    const engine = newEngine()
    const none = (bars: { close: Float64Array }) => new Uint8Array(bars.close.length)
    await engine.registerStrategy({
      id: 'long',
      generateSignals: (bars) => ({ entries: none(bars), exits: none(bars) }),
    })
    await engine.registerStrategy({
      id: 'short',
      generateSignals: (bars) => ({ entries: none(bars), exits: none(bars), shortEntries: none(bars) }),
    })
    const run = (strategyId: string) =>
      engine.runBacktest({ ...request({ strategyId, simulation: { slStop: 5 } }), parameters: {} })
    const { issues } = await failure(run('long'), 'INVALID_ARGUMENT')
    expect(issues).toMatchObject([{ path: 'simulation.slStop', code: 'range' }])
    expect((await run('short')).status).toBe('completed')
    expect((await engine.listBacktests()).map(({ status }) => status)).toEqual(['completed', 'failed'])
  })
})

describe('a setting that is almost certainly a mistake', () => {
  test.each<[SimulationOptions, string, unknown, unknown]>([
    [{ fees: 0.5 }, 'fees', 0.5, 0.005],
    [{ fees: 0.02 }, 'fees', 0.02, 0.0002],
    [{ slippage: 0.1 }, 'slippage', 0.1, 0.001],
    [{ riskFree: 0.5 }, 'riskFree', 0.5, 0.005],
    [{ tpStop: 5 }, 'tpStop', 5, 0.05],
    [{ fixedFees: 2000 }, 'fixedFees', 2000, undefined],
    [{ yearDays: 8760 }, 'yearDays', 8760, 'auto'],
    [{ sizeGranularity: 1000 }, 'sizeGranularity', 1000, undefined],
  ])(
    '%j is a warning with the setting, its value and what was meant',
    async (simulation, setting, value, suggested) => {
      const result = await own(LONG, simulation)
      const [note, ...others] = aboutSettings(result)
      expect(others).toEqual([])
      expect(note?.code).toBe('SETTING_UNLIKELY')
      expect(note?.data).toEqual({ setting, value, ...(suggested !== undefined && { suggested }) })
      expect(note?.text).toContain(`${setting} ${value} `)
      if (typeof suggested === 'number') expect(note?.text).toContain(`${value} % is ${suggested}`)
      expect(result.warnings).toContain(note?.text)
    },
  )

  test('about a target depends on the prices of the run', async () => {
    // The highest high is 126.9, the lowest low 73.3.
    const { high, low } = waves(366)
    const reach = Math.max(...high) / (Math.min(...low) * 0.999) - 1
    expect(aboutSettings(await own(LONG, { tpStop: reach * 1.001 }))).toHaveLength(1)
    expect(aboutSettings(await own(LONG, { tpStop: reach * 0.999 }))).toEqual([])
  })
})

describe('a setting without effect', () => {
  test.each<[SimulationOptions, string]>([
    [{ uponStopExit: 'reverse' }, 'slStop'],
    [{ stopExitPrice: 'price', uponStopUpdate: 'keep' }, 'slStop'],
    [{ accumulate: 'both' }, 'accumulate'],
  ])('%j is a warning', async (simulation, setting) => {
    const [note, ...others] = aboutSettings(await own(LONG, simulation))
    expect(others).toEqual([])
    expect(note).toMatchObject({ code: 'SETTING_WITHOUT_EFFECT', data: { setting } })
  })

  test('is none at its default, at that of vectorbt, or for a case that does not occur', async () => {
    const plain = await own(LONG, {})
    const spelledOut = await own(LONG, untyped(plain.simulation))
    expect(spelledOut.warnings).toEqual(plain.warnings)
    expect(aboutSettings(plain)).toEqual([])
    const shared = await own(LONG, {
      stopEntryPrice: 'close',
      stopExitPrice: 'stopLimit',
      uponShortConflict: 'exit',
      uponOppositeEntry: 'close',
      lockCash: true,
    })
    expect(aboutSettings(shared)).toEqual([])
  })
})

describe('dropped exits', () => {
  const { volume: _, ...columns } = waves(366)
  const entries = Uint8Array.from(columns.close, (close) => Number(close > 95))
  const exits = Uint8Array.from(columns.close, (close) => Number(close > 110 || close < 90))
  const run = async (options: SimulationOptions) =>
    untyped<BacktestResult>(await simulateSignals({ ...columns, entries, exits, initialCapital: 1000, ...options }))

  /** Counts exits from a position that an entry on the same bar cancels. */
  function dropped(): number {
    let held = false
    let count = 0
    for (const [bar, entry] of entries.entries()) {
      const exit = exits[bar] === 1
      if (entry === 1 && exit) count += Number(held)
      else if (exit) held = false
      else if (entry === 1) held = true
    }
    return count
  }

  test('are counted, come first, and name the rule that keeps them', async () => {
    const result = await run({ fees: 0.5 })
    const count = dropped()
    expect(count).toBeGreaterThan(20)
    expect(result.notes?.[0]).toEqual({
      code: 'EXITS_DROPPED',
      text: `${count} exits from a position were dropped, because an entry on the same bar cancels an exit; uponLongConflict: 'exit' lets the exit win`,
      data: { exits: count, setting: 'uponLongConflict', suggested: 'exit' },
    })
    expect(codes(result)[1]).toBe('SETTING_UNLIKELY')
    expect(result.warnings).toEqual(result.notes?.map(({ text }) => text))
  })

  test('are none with a rule that was chosen', async () => {
    for (const uponLongConflict of ['exit', 'opposite', 'entry', 'adjacent'] as const)
      expect(codes(await run({ uponLongConflict }))).not.toContain('EXITS_DROPPED')
  })
})

describe('warnings', () => {
  test('of buying and holding real bars are two at most', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
    const result = await engine.runBacktest({
      strategyId: 'buy_and_hold',
      assetSymbol: 'SP500',
      startDate: '2008-01-01',
      endDate: '2012-12-28',
      initialCapital: 10_000,
    })
    expect(codes(result)).toEqual(['FEW_TRADES'])
    expect(Number(result.metrics.unexecutedSignals)).toBeGreaterThan(1000)
    const stored = await engine.getBacktestResults(result.backtestId)
    expect(stored?.notes).toEqual(result.notes)
    expect(stored?.warnings).toEqual(result.warnings)
  })

  test('name the setting that rejects orders, and none if no setting does', async () => {
    const rejected = async (simulation: SimulationOptions) =>
      (await own(LONG, simulation)).notes?.find(({ code }) => code === 'SIGNALS_WITHOUT_ORDER')?.data?.setting
    expect(await rejected({ sizeGranularity: 1000 })).toBe('sizeGranularity')
    expect(await rejected({ minSize: 1000 })).toBe('minSize')
  })

  test('doubt annual figures of less than a week, however many bars it has', async () => {
    const week = (hours: number) => own(LONG, {}, { bars: waves(hours, 3_600_000), endDate: '2020-02-01' })
    expect((await week(160)).warnings.join()).toContain('the bars span less than 7 days')
    expect((await week(200)).warnings.join()).not.toContain('the bars span')
  })

  test('do not say that accumulation does nothing where an entry follows a stop', async () => {
    const accumulates = async (execution: 'close' | 'nextOpen') =>
      aboutSettings(await own(LONG, { accumulate: 'addOnly', slStop: 0.03, execution })).map(
        ({ data }) => data?.setting,
      )
    expect(await accumulates('close')).toEqual(['accumulate'])
    expect(await accumulates('nextOpen')).toEqual([])
  })

  test('of a run without trades say why, not that there are none', async () => {
    expect(codes(await own({ ...LONG, entries: 'close > 1000' }, {}))).toEqual(['NO_ENTRIES'])
    expect(codes(await own({ ...LONG, entries: 'rsi(close, 14) > 100' }, {}))).toEqual(['STRATEGY_SUSPECT'])
  })

  test('come in the order of what they change, whatever their source', async () => {
    // A jump like a split, fees in percent, an entry and an exit on every bar.
    const bars = waves(80)
    for (const column of [bars.open, bars.high, bars.low, bars.close]) {
      for (let bar = 40; bar < 80; bar++) column[bar] = Number(column[bar]) / 4
    }
    const strategy = { id: 'own', entries: 'close > 0', exits: 'close > sma(close, 3)' }
    const result = await own(strategy, { fees: 0.1 }, { bars, endDate: '2020-03-20' })
    expect(codes(result)).toEqual([
      'EXITS_DROPPED',
      'PRICE_JUMPS',
      'SETTING_UNLIKELY',
      'STRATEGY_SUSPECT',
      'FEW_TRADES',
      'FEW_BARS',
    ])
  })
})
