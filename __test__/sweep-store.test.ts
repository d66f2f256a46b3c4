import { describe, expect, test } from 'vitest'
import type { SweepRequest, SweepResult, SweepTop } from '../index.js'
import { database } from './postgres.js'
import { DAY, failure, folder, newEngine, rejection, untyped, waves } from './support.js'

/** A store of each kind, empty. */
const STORES: [string, () => Promise<{ dataDir: string } | { databaseUrl: string }>][] = [
  ['SQLite', async () => ({ dataDir: folder() })],
  ['PostgreSQL', async () => ({ databaseUrl: await database() })],
]

/** A sweep of 8 × 4 combinations that is kept. */
function grid(changes = {}): SweepRequest {
  return untyped({
    strategyId: 'sma_crossover',
    assetSymbol: 'WAVES',
    startDate: '2020-01-01',
    endDate: '2020-12-31',
    initialCapital: 10_000,
    bars: waves(366),
    parameters: { fast_period: { from: 3, to: 10 }, slow_period: [15, 20, 25, 30] },
    persist: true,
    ...changes,
  })
}

/** 16,000 combinations on 8000 bars, which take long enough to be aborted. */
const LONG = {
  timeframe: '1h',
  parameters: { fast_period: { from: 2, to: 81 }, slow_period: { from: 151, to: 350 } },
  metrics: ['totalReturn', 'maxDrawdown', 'totalTrades'],
}
const hours = () => waves(8000, DAY / 24)

/** Returns what two sweeps of one request have in common. */
function content({ sweepId: _, elapsedMs: __, paths: ___, ...rest }: SweepResult) {
  return rest
}

/** Fails unless two sweeps have the same columns, bit by bit, and the same best combinations. */
function expectSame(found: SweepResult, expected: SweepResult): void {
  const bytes = (column: Float64Array | Uint8Array) => Buffer.from(column.buffer, column.byteOffset, column.byteLength)
  const same = (name: string, a?: Float64Array | Uint8Array, b?: Float64Array | Uint8Array) =>
    expect(a && b && Buffer.compare(bytes(a), bytes(b)) === 0, name).toBe(true)
  for (const group of ['parameters', 'metrics'] as const) {
    expect(Object.keys(found[group])).toEqual(Object.keys(expected[group]))
    for (const [name, column] of Object.entries(expected[group]))
      same(name, (found[group] as Record<string, Float64Array>)[name], column)
  }
  same('objective', found.objective, expected.objective)
  same('standing', found.standing, expected.standing)
  const { top, excluded, notes, bars, combinations, status } = found
  expect({ top, excluded, notes, bars, combinations, status }).toEqual({
    top: expected.top,
    excluded: expected.excluded,
    notes: expected.notes,
    bars: expected.bars,
    combinations: expected.combinations,
    status: 'completed',
  })
}

describe.each(STORES)('a kept sweep (%s)', (_, place) => {
  /** Keeps a sweep and returns it with an engine on its store. */
  async function kept(changes = {}) {
    const config = await place()
    const engine = newEngine(config)
    const result = await engine.runSweep(grid(changes))
    return { config, engine, result }
  }

  test('is read as it was returned, also by another engine', async () => {
    const { config, engine, result } = await kept()
    expect(result.combinations).toBe(32)
    expect(result.status).toBe('completed')
    expect(result.sweepId).toMatch(/^sw-[0-9a-f]{12}$/)
    expect(await engine.getSweep(result.sweepId)).toEqual(result)
    expect(await newEngine(config).getSweep(result.sweepId)).toEqual(result)
    // The same as one that is not kept.
    const other = await engine.runSweep(grid({ persist: false }))
    expect(content(other)).toEqual(content(result))
    expect(await engine.getSweep(other.sweepId)).toBeNull()
  })

  test('has the metrics of the runs with the same parameters', async () => {
    const { engine, result } = await kept()
    const { combination, parameters, objective } = result.top[0] as SweepTop
    const warmup = result.bars[0]?.warmupBars ?? 0
    const run = await engine.runBacktest(untyped({ ...grid(), parameters, warmup, persist: false }))
    expect(run.metrics.sharpeRatio).toBeCloseTo(objective, 9)
    const page = await engine.getSweep(result.sweepId, { from: combination, to: combination + 1 })
    expect(page?.metrics.totalReturn?.[0]).toBeCloseTo(run.metrics.totalReturn as number, 9)
  })

  test('reports every problem of a page and of a filter at once', async () => {
    const { engine, result } = await kept()
    const page = untyped<object>({ from: 3, to: 2, metrics: ['sharpRatio'], limit: 1 })
    const error = await failure(engine.getSweep(result.sweepId, page), 'INVALID_ARGUMENT')
    expect(error.issues.map(({ path }) => path)).toEqual(['to', 'limit'])
    const unknown = await failure(
      engine.getSweep(result.sweepId, untyped({ metrics: ['sharpRatio', 'valueAtRisk'] })),
      'INVALID_ARGUMENT',
    )
    expect(unknown.issues.map(({ path }) => path)).toEqual(['metrics[0]', 'metrics[1]'])
    expect(unknown.message).toContain('did you mean sharpeRatio?')
    const where = await failure(engine.getSweep(result.sweepId, { where: 'sharpe > 1' }), 'INVALID_ARGUMENT')
    expect(where.message).toContain('did you mean `sharpeRatio`?')
    const filter = await failure(engine.listSweeps(untyped({ asset: 'X', limit: 0 })), 'INVALID_ARGUMENT')
    expect(filter.issues.map(({ path }) => path)).toEqual(['limit', 'asset'])
  })

  test('goes on where it was aborted, with the result of one that was not', { timeout: 120_000 }, async () => {
    const config = await place()
    const engine = newEngine(config)
    await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1h', bars: hours() })
    const { bars: _, ...request } = untyped<Record<string, unknown>>(grid(LONG))
    const whole = await engine.runSweep(untyped({ ...request, persist: false }))
    const aborting = new AbortController()
    const error = await rejection(
      engine.runSweep(untyped(request), {
        signal: aborting.signal,
        onProgress: ({ done }) => done > 0 && aborting.abort(),
      }),
    )
    const partial = untyped<{ name: string; sweep: SweepResult }>(error)
    expect(partial.name).toBe('AbortError')
    const { sweepId } = partial.sweep
    const done = partial.sweep.objective.length
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(whole.combinations)
    expect(partial.sweep.objective).toEqual(whole.objective.slice(0, done))
    const [listed] = await engine.listSweeps()
    expect(listed).toMatchObject({ sweepId, status: 'cancelled', done, combinations: whole.combinations, best: null })
    const read = (await engine.getSweep(sweepId)) as SweepResult
    expect([read.status, read.objective]).toEqual(['cancelled', partial.sweep.objective])
    // Another engine on the same store goes on.
    const other = newEngine(config)
    const reports: number[] = []
    const resumed = await other.runSweep({ resume: sweepId }, { onProgress: (report) => reports.push(report.done) })
    expect(resumed.sweepId).toBe(sweepId)
    expectSame(resumed, whole)
    expect(Math.min(...reports.filter((count) => count > 0))).toBeGreaterThanOrEqual(done)
    expectSame((await engine.getSweep(sweepId)) as SweepResult, whole)
    // It is completed now.
    await failure(engine.runSweep({ resume: sweepId }), 'INVALID_ARGUMENT')
  })

  test('needs the same bars to go on if they came with the request', { timeout: 120_000 }, async () => {
    const engine = newEngine(await place())
    const request = grid({ ...LONG, bars: hours() })
    const aborting = new AbortController()
    const onProgress = ({ done }: { done: number }) => done > 0 && aborting.abort()
    await rejection(engine.runSweep(request, { signal: aborting.signal, onProgress: untyped(onProgress) }))
    const { sweepId = '', done } = (await engine.listSweeps())[0] ?? {}
    expect(done).toBeGreaterThan(0)
    const without = await rejection(engine.runSweep({ resume: sweepId }))
    expect(without).toBeInstanceOf(Error)
    const other = hours()
    other.volume[7] = 5
    const changed = await failure(engine.runSweep({ resume: sweepId, bars: other }), 'BAD_DATA')
    expect(changed.message).toContain('have changed')
    const resumed = await engine.runSweep({ resume: sweepId, bars: hours() })
    const { bars: _, ...rest } = untyped<Record<string, unknown>>(request)
    expectSame(resumed, await engine.runSweep(untyped({ ...rest, bars: hours(), persist: false })))
  })
})

test('a sweep that does not exist', async () => {
  const engine = newEngine()
  expect(await engine.getSweep('sw-000000000000')).toBeNull()
  expect(await engine.deleteSweep('sw-000000000000')).toBe(false)
  expect(await engine.listSweeps()).toEqual([])
  const error = await failure(engine.runSweep({ resume: 'sw-000000000000' }), 'NOT_FOUND')
  expect(error.message).toContain('sw-000000000000')
  await failure(engine.getSweep(untyped(undefined)), 'INVALID_ARGUMENT')
  await failure(engine.deleteSweep(untyped(42)), 'INVALID_ARGUMENT')
})
