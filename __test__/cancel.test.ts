import { describe, expect, test } from 'vitest'
import type { Progress } from '../index.js'
import { newEngine, rejection, request, waves } from './support.js'

/** A backtest that takes some hundred milliseconds: a million bars and a strategy with many averages. */
function long() {
  const averages = Array.from({ length: 30 }, (_, index) => `close > sma(close, ${100 + index})`)
  const { strategyId: _, parameters: __, ...rest } = request({ bars: waves(1_000_000, 60_000), endDate: '2021-11-30' })
  return { ...rest, strategy: { id: 'long', entries: averages.join(' and '), exits: 'close < sma(close, 50)' } }
}

function expectAborted(error: unknown) {
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })
}

describe('a backtest whose signal is aborted', () => {
  test('before it starts does not run', async () => {
    const engine = newEngine()
    expectAborted(await rejection(engine.runBacktest(request(), { signal: AbortSignal.abort() })))
    expect(await engine.listBacktests({ status: 'completed' })).toEqual([])
  })

  test('right after its start is cancelled', async () => {
    const engine = newEngine()
    const controller = new AbortController()
    const running = rejection(engine.runBacktest(long(), { signal: controller.signal }))
    controller.abort()
    expectAborted(await running)
    expect(await engine.listBacktests({ status: 'completed' })).toEqual([])
  })

  test('while it runs is cancelled before its end, and its record says so', async () => {
    const engine = newEngine()
    const controller = new AbortController()
    const stages: string[] = []
    const running = rejection(
      engine.runBacktest(long(), {
        signal: controller.signal,
        onProgress: ({ stage }) => {
          stages.push(stage)
          controller.abort()
        },
      }),
    )
    expectAborted(await running)
    expect(stages.length).toBeGreaterThan(0)
    expect(stages).not.toContain('completed')
    const [run, ...others] = await engine.listBacktests()
    expect(others).toEqual([])
    expect(run).toMatchObject({ status: 'cancelled', finalCapital: null, totalReturn: null })
    expect(Object.values(run?.metrics ?? {}).every((value) => value === null)).toBe(true)
  })

  test.each(['cci(10000) > 0', 'cci(9999) > 0 and rank(close, 10000) > 0.5 and aroon_up(10000) > 50'])(
    'during an indicator with a long window is cancelled at once: %s',
    async (entries) => {
      const engine = newEngine()
      const controller = new AbortController()
      const strategy = { id: 'long', entries, exits: 'close < sma(close, 50)' }
      const running = rejection(engine.runBacktest({ ...long(), strategy }, { signal: controller.signal }))
      // The indicator alone takes seconds.
      await new Promise((resolve) => setTimeout(resolve, 400))
      const aborted = performance.now()
      controller.abort()
      expectAborted(await running)
      expect(performance.now() - aborted).toBeLessThan(500)
    },
  )

  test('while it is queued releases its position', async () => {
    const engine = newEngine({ maxConcurrentBacktests: 1 })
    const controller = new AbortController()
    const first = engine.runBacktest(long())
    const waiting = rejection(engine.runBacktest(request(), { signal: controller.signal }))
    const last = engine.runBacktest(request())
    controller.abort()
    expectAborted(await waiting)
    expect((await first).status).toBe('completed')
    expect((await last).status).toBe('completed')
  })

  test('after its end remains completed', async () => {
    const controller = new AbortController()
    const engine = newEngine()
    const result = await engine.runBacktest(request(), { signal: controller.signal })
    controller.abort()
    expect((await engine.getBacktestResults(result.backtestId))?.status).toBe('completed')
  })

  test('keeps the handlers of its caller; one signal cancels several backtests', async () => {
    const engine = newEngine()
    const controller = new AbortController()
    let aborts = 0
    controller.signal.onabort = () => {
      aborts += 1
    }
    // Created before either starts: creating a million bars takes longer than a backtest over them.
    const requests = [long(), long()]
    const running = requests.map((request) => rejection(engine.runBacktest(request, { signal: controller.signal })))
    controller.abort(new Error('the user left'))
    for (const error of await Promise.all(running)) {
      expectAborted(error)
      expect((error as Error).cause).toMatchObject({ message: 'the user left' })
    }
    expect(aborts).toBe(1)
  })

  test('by a timeout is cancelled as well', async () => {
    expectAborted(await rejection(newEngine().runBacktest(long(), { signal: AbortSignal.timeout(5) })))
  })
})

test('windows of thousands of bars over a million bars take little time for any prices', async () => {
  const engine = newEngine()
  const bars = waves(1_000_000, 60_000)
  for (let bar = 0; bar < 1_000_000; bar++) {
    const price = bar < 500_000 ? 100 + bar : 600_000 - bar / 2
    for (const name of ['open', 'high', 'low', 'close'] as const) bars[name][bar] = price
  }
  const windows = ['aroon_up', 'aroon_down', 'rank', 'highest', 'stdev', 'linreg', 'willr', 'stoch_k', 'donchian_upper']
  for (const name of windows) {
    const { strategyId: _, parameters: __, ...rest } = request({ bars, endDate: '2021-11-30', persist: false })
    const strategy = { id: 'long', entries: `${name}(10000) > 0`, exits: `${name}(9999) < 0` }
    const start = performance.now()
    expect((await engine.runBacktest({ ...rest, strategy })).status).toBe('completed')
    // If the time were proportional to the window, some would take more than ten seconds.
    expect(performance.now() - start, name).toBeLessThan(5_000)
  }
}, 60_000)

describe('progress', () => {
  test('never decreases, stays within 0 and 100, and has the id of the backtest', async () => {
    const reports: Progress[] = []
    const result = await newEngine().runBacktest(long(), { onProgress: (report) => reports.push(report) })
    expect(reports.length).toBeGreaterThan(0)
    let before = 0
    for (const report of reports) {
      expect(report.backtestId).toBe(result.backtestId)
      expect(report.progress).toBeGreaterThanOrEqual(before)
      expect(report.progress).toBeLessThanOrEqual(100)
      expect(typeof report.stage).toBe('string')
      expect(Number.isInteger(report.tradesExecuted)).toBe(true)
      if (report.currentDate !== null) expect(report.currentDate).toMatch(/^202\d-.*Z$/)
      before = report.progress
    }
  })

  test('ends at 100 before the promise resolves', async () => {
    const reports: Progress[] = []
    await newEngine().runBacktest(request(), { onProgress: (report) => reports.push(report) })
    expect(reports.at(-1)?.progress).toBe(100)
    const count = reports.length
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(reports).toHaveLength(count)
  })
})

test('the event loop keeps turning during a backtest', async () => {
  const running = newEngine().runBacktest(long())
  let turns = 0
  let done = false
  const finished = running.then(() => {
    done = true
  })
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve))
    turns += 1
  }
  await finished
  expect(turns).toBeGreaterThan(20)
})
