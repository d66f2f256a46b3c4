/** What an aborted promise says and what the store says agree, whenever the caller aborts. */

import { describe, expect, test } from 'vitest'
import type { BacktestEngine, BacktestRequest } from '../index.js'
import { database } from './postgres.js'
import { newEngine, request, waves } from './support.js'

const SMALL = request({ bars: waves(366) })
const MEDIUM = request({ bars: waves(30_000, 60_000), endDate: '2020-12-31' })
// A fixed size, because the gains of that many trades would overflow.
const LARGE = request({ bars: waves(1_000_000, 60_000), endDate: '2021-11-30', simulation: { size: 1 } })

/** What became of a run, as its caller sees it. */
type Fate = 'completed' | 'cancelled'

/**
 * Runs a backtest whose caller aborts when `wait` ends. Fails if the promise disagrees with the store, or resolves although it
 * was pending when it was aborted.
 */
async function aborted(
  engine: BacktestEngine,
  wanted: BacktestRequest,
  wait: (abort: () => void) => void,
  others: { onProgress?: (progress: { stage: string }) => void } = {},
): Promise<Fate> {
  const controller = new AbortController()
  const before = new Set((await engine.listBacktests({ limit: 1000 })).map(({ backtestId }) => backtestId))
  let isPending = true
  let wasPending = true
  const running = engine.runBacktest(wanted, { signal: controller.signal, ...others }).then(
    ({ backtestId }) => {
      isPending = false
      return backtestId
    },
    (error: Error) => {
      isPending = false
      return error
    },
  )
  wait(() => {
    wasPending = isPending
    controller.abort()
  })
  const outcome = await running
  const [kept, ...more] = (await engine.listBacktests({ limit: 1000 })).filter(
    ({ backtestId }) => !before.has(backtestId),
  )
  expect(more).toEqual([])
  if (typeof outcome === 'string') {
    expect(controller.signal.aborted && wasPending).toBe(false)
    expect(kept).toMatchObject({ backtestId: outcome, status: 'completed' })
    const whole = await engine.getBacktestResults(outcome)
    expect(whole?.equityCurve.length).toBeGreaterThan(0)
    return 'completed'
  }
  expect(outcome).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })
  if (wanted.persist === false) {
    expect(kept).toBeUndefined()
    return 'cancelled'
  }
  expect(kept).toMatchObject({ status: 'cancelled', finalCapital: null, barsFingerprint: null })
  const whole = await engine.getBacktestResults(String(kept?.backtestId))
  expect(whole).toMatchObject({ status: 'cancelled', trades: [], finalCapital: null })
  expect(whole?.equityCurve).toHaveLength(0)
  return 'cancelled'
}

/** Measures how long a run takes, milliseconds. */
async function duration(engine: BacktestEngine, wanted: BacktestRequest): Promise<number> {
  let shortest = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3; round++) {
    const start = performance.now()
    await engine.runBacktest(wanted)
    shortest = Math.min(shortest, performance.now() - start)
  }
  return shortest
}

/** Waits for a fraction of a millisecond or more: timers alone are too coarse. */
function after(milliseconds: number) {
  return (abort: () => void) => {
    const until = performance.now() + milliseconds
    const step = () => {
      if (performance.now() >= until) abort()
      else setImmediate(step)
    }
    step()
  }
}

async function atRandom(engine: BacktestEngine, wanted: BacktestRequest, rounds: number) {
  const usual = await duration(engine, wanted)
  const fates: Record<Fate, number> = { completed: 0, cancelled: 0 }
  for (let round = 0; round < rounds; round++) {
    // Most of them in the last part, in which the run is stored and delivered.
    const share = round % 4 === 0 ? Math.random() : 0.6 + 0.6 * Math.random()
    fates[await aborted(engine, wanted, after(usual * share))] += 1
  }
  return fates
}

describe('a run that is aborted at a random time rejects and is cancelled, or resolves and is completed', () => {
  test.each([
    ['small', SMALL, 400],
    ['medium', MEDIUM, 200],
    ['large', LARGE, 12],
  ] as const)(
    '%s, in the embedded store',
    async (_, wanted, rounds) => {
      const { completed, cancelled } = await atRandom(newEngine(), wanted, rounds)
      expect(completed + cancelled).toBe(rounds)
      expect(cancelled).toBeGreaterThan(rounds / 4)
    },
    120_000,
  )

  test.each([
    ['small', SMALL, 200],
    ['medium', MEDIUM, 60],
  ] as const)(
    '%s, in PostgreSQL',
    async (_, wanted, rounds) => {
      const engine = newEngine({ databaseUrl: await database() })
      const { completed, cancelled } = await atRandom(engine, wanted, rounds)
      expect(completed + cancelled).toBe(rounds)
      expect(cancelled).toBeGreaterThan(rounds / 4)
    },
    120_000,
  )
})

describe.each([
  ['few bars', SMALL],
  ['1,000,000 bars', LARGE],
])('a run over %s that is aborted', (_, wanted) => {
  test.each(['simulation', 'metrics', 'storing', 'completed'])(
    'when it reports the stage %s rejects and is cancelled',
    async (stage) => {
      const engine = newEngine()
      let seen = false
      let abort = () => {}
      const onProgress = (progress: { stage: string }) => {
        if (progress.stage !== stage) return
        seen = true
        abort()
      }
      const fate = await aborted(
        engine,
        wanted,
        (now) => {
          abort = now
        },
        { onProgress },
      )
      expect(seen).toBe(true)
      expect(fate).toBe('cancelled')
    },
    30_000,
  )

  test('while it is stored rejects and is cancelled', async () => {
    const engine = newEngine()
    // The next turn of the event loop after the report that storing begins.
    let abort = () => {}
    const fate = await aborted(
      engine,
      wanted,
      (now) => {
        abort = now
      },
      { onProgress: ({ stage }) => void (stage === 'storing' && setImmediate(() => abort())) },
    )
    expect(['cancelled', 'completed']).toContain(fate)
  }, 30_000)

  test('in the same turn as it starts rejects, stored or not', async () => {
    const engine = newEngine()
    expect(await aborted(engine, wanted, (now) => now())).toBe('cancelled')
    expect(await aborted(engine, { ...wanted, persist: false }, (now) => now())).toBe('cancelled')
    expect(await aborted(engine, { ...wanted, persist: false }, (now) => queueMicrotask(now))).toBe('cancelled')
  }, 30_000)
})

test('an abort in the last moment keeps its reason and the stack of the call', async () => {
  const engine = newEngine()
  const controller = new AbortController()
  const reason = new Error('the user left')
  const running = engine.runBacktest(SMALL, {
    signal: controller.signal,
    onProgress: ({ stage }) => void (stage === 'completed' && controller.abort(reason)),
  })
  const error = await running.then(
    () => undefined,
    (thrown: Error) => thrown,
  )
  expect(error).toMatchObject({ name: 'AbortError', cause: reason })
  expect(error?.stack).toContain('abort.test')
  expect((await engine.listBacktests())[0]).toMatchObject({ status: 'cancelled' })
})
