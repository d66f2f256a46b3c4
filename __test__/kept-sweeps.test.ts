import { describe, expect, test } from 'vitest'
import type { BacktestEngine, EngineConfig, SweepRequest, SweepResult } from '../index.js'
import { database } from './postgres.js'
import { failure, folder, inProcess, newEngine, rejection, untyped, waves } from './support.js'

const PLACES: [string, () => Promise<EngineConfig>][] = [
  ['the embedded store', async () => ({ dataDir: folder() })],
  ['PostgreSQL', async () => ({ databaseUrl: await database() })],
]

/** 21 combinations on each of two assets. */
const REQUEST: SweepRequest = {
  strategyId: 'sma_crossover',
  parameters: { fast_period: [3, 5, 9], slow_period: { from: 10, to: 30, step: 2 }, 'simulation.slStop': [null] },
  constraints: ['slow_period >= 3 * fast_period'],
  assetSymbols: ['UP', 'DOWN'],
  timeframe: '1d',
  startDate: '2020-01-01',
  endDate: '2020-12-31',
  initialCapital: 10_000,
  persist: true,
}

async function importBoth(engine: BacktestEngine) {
  const bars = waves(366)
  await engine.importBars({ assetSymbol: 'UP', timeframe: '1d', bars })
  const slower = { ...bars, close: bars.close.map((close, bar) => (bar % 7 === 0 ? close + 0.5 : close)) }
  await engine.importBars({ assetSymbol: 'DOWN', timeframe: '1d', bars: slower })
}

/** Returns what does not differ between two sweeps of the same request. */
function comparable(sweep: SweepResult | null) {
  // A call counts the paths of the combinations that it computed.
  const { sweepId: _, elapsedMs: __, paths: ___, ...rest } = JSON.parse(JSON.stringify(sweep))
  return rest
}

describe.each(PLACES)('a sweep in %s', (_, place) => {
  test('is read back whole, in pages, and by a condition', async () => {
    const engine = newEngine(await place())
    await importBoth(engine)
    const whole = await engine.runSweep(REQUEST)
    expect(whole.combinations).toBe(42)
    expect(whole.objective).toHaveLength(42)
    const kept = await engine.getSweep(whole.sweepId)
    expect(kept?.sweepId).toBe(whole.sweepId)
    expect(comparable(kept)).toEqual(comparable(whole))

    // A page across the border of the assets.
    const page = await engine.getSweep(whole.sweepId, { from: 19, to: 24, metrics: ['sharpeRatio'] })
    expect(page?.from).toBe(19)
    expect(page?.metrics).toEqual({ sharpeRatio: whole.metrics.sharpeRatio?.slice(19, 24) })
    expect(page?.objective).toEqual(whole.objective.slice(19, 24))
    expect(page?.standing).toEqual(whole.standing.slice(19, 24))
    expect(page?.asset).toEqual({ symbols: ['UP', 'DOWN'], index: Uint16Array.of(0, 0, 1, 1, 1) })
    expect(Object.keys(page?.parameters ?? {})).toEqual(['fast_period', 'slow_period', 'simulation.slStop'])
    for (const [name, values] of Object.entries(page?.parameters ?? {}))
      expect(values).toEqual(whole.parameters[name]?.slice(19, 24))
    expect((await engine.getSweep(whole.sweepId, { from: 42, metrics: [] }))?.objective).toHaveLength(0)

    const where = 'totalTrades >= 10 and fast_period < 9'
    const chosen = await engine.getSweep(whole.sweepId, { where })
    const { totalTrades } = whole.metrics
    const expected = Array.from(whole.objective.keys()).filter(
      (at) => Number(totalTrades?.[at]) >= 10 && Number(whole.parameters.fast_period?.[at]) < 9,
    )
    expect(expected.length).toBeGreaterThan(1)
    expect(expected.length).toBeLessThan(42)
    expect(Array.from(chosen?.combination ?? [])).toEqual(expected)
    expect(Array.from(chosen?.objective ?? [])).toEqual(expected.map((at) => whole.objective[at]))
    const { issues } = await failure(engine.getSweep(whole.sweepId, { where: 'trades > 1' }), 'INVALID_ARGUMENT')
    expect(issues.map(({ path }) => path)).toEqual(['where'])
  })

  test('is listed and deleted', async () => {
    const engine = newEngine(await place())
    await importBoth(engine)
    const first = await engine.runSweep({ ...REQUEST, userId: 'ada' })
    const second = await engine.runSweep({ ...REQUEST, assetSymbols: ['DOWN'], objective: 'totalReturn' })
    await engine.runSweep({ ...REQUEST, persist: false })
    const ids = async (filter: object) => (await engine.listSweeps(filter)).map(({ sweepId }) => sweepId)
    expect(await ids({})).toEqual([second.sweepId, first.sweepId])
    expect(await ids({ assetSymbol: 'UP' })).toEqual([first.sweepId])
    expect(await ids({ userId: 'ada', status: 'completed', strategyId: 'sma_crossover' })).toEqual([first.sweepId])
    expect(await ids({ limit: 1, before: second.sweepId })).toEqual([first.sweepId])
    const [info] = await engine.listSweeps({ limit: 1 })
    expect(info).toMatchObject({
      sweepId: second.sweepId,
      status: 'completed',
      assetSymbols: ['DOWN'],
      timeframes: ['1d'],
      objective: 'totalReturn',
      combinations: 21,
      done: 21,
      best: second.top[0]?.objective ?? null,
      error: null,
    })
    expect(await engine.deleteSweep(first.sweepId)).toBe(true)
    expect(await engine.deleteSweep(first.sweepId)).toBe(false)
    expect(await engine.getSweep(first.sweepId)).toBeNull()
    expect(await ids({})).toEqual([second.sweepId])
    await failure(engine.deleteSweep(untyped(undefined)), 'INVALID_ARGUMENT')
  })

  test.each([5, 27, 40])('that is aborted at call %i goes on from there', async (limit) => {
    const engine = newEngine(await place())
    await importBoth(engine)
    let abort = new AbortController()
    let calls = 0
    await engine.registerStrategy({
      id: 'counting',
      parameters: { period: { type: 'integer', default: 5, minimum: 2, maximum: 99 } },
      generateSignals: ({ close }, { period }) => {
        if (++calls === limit) abort.abort()
        const every = Number(period)
        return {
          entries: Array.from(close, (_, bar) => bar % every === 0),
          exits: Array.from(close, (_, bar) => bar % every === 1),
        }
      },
    })
    const { constraints: _, ...rest } = untyped<Record<string, unknown>>(REQUEST)
    const request = untyped<SweepRequest>({
      ...rest,
      strategyId: 'counting',
      parameters: { period: { from: 2, to: 28 } },
    })
    const aborted = await rejection(engine.runSweep(request, { signal: abort.signal }))
    expect(aborted).toMatchObject({ name: 'AbortError' })
    const [info] = await engine.listSweeps()
    expect(info).toMatchObject({ status: 'cancelled', combinations: 54 })
    const { sweepId = '', done = -1 } = info ?? {}
    // Calls besides those of combinations test for look-ahead.
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThanOrEqual(limit)
    const partial = await engine.getSweep(sweepId)
    expect(partial?.objective).toHaveLength(done)
    expect(partial).toMatchObject({ status: 'cancelled', done, error: info?.error })
    expect(partial?.error).toMatch(/^\w+: /)
    abort = new AbortController()
    calls = limit
    const resumed = await engine.runSweep({ resume: sweepId })
    const uninterrupted = await engine.runSweep(request)
    expect(comparable(resumed)).toEqual(comparable(uninterrupted))
    expect(resumed).toMatchObject({ done: 54, error: null })
    expect(comparable(await engine.getSweep(sweepId))).toEqual(comparable(resumed))
    const again = await failure(engine.runSweep({ resume: sweepId }), 'INVALID_ARGUMENT')
    expect(again.message).toBe(`sweep ${sweepId} is completed: read it with getSweep`)
  })

  test('is left as it is by a request that does not fit', async () => {
    const engine = newEngine(await place())
    const bars = waves(200)
    const abort = new AbortController()
    await engine.registerStrategy({
      id: 'ending',
      parameters: { period: { type: 'integer', default: 5, minimum: 2, maximum: 99 } },
      generateSignals: ({ close }, { period }) => {
        if (period === 9) abort.abort()
        return { entries: Array.from(close, (_, bar) => bar % 5 === 0), exits: Array.from(close, () => false) }
      },
    })
    const request = untyped<SweepRequest>({
      strategyId: 'ending',
      parameters: { period: { from: 2, to: 28 } },
      assetSymbol: 'OWN',
      timeframe: '1d',
      startDate: '2020-01-01',
      endDate: '2020-12-31',
      initialCapital: 1000,
      bars,
      persist: true,
    })
    await rejection(engine.runSweep(request, { signal: abort.signal }))
    const before = await engine.listSweeps()
    const resume = before[0]?.sweepId ?? ''
    const error = await failure(engine.runSweep({ resume }), 'INVALID_ARGUMENT')
    expect(error.message).toContain('bars is required')
    expect(await engine.listSweeps()).toEqual(before)
    expect(await engine.runSweep({ resume, bars })).toMatchObject({ status: 'completed', done: 27 })
  })

  test('does not go on with other bars, or in two calls', async () => {
    const engine = newEngine(await place())
    await importBoth(engine)
    const abort = new AbortController()
    await engine.registerStrategy({
      id: 'stopping',
      parameters: { period: { type: 'integer', default: 5, minimum: 2, maximum: 99 } },
      generateSignals: ({ close }, { period }) => {
        if (period === 9) abort.abort()
        return {
          entries: Array.from(close, (_, bar) => bar % 5 === 0),
          exits: Array.from(close, (_, bar) => bar % 5 === 1),
        }
      },
    })
    const request = untyped<SweepRequest>({
      ...REQUEST,
      strategyId: 'stopping',
      parameters: { period: { from: 2, to: 28 } },
    })
    await rejection(engine.runSweep(untyped({ ...request, constraints: undefined }), { signal: abort.signal }))
    const [info] = await engine.listSweeps()
    const resume = info?.sweepId ?? ''
    const bars = waves(366)
    const changed = { ...bars, close: bars.close.map((close) => close + 0.25) }
    await engine.importBars({ assetSymbol: 'UP', timeframe: '1d', bars: changed })
    const { message } = await failure(engine.runSweep({ resume }), 'BAD_DATA')
    expect(message).toContain('the 1d bars of UP have changed')
    await engine.importBars({ assetSymbol: 'UP', timeframe: '1d', bars })
    const calls = await Promise.allSettled([1, 2, 3].map(() => engine.runSweep({ resume })))
    expect(calls.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await failure(engine.runSweep({ resume: 'sw-000000000000' }), 'NOT_FOUND')
  })

  test('whose process is killed goes on from its last checkpoint', { timeout: 120_000 }, async () => {
    const config = await place()
    const request = {
      ...untyped<Record<string, unknown>>(REQUEST),
      parameters: {
        fast_period: { from: 2, to: 20 },
        slow_period: { from: 21, to: 60 },
        position_size: { from: 0.01, to: 1, step: 0.01 },
      },
      constraints: [],
      assetSymbols: ['UP'],
      endDate: '2020-04-30',
    }
    const engine = newEngine(config)
    await importBoth(engine)
    const ended = await inProcess(
      `const engine = new backtesting.BacktestEngine({ ...${JSON.stringify(config)}, logLevel: 'off' })
       const watch = async () => {
         const [info] = await engine.listSweeps()
         if (info?.done > 0) process.kill(process.pid, 'SIGKILL')
         setTimeout(watch, 1)
       }
       watch()
       await engine.runSweep(${JSON.stringify(request)})`,
    )
    expect(ended.status).toBeNull()
    const [info] = await engine.listSweeps()
    expect(info?.combinations).toBe(76_000)
    expect(info?.done).toBeGreaterThan(0)
    expect(info?.done).toBeLessThan(76_000)
    const sweepId = info?.sweepId ?? ''
    const resumed = await engine.runSweep({ resume: sweepId })
    expect((await engine.listSweeps())[0]).toMatchObject({ sweepId, status: 'completed', done: 76_000, error: null })
    const uninterrupted = await engine.runSweep(untyped({ ...request, persist: false }))
    const { top, notes, excluded, bars } = uninterrupted
    expect(resumed).toMatchObject({ top, notes, excluded, bars })
    for (const [name, values] of Object.entries({ ...uninterrupted.metrics, objective: uninterrupted.objective })) {
      const column =
        name === 'objective' ? resumed.objective : untyped<Record<string, Float64Array>>(resumed.metrics)[name]
      expect(Buffer.from(column?.buffer ?? new ArrayBuffer(0)).equals(Buffer.from(values.buffer)), name).toBe(true)
    }
    expect(resumed.parameters).toEqual(uninterrupted.parameters)
  })
})
