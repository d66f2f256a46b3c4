/** Results with only some of their parts, and curves with fewer points. */

import { describe, expect, test } from 'vitest'
import {
  type BacktestResult,
  type BacktestResultWith,
  type OutputName,
  type SignalsOutputName,
  simulateSignals,
} from '../index.js'
import { failure, issueAt, newEngine, request, untyped, waves } from './support.js'

const FIELDS: Record<OutputName, readonly string[]> = {
  metrics: ['metrics'],
  trades: ['trades'],
  equity: ['timestamps', 'equityCurve', 'totalPoints'],
  warnings: ['warnings', 'notes'],
}
const OUTPUTS = Object.keys(FIELDS) as OutputName[]
/** What differs from run to run. */
const VARYING = ['backtestId', 'createdAt', 'completedAt']

const CHOICES: OutputName[][] = [
  ...OUTPUTS.map((name) => [name]),
  ['metrics', 'trades'],
  ['warnings', 'equity'],
  ['equity', 'trades', 'metrics', 'warnings'],
]

/** The fields that a result with some outputs has, with the values of the whole one. */
function expected(whole: BacktestResult, outputs: OutputName[]): object {
  const absent = OUTPUTS.filter((name) => !outputs.includes(name)).flatMap((name) => FIELDS[name])
  return Object.fromEntries(Object.entries(whole).filter(([name]) => ![...absent, ...VARYING].includes(name)))
}
const comparable = (result: object | null) =>
  Object.fromEntries(Object.entries(result ?? {}).filter(([name]) => !VARYING.includes(name)))

/** Few bars cross as one block, many as a list of arrays. */
describe.each([366, 20_000])('a backtest over %i bars', (count) => {
  const wanted = {
    bars: waves(count, 3_600_000),
    endDate: '2024-01-01',
    parameters: { fast_period: 3, slow_period: 9 },
  }

  test.each(CHOICES.map((outputs) => [outputs]))(
    'with the outputs %j has their fields and no others',
    async (outputs) => {
      const engine = newEngine()
      const whole = await engine.runBacktest(request({ ...wanted }))
      expect(whole.trades.length).toBeGreaterThan(3)
      expect(whole.warnings.length).toBeGreaterThan(0)
      const result = await engine.runBacktest({ ...request(wanted), outputs })
      expect(comparable(result)).toEqual(expected(whole, outputs))
      expect(Object.keys(comparable(result))).toEqual(Object.keys(expected(whole, outputs)))
      const stored = await engine.getBacktestResults(result.backtestId)
      expect(stored).toEqual(result)
      expect(Object.keys(stored ?? {})).toEqual(Object.keys(result))
      expect(JSON.parse(JSON.stringify(stored))).toEqual(JSON.parse(JSON.stringify(result)))
      const unsaved = await engine.runBacktest({ ...request(wanted), outputs, persist: false })
      expect(Object.keys(unsaved)).toEqual(Object.keys(result))
      const [summary] = (await engine.listBacktests()).filter(({ backtestId }) => backtestId === result.backtestId)
      expect(summary?.finalCapital).toBe(whole.finalCapital)
      for (const name of ['metrics', 'warnings', 'notes'])
        expect(name in (summary ?? {}), name).toBe(name in expected(whole, outputs))
    },
  )
})

test('a request may not name an output twice, none, or one that there is not', async () => {
  const engine = newEngine()
  const problem = async (outputs: unknown) => {
    const error = await failure(
      engine.runBacktest({ ...request(), outputs: untyped<OutputName[]>(outputs) }),
      'INVALID_ARGUMENT',
    )
    return error.issues.map(({ path, code, message }) => `${path} ${code}: ${message}`).join()
  }
  expect(await problem([])).toMatch(
    /^outputs range: outputs must name at least one of metrics, trades, equity, warnings;/,
  )
  expect(await problem(['trades', 'trades'])).toBe('outputs[1] duplicate: outputs[1] names trades a second time')
  expect(await problem(['metric'])).toBe(
    'outputs[0] choice: outputs[0] must be one of metrics, trades, equity, warnings, was "metric", did you mean metrics?',
  )
  expect(await problem('metrics')).toMatch(/^outputs type: outputs must be an array of some of metrics/)
  expect(await engine.listBacktests()).toEqual([])
})

describe('what a stored backtest lacks', () => {
  test('is not drawn, and the error says what to do', async () => {
    const engine = newEngine()
    const { backtestId } = await engine.runBacktest({ ...request(), outputs: ['equity', 'metrics'] })
    const error = await failure(engine.renderChart(backtestId), 'INVALID_ARGUMENT')
    expect(issueAt(error, 'backtestId')).toMatchObject({ code: 'outputs' })
    expect(error.message).toMatch(/has no equity or no trades.*run it again without outputs/)
    const result = untyped<BacktestResult>(await engine.getBacktestResults(backtestId))
    const given = await failure(engine.renderChart(result), 'INVALID_ARGUMENT')
    expect(issueAt(given, 'result.trades')).toMatchObject({ code: 'outputs' })
  })

  test('is drawn without metrics', async () => {
    const engine = newEngine()
    const { backtestId } = await engine.runBacktest({ ...request(), outputs: ['equity', 'trades'] })
    expect((await engine.renderChart(backtestId)).length).toBeGreaterThan(10_000)
  })

  test('are no metrics of getMetrics', async () => {
    const engine = newEngine()
    const { backtestId } = await engine.runBacktest({ ...request(), outputs: ['trades'] })
    const error = await failure(engine.getMetrics(backtestId, ['sharpeRatio']), 'INVALID_ARGUMENT')
    expect(issueAt(error, 'backtestId')).toMatchObject({ code: 'outputs' })
  })
})

describe('simulateSignals', () => {
  const { timestamps, close } = waves(400)
  const signals = {
    timestamps,
    close,
    entries: Uint8Array.from(close, (_, bar) => +(bar % 20 === 3)),
    exits: Uint8Array.from(close, (_, bar) => +(bar % 20 === 11)),
    initialCapital: 1000,
  }
  const names: SignalsOutputName[] = [...OUTPUTS, 'orders']

  test.each(names.map((name) => [name]))('with the output %s has its fields and no others', async (name) => {
    const whole = await simulateSignals(signals)
    const fields = name === 'orders' ? ['orders'] : FIELDS[name]
    const kept = Object.entries(whole).filter(([field]) =>
      ['finalCapital', 'totalReturn', 'assumptions', ...fields].includes(field),
    )
    const result = await simulateSignals({ ...signals, outputs: [name] })
    expect(result).toEqual(Object.fromEntries(kept))
    expect(Object.keys(result)).toEqual(kept.map(([field]) => field))
  })
})

test('types know the fields of outputs that are named', () => {
  const compiled = (_: (engine: ReturnType<typeof newEngine>) => unknown) => {}
  compiled(async (engine): Promise<BacktestResult> => engine.runBacktest(request()))
  compiled(async (engine) => (await engine.runBacktest({ ...request(), outputs: ['metrics'] })).metrics.sharpeRatio)
  // @ts-expect-error
  compiled(async (engine) => (await engine.runBacktest({ ...request(), outputs: ['metrics'] })).trades)
  // @ts-expect-error
  compiled(async (engine) => (await engine.runBacktest({ ...request(), outputs: ['metrics', 'trades'] })).equityCurve)
  compiled(async (engine) => (await engine.runBacktest({ ...request(), outputs: ['equity'] })).equityCurve)
  // @ts-expect-error
  compiled(async (engine) => engine.runBacktest({ ...request(), outputs: ['metric'] }))
  compiled(async (): Promise<BacktestResultWith<'metrics'>> => untyped<BacktestResult>(0))
  // An engine of a test may return a whole result.
  const fake: Pick<ReturnType<typeof newEngine>, 'runBacktest'> = {
    runBacktest: async () => untyped<BacktestResult>(undefined),
  }
  expect(fake.runBacktest).toBeTypeOf('function')
})

describe('maxPoints', () => {
  const engine = () => newEngine()
  const wanted = { bars: waves(5000, 3_600_000), endDate: '2024-01-01', parameters: { fast_period: 3, slow_period: 9 } }

  test.each([4, 5, 100, 4999])('%i keeps ends and extremes, in order, of what is returned', async (maxPoints) => {
    const place = engine()
    const result = await place.runBacktest({ ...request(wanted), maxPoints })
    const whole = await place.getBacktestResults(result.backtestId)
    if (whole === null) throw new Error('not stored')
    expect([whole.totalPoints, whole.equityCurve.length, result.totalPoints]).toEqual([5000, 5000, 5000])
    const { timestamps, equityCurve } = result
    expect(timestamps.length).toBe(equityCurve.length)
    expect(timestamps.length).toBeLessThanOrEqual(maxPoints)
    expect(timestamps.length).toBeGreaterThan(Math.min(maxPoints / 2, 2000))
    const all = new Map(Array.from(whole.timestamps, (time, bar) => [time, whole.equityCurve[bar]]))
    for (const [point, time] of timestamps.entries()) {
      expect(all.get(time)).toBe(equityCurve[point])
      if (point > 0) expect(time).toBeGreaterThan(timestamps[point - 1] ?? Number.NaN)
    }
    expect([timestamps[0], timestamps.at(-1)]).toEqual([whole.timestamps[0], whole.timestamps.at(-1)])
    expect([Math.max(...equityCurve), Math.min(...equityCurve)]).toEqual([
      Math.max(...whole.equityCurve),
      Math.min(...whole.equityCurve),
    ])
    // Everything else is that of all bars.
    expect(result.metrics).toEqual(whole.metrics)
    expect(result.trades).toEqual(whole.trades)
    expect(result.assumptions).toEqual(whole.assumptions)
    const thinned = await place.getBacktestResults(result.backtestId, { maxPoints })
    expect(thinned).toEqual(result)
  })

  test('of at least the number of bars changes nothing', async () => {
    const result = await engine().runBacktest({ ...request(wanted), maxPoints: 5000, persist: false })
    const whole = await engine().runBacktest({ ...request(wanted), persist: false })
    expect(result.equityCurve).toEqual(whole.equityCurve)
    expect(result.timestamps).toEqual(whole.timestamps)
  })

  test.each([3, 0, -1, 4.5, Number.NaN])('%d is refused', async (maxPoints) => {
    const error = await failure(engine().runBacktest({ ...request(), maxPoints }), 'INVALID_ARGUMENT')
    expect(issueAt(error, 'maxPoints').message).toContain('maxPoints must')
    const place = engine()
    const { backtestId } = await place.runBacktest(request())
    const read = await failure(place.getBacktestResults(backtestId, { maxPoints }), 'INVALID_ARGUMENT')
    expect(issueAt(read, 'options.maxPoints').message).toContain('options.maxPoints must')
  })

  test('makes no chart, and the error says what to do', async () => {
    const place = engine()
    const result = await place.runBacktest({ ...request(), maxPoints: 50 })
    const error = await failure(place.renderChart(JSON.parse(JSON.stringify(result))), 'INVALID_ARGUMENT')
    expect(issueAt(error, 'result.timestamps')).toMatchObject({ code: 'thinned' })
    expect(error.message).toMatch(/ of 366 points, because the result was thinned by maxPoints: pass the id/)
    expect((await place.renderChart(result.backtestId)).length).toBeGreaterThan(10_000)
  })
})
