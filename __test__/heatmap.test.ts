import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  BacktestEngine,
  type HeatmapOptions,
  renderHeatmap,
  type SweepJson,
  type SweepRequest,
  type SweepResult,
} from '../index.js'
import { colors, decodePng } from './png.js'
import { database } from './postgres.js'
import { failure, issueAt, newEngine, untyped, waves } from './support.js'

const OPTIONS = { x: 'fast_period', y: 'slow_period' } as const

/** A sweep of 8 × 4 × 3 combinations, a third of them without a stop. */
function grid(changes = {}): SweepRequest {
  return untyped({
    strategyId: 'sma_crossover',
    assetSymbol: 'WAVES',
    startDate: '2020-01-01',
    endDate: '2020-12-31',
    initialCapital: 10_000,
    bars: waves(366),
    parameters: {
      fast_period: { from: 3, to: 10 },
      slow_period: [15, 20, 25, 30],
      'simulation.slStop': [null, 0.01, 0.1],
    },
    persist: true,
    ...changes,
  })
}

/** Returns whether two files are identical. */
const alike = (file: Uint8Array, other: Uint8Array) => Buffer.compare(file, other) === 0

/** Returns what a result is after it went through JSON. */
const throughJson = (result: SweepResult): SweepJson => JSON.parse(JSON.stringify(result))

describe('renderHeatmap', () => {
  let engine: BacktestEngine
  let result: SweepResult
  const svg = async (options: object = {}, sweep: string | SweepResult | SweepJson = result) =>
    Buffer.from(await engine.renderHeatmap(sweep, untyped({ ...OPTIONS, format: 'svg', ...options }))).toString()
  const titleOf = (file: string) => /<title>(.*?)<\/title>/.exec(file)?.[1]
  const descriptionOf = (file: string) => /<desc>(.*?)<\/desc>/.exec(file)?.[1]

  beforeAll(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'backtesting-'))
    engine = new BacktestEngine({ logLevel: 'off', dataDir })
    result = await engine.runSweep(grid())
    return async () => {
      await engine.close()
      rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 })
    }
  })

  test('draws a PNG of the requested size', async () => {
    const file = await engine.renderHeatmap(result, OPTIONS)
    expect(file).toBeInstanceOf(Buffer)
    const { width, height } = decodePng(file)
    expect([width, height]).toEqual([1200, 800])
    const dark = decodePng(await engine.renderHeatmap(result, { ...OPTIONS, width: 640, height: 480, theme: 'dark' }))
    expect([dark.width, dark.height]).toEqual([640, 480])
    expect(colors(dark).get('#0e131a') ?? 0).toBeGreaterThan(50_000)
    expect(colors(dark).get('#ffffff') ?? 0).toBe(0)
  })

  test('says in its title what it shows', async () => {
    expect(titleOf(await svg())).toBe('sharpeRatio of SMA crossover · WAVES · 1d, 1 Jan 2020 – 31 Dec 2020')
    expect(descriptionOf(await svg())).toBe('96 combinations, median over simulation.slStop (3 values)')
    expect(titleOf(await svg({ metric: 'maxDrawdown' }))).toMatch(/^maxDrawdown of /)
    expect(descriptionOf(await svg({ aggregate: 'max' }))).toContain('maximum over simulation.slStop')
    const fixed = await svg({ aggregate: { 'simulation.slStop': 0.1 } })
    expect(descriptionOf(fixed)).toBe('32 combinations, fixed: simulation.slStop 0.1')
    expect(await svg({ aggregate: 'max', fixed: { 'simulation.slStop': 0.1 } })).toBe(fixed)
    const off = await svg({ fixed: { 'simulation.slStop': null } })
    expect(descriptionOf(off)).toBe('32 combinations, fixed: simulation.slStop off')
    expect(off).not.toBe(fixed)
  })

  test('draws a line over one parameter', async () => {
    const line = await svg({ x: 'simulation.slStop', y: undefined, aggregate: 'mean' })
    expect(descriptionOf(line)).toBe('96 combinations, mean over fast_period (8 values) and slow_period (4 values)')
    expect(titleOf(line)).toMatch(/^sharpeRatio of /)
  })

  test('takes the parameters with several values as axes', async () => {
    const fixed = { 'simulation.slStop': 0.1 }
    const plain = await engine.renderHeatmap(result, { ...OPTIONS, fixed })
    expect(alike(await engine.renderHeatmap(result, { fixed }), plain)).toBe(true)
    expect(alike(await engine.renderHeatmap(result.sweepId, { fixed }), plain)).toBe(true)
    const error = await failure(engine.renderHeatmap(result), 'INVALID_ARGUMENT')
    expect(error.message).toBe(
      'options.x is required: the sweep has 3 parameters with several values: fast_period, slow_period and simulation.slStop',
    )
  })

  test('draws the same picture from an id, a result, and a result that went through JSON', async () => {
    const read = (await engine.getSweep(result.sweepId)) as SweepResult
    for (const options of [
      OPTIONS,
      { ...OPTIONS, metric: 'totalReturn', aggregate: 'max' },
      { x: 'simulation.slStop', metric: 'winRate' },
      { ...OPTIONS, format: 'svg', fixed: { 'simulation.slStop': null } },
    ] satisfies HeatmapOptions[]) {
      const kept = await engine.renderHeatmap(result.sweepId, options)
      expect(alike(kept, await engine.renderHeatmap(result, options))).toBe(true)
      expect(alike(kept, await engine.renderHeatmap(read, options))).toBe(true)
      expect(alike(kept, await engine.renderHeatmap(throughJson(result), options))).toBe(true)
      // A copy has the columns, too.
      expect(alike(kept, await engine.renderHeatmap({ ...result }, options))).toBe(true)
    }
    expect(
      alike(await engine.renderHeatmap(result, OPTIONS), await engine.renderHeatmap(result, { x: 'fast_period' })),
    ).toBe(false)
  })

  test('draws the same picture from PostgreSQL', async () => {
    const other = newEngine({ databaseUrl: await database() })
    const { sweepId } = await other.runSweep(grid())
    expect(alike(await other.renderHeatmap(sweepId, OPTIONS), await engine.renderHeatmap(result, OPTIONS))).toBe(true)
  })

  test('has assets and timeframes as parameters', async () => {
    const several = newEngine()
    for (const [assetSymbol, count] of [
      ['WAVES', 366],
      ['CALM', 300],
    ] as const)
      await several.importBars({ assetSymbol, timeframe: '1d', bars: waves(count) })
    const { bars: _, assetSymbol: __, ...request } = untyped<Record<string, unknown>>(grid())
    const sweep = await several.runSweep(
      untyped({ ...request, assetSymbols: ['WAVES', 'CALM'], timeframes: ['1d', '1w'], minTrades: 0 }),
    )
    const draw = async (options: object, from: string | SweepResult | SweepJson = sweep) =>
      Buffer.from(await several.renderHeatmap(from, untyped({ format: 'svg', ...options }))).toString()
    const file = await draw({ x: 'assetSymbol', y: 'timeframe' })
    // The first week began in 2019.
    expect(titleOf(file)).toMatch(/^sharpeRatio of SMA crossover · 2 assets · 2 timeframes, .* – 31 Dec 2020$/)
    expect(descriptionOf(file)).toContain('384 combinations')
    const waves1d = { ...OPTIONS, fixed: { assetSymbol: 'WAVES', timeframe: '1d' } }
    expect(descriptionOf(await draw(waves1d))).toContain('fixed: assetSymbol WAVES, timeframe 1d')
    for (const options of [{ x: 'timeframe' }, waves1d]) {
      const expected = await draw(options)
      expect(await draw(options, sweep.sweepId)).toBe(expected)
      expect(await draw(options, throughJson(sweep))).toBe(expected)
    }
    const error = await failure(draw({ ...OPTIONS, fixed: { assetSymbol: 'WAVE' } }), 'INVALID_ARGUMENT')
    expect(error.message).toBe('no combination has options.fixed.assetSymbol "WAVE", did you mean WAVES?')
  })

  test('draws a page, and says that it is one', async () => {
    const page = (await engine.getSweep(result.sweepId, { where: 'fast_period < 6' })) as SweepResult
    expect(descriptionOf(await svg({}, page))).toContain('36 combinations, part of a sweep over 96 combinations, ')
    expect(await svg({}, throughJson(page))).toBe(await svg({}, page))
  })

  test('reports every problem at once, with the nearest names', async () => {
    const error = await failure(
      engine.renderHeatmap(
        result,
        untyped({ x: 'fast', y: 'fast', metric: 'sharpRatio', fixed: { 'simulation.slStop': 0.2 } }),
      ),
      'INVALID_ARGUMENT',
    )
    expect(issueAt(error, 'options.x').message).toContain('did you mean fast_period?')
    expect(issueAt(error, 'options.metric').message).toBe('unknown metric "sharpRatio", did you mean sharpeRatio?')
    expect(error.issues.find(({ path }) => path === 'options.fixed.simulation.slStop')?.message).toContain(
      'its values are 0.01, 0.1 and off',
    )
    // By id, the same.
    const byId = await failure(
      engine.renderHeatmap(result.sweepId, untyped({ x: 'fast', y: 'fast', metric: 'sharpRatio' })),
      'INVALID_ARGUMENT',
    )
    expect(byId.issues.map(({ path }) => path)).toContain('options.x')
    expect(issueAt(byId, 'options.metric').message).toBe('unknown metric "sharpRatio", did you mean sharpeRatio?')
    const size = await failure(engine.renderHeatmap(untyped(7), untyped({ widht: 3, height: 1 })), 'INVALID_ARGUMENT')
    expect(size.issues.map(({ path }) => path).sort()).toEqual(['options.height', 'options.widht', 'sweep'])
    const kept = await engine.runSweep(grid({ metrics: ['totalReturn'] }))
    const missing = await failure(engine.renderHeatmap(kept.sweepId, { ...OPTIONS, metric: 'sqn' }), 'INVALID_ARGUMENT')
    expect(missing.message).toContain('the sweep has not kept options.metric sqn')
    // The objective is kept in any case.
    await engine.renderHeatmap(kept.sweepId, OPTIONS)
    await failure(engine.renderHeatmap('sw-000000000000', OPTIONS), 'NOT_FOUND')
    await failure(engine.renderHeatmap(untyped(undefined), OPTIONS), 'INVALID_ARGUMENT')
    await failure(renderHeatmap('sw-000000000000', untyped(undefined)), 'NOT_FOUND')
  })

  test.each<[string, (json: SweepJson) => unknown, string]>([
    ['sweep.objective', (json) => ({ ...json, objective: undefined }), 'sweep.objective is required'],
    [
      'sweep.objective[1]',
      (json) => json.objective.splice(1, 1, untyped('x')),
      'must be a number, was a value of type string',
    ],
    [
      'sweep.objective[95]',
      (json) => Object.assign(json.objective, { length: 95 }) && Object.assign(json.objective, { length: 2 ** 32 - 1 }),
      'must be a number',
    ],
    ['sweep.standing[2]', (json) => json.standing.splice(2, 1, 7), 'must be a whole number from 0 to 4, was 7'],
    ['sweep.standing', (json) => json.standing.pop(), '95 values for 96 combinations'],
    ['sweep.parameters.fast_period', (json) => json.parameters.fast_period?.pop(), '95 values for 96 combinations'],
    ['sweep.parameters', (json) => ({ ...json, parameters: null }), 'sweep.parameters is required'],
    ['sweep.metrics', (json) => ({ ...json, metrics: [1] }), 'must be an object of columns, was an array'],
    ['sweep.strategyId', (json) => ({ ...json, strategyId: undefined }), 'sweep.strategyId is required'],
  ])('rejects a result whose %s is damaged', async (path, damage, message) => {
    const json = throughJson(result)
    const damaged = damage(json)
    const sweep = typeof damaged === 'object' && damaged !== null && 'sweepId' in damaged ? damaged : json
    const error = await failure(engine.renderHeatmap(untyped(sweep), OPTIONS), 'INVALID_ARGUMENT')
    expect(issueAt(error, path).message).toContain(message)
  })

  test('names what a getter of a result throws as the cause', async () => {
    const thrown = new Error('no')
    const sweep = { ...result }
    Object.defineProperty(sweep, 'metrics', {
      get() {
        throw thrown
      },
    })
    const error = await failure(engine.renderHeatmap(sweep, OPTIONS), 'INVALID_ARGUMENT')
    expect(error.cause).toBe(thrown)
  })

  test('needs combinations', async () => {
    const empty = (await engine.getSweep(result.sweepId, { where: 'fast_period > 100' })) as SweepResult
    const error = await failure(engine.renderHeatmap(empty, OPTIONS), 'NO_DATA')
    expect(error.message).toBe('the sweep has no combinations')
  })
})
