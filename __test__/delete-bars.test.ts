import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { BacktestEngine, BacktestResult, DeleteBarsRequest } from '../index.js'
import { connect, database, stored, TICKS } from './postgres.js'
import { DAY, failure, folder, inProcess, issueAt, newEngine, rejection, request, untyped, waves } from './support.js'

const HOUR = DAY / 24

/** An engine whose imported bars are in one of the stores. */
async function engineOn(store: 'sqlite' | 'postgres'): Promise<BacktestEngine> {
  return newEngine(store === 'sqlite' ? {} : { databaseUrl: await database() })
}

/** A request on imported bars. */
function imported(changes: Parameters<typeof request>[0] = {}) {
  const { bars: _, ...rest } = request(changes)
  return rest
}

async function importWaves(engine: BacktestEngine, count = 366, timeframe: '1h' | '1d' = '1d') {
  await engine.importBars({ assetSymbol: 'WAVES', timeframe, bars: waves(count, timeframe === '1d' ? DAY : HOUR) })
}

/** The timeframes of the asset with their numbers of bars, and the range of each. */
async function left(engine: BacktestEngine) {
  const assets = await engine.listAssets()
  return assets.flatMap(({ timeframes }) =>
    timeframes.map(({ timeframe, bars, first, last }) => [timeframe, bars, first, last]),
  )
}

describe.each(['sqlite', 'postgres'] as const)('deleteBars (%s)', (store) => {
  test('deletes a range of one timeframe and resolves to the number of bars', async () => {
    const engine = await engineOn(store)
    await importWaves(engine)
    await importWaves(engine, 240, '1h')
    const request: DeleteBarsRequest = { assetSymbol: 'WAVES', timeframe: '1h', from: '2020-01-04', to: '2020-01-05' }
    // A date as the end of the range includes its day: two days of hours.
    expect(await engine.deleteBars(request)).toBe(48)
    expect(await engine.deleteBars(request)).toBe(0)
    expect(await left(engine)).toEqual([
      ['1h', 192, '2020-01-01T00:00:00.000Z', '2020-01-10T23:00:00.000Z'],
      ['1d', 366, '2020-01-01T00:00:00.000Z', '2020-12-31T00:00:00.000Z'],
    ])
    const { timestamps } = await engine.runBacktest(
      imported({ timeframe: '1h', startDate: '2020-01-03T22:00Z', endDate: '2020-01-06T01:00Z' }),
    )
    expect(Array.from(timestamps, (time) => new Date(time).toISOString().slice(0, 13))).toEqual([
      '2020-01-03T22',
      '2020-01-03T23',
      '2020-01-06T00',
      '2020-01-06T01',
    ])
  })

  test('includes both ends, which may be texts or dates', async () => {
    const engine = await engineOn(store)
    await importWaves(engine, 240, '1h')
    const range = (range: { from?: string | Date; to?: string | Date }) =>
      engine.deleteBars({ assetSymbol: 'WAVES', ...range })
    expect(await range({ from: '2020-01-05T10:00Z', to: '2020-01-05T12:00:00+01:00' })).toBe(2)
    expect(await range({ from: new Date('2020-01-06'), to: new Date('2020-01-06') })).toBe(1)
    expect(await range({ to: '2020-01-01' })).toBe(24)
    expect(await range({ from: '2020-01-10T00:00:00.001Z' })).toBe(23)
    expect(await left(engine)).toEqual([['1h', 190, '2020-01-02T00:00:00.000Z', '2020-01-10T00:00:00.000Z']])
  })

  test('deletes every timeframe unless one is given, and then the asset is unknown', async () => {
    const engine = await engineOn(store)
    await importWaves(engine)
    await importWaves(engine, 240, '1h')
    await engine.importBars({ assetSymbol: 'WAVE2', timeframe: '1d', bars: waves(30) })
    expect(await engine.deleteBars({ assetSymbol: 'WAVES', timeframe: '4h' })).toBe(0)
    expect(await engine.deleteBars({ assetSymbol: 'WAVES' })).toBe(606)
    expect((await engine.listAssets()).map(({ assetSymbol }) => assetSymbol)).toEqual(['WAVE2'])
    const error = await failure(engine.deleteBars({ assetSymbol: 'WAVES' }), 'NO_DATA')
    expect(error.message).toBe('no bars of asset "WAVES"; did you mean "WAVE2"?')
    const run = await failure(engine.runBacktest(imported()), 'NO_DATA')
    expect(run.message).toBe(error.message)
  })

  test('takes effect for the next run, although bars are cached', async () => {
    const engine = await engineOn(store)
    await importWaves(engine)
    const bars = async () => (await engine.runBacktest(imported({ persist: false }))).timestamps.length
    expect(await bars()).toBe(366)
    await engine.deleteBars({ assetSymbol: 'WAVES', from: '2020-07-01' })
    expect(await bars()).toBe(182)
    await engine.deleteBars({ assetSymbol: 'WAVES' })
    await failure(bars(), 'NO_DATA')
    await importWaves(engine, 100)
    expect(await bars()).toBe(100)
  })

  test('is seen as a whole or not at all by runs and imports at the same time', async () => {
    const engine = await engineOn(store)
    await importWaves(engine)
    const lengths = new Set<number>()
    let deletions = 0
    const importing = async () => {
      for (let round = 0; round < 15; round++) await importWaves(engine)
    }
    const deleting = async () => {
      for (let round = 0; round < 15; round++) {
        const deleted = await engine.deleteBars({ assetSymbol: 'WAVES', from: '2020-02-01', to: '2020-11-30' })
        expect([0, 304]).toContain(deleted)
        if (deleted > 0) deletions++
      }
    }
    const running = async () => {
      for (let round = 0; round < 60; round++) {
        lengths.add((await engine.runBacktest(imported({ persist: false }))).timestamps.length)
      }
    }
    await Promise.all([importing(), deleting(), running()])
    for (const length of lengths) expect([366, 62]).toContain(length)
    expect(deletions).toBeGreaterThan(0)
  })
})

describe('deleteBars', () => {
  test('rejects an invalid request and names every problem', async () => {
    const engine = newEngine()
    await importWaves(engine)
    const all = await failure(
      engine.deleteBars(untyped({ timeframe: '2d', from: 'tomorrow', to: 7, until: '2020-01-01' })),
      'INVALID_ARGUMENT',
    )
    expect(all.issues.map(({ path }) => path).sort()).toEqual(['assetSymbol', 'from', 'timeframe', 'to', 'until'])
    const range = await failure(
      engine.deleteBars({ assetSymbol: 'WAVES', from: '2020-03-02', to: '2020-03-01' }),
      'INVALID_ARGUMENT',
    )
    expect(issueAt(range, 'to').message).toBe('to 2020-03-01T23:59:59.999Z is before from 2020-03-02')
    await failure(engine.deleteBars(untyped(undefined)), 'INVALID_ARGUMENT')
    const progress = await failure(
      engine.deleteBars({ assetSymbol: 'WAVES' }, untyped({ onProgress() {} })),
      'INVALID_ARGUMENT',
    )
    expect(issueAt(progress, 'options.onProgress').message).toContain('deleteBars reports no progress')
    expect(await left(engine)).toHaveLength(1)
  })

  test('deletes nothing if it is aborted before it is committed', async () => {
    const engine = newEngine()
    const before = await rejection(engine.deleteBars({ assetSymbol: 'WAVES' }, { signal: AbortSignal.abort() }))
    expect(before).toMatchObject({ name: 'AbortError' })
    let [aborted, deleted] = [0, 0]
    for (let round = 0; round < 20; round++) {
      await importWaves(engine, 20_000, '1h')
      const controller = new AbortController()
      // Half of the calls are aborted at once, the others after an increasing delay; the last one ends first.
      const deleting = engine.deleteBars({ assetSymbol: 'WAVES', from: '2020-01-02' }, { signal: controller.signal })
      const ended = deleting.catch((error: Error) => error)
      if (round >= 10) await Promise.race([ended, setTimeout(round < 19 ? round - 9 : 20_000)])
      controller.abort()
      const outcome = await ended
      const [[, bars] = []] = await left(engine)
      if (outcome instanceof Error) {
        expect(outcome).toMatchObject({ name: 'AbortError' })
        expect(bars).toBe(20_000)
        aborted++
      } else {
        expect([outcome, bars]).toEqual([19_976, 24])
        deleted++
      }
    }
    expect(aborted).toBeGreaterThan(0)
    expect(deleted).toBeGreaterThan(0)
  })

  test('rejects after the engine is closed', async () => {
    const engine = newEngine()
    await engine.close()
    await failure(engine.deleteBars({ assetSymbol: 'WAVES' }), 'CLOSED')
  })

  test('is seen as a whole by another process on the same file', async () => {
    const dataDir = folder()
    const engine = newEngine({ dataDir })
    await importWaves(engine, 20_000, '1h')
    const child = inProcess(
      `const engine = new backtesting.BacktestEngine({ dataDir: ${JSON.stringify(dataDir)}, logLevel: 'off' })
       const count = 20000
       const column = (price) => new Float64Array(count).fill(price)
       const timestamps = Float64Array.from({ length: count }, (_, bar) => Date.UTC(2020, 0, 1) + bar * 3600000)
       const bars = { timestamps, open: column(10), high: column(10), low: column(10), close: column(10) }
       for (let round = 0; round < 20; round++) {
         const deleted = await engine.deleteBars({ assetSymbol: 'WAVES', timeframe: '1h', from: '2020-01-02', to: '2022-04-11' })
         if (deleted !== 19944) throw new Error('deleted ' + deleted)
         await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1h', bars })
       }
       await engine.deleteBars({ assetSymbol: 'WAVES' })
       await engine.close()
       console.log('done')`,
    )
    const lengths = new Map<number, number>()
    let isDone = false
    const ended = child.finally(() => {
      isDone = true
    })
    const long = imported({ timeframe: '1h', endDate: '2022-12-31', persist: false })
    while (!isDone) {
      try {
        const { timestamps } = await engine.runBacktest(long)
        lengths.set(timestamps.length, (lengths.get(timestamps.length) ?? 0) + 1)
      } catch (error) {
        expect(error).toMatchObject({ code: 'NO_DATA' })
      }
    }
    expect(await ended).toMatchObject({ status: 0, stdout: 'done\n', stderr: '' })
    expect([...lengths.keys()].filter((length) => length !== 20_000 && length !== 56)).toEqual([])
    expect(lengths.size).toBeGreaterThan(0)
    expect(await engine.listAssets()).toEqual([])
  }, 60_000)
})

describe.each(['sqlite', 'postgres'] as const)('a backtest on imported bars (%s)', (store) => {
  const read = async (engine: BacktestEngine, id: string) => {
    const result = (await engine.getBacktestResults(id)) as BacktestResult
    const [summary] = await engine.listBacktests()
    return { result, summary }
  }

  test('says when its bars have changed, are gone, and are there again', async () => {
    const engine = await engineOn(store)
    await importWaves(engine)
    const run = await engine.runBacktest(imported())
    expect(run.barsStatus).toBe('present')
    const { backtestId } = run
    let { result, summary } = await read(engine, backtestId)
    expect(result).toEqual(run)
    expect(summary).toMatchObject({ barsStatus: 'present', warnings: run.warnings })

    await engine.deleteBars({ assetSymbol: 'WAVES', to: '2020-06-30' })
    ;({ result, summary } = await read(engine, backtestId))
    expect(result).toEqual({ ...run, barsStatus: 'changed' })
    // Lists do not read bars.
    expect(summary?.barsStatus).toBeNull()

    await engine.deleteBars({ assetSymbol: 'WAVES' })
    ;({ result, summary } = await read(engine, backtestId))
    const warning =
      'the bars of "WAVES" that this run was computed on are gone: to repeat it or to draw its prices, import them again'
    expect(result).toMatchObject({ barsStatus: 'gone', warnings: [...run.warnings, warning] })
    expect(summary).toMatchObject({ barsStatus: 'gone', warnings: [...run.warnings, warning] })
    expect(result.metrics).toEqual(run.metrics)
    expect(String(await engine.renderChart(backtestId, { format: 'svg' }))).toContain('</svg>')
    await failure(engine.runBacktest(imported()), 'NO_DATA')

    await importWaves(engine)
    ;({ result, summary } = await read(engine, backtestId))
    expect(result).toEqual(run)
    expect(summary).toMatchObject({ barsStatus: null, warnings: run.warnings })
  })

  test('stays present when other bars are added to its series or deleted from it', async () => {
    const engine = await engineOn(store)
    await importWaves(engine, 300)
    // Bars that warm up indicators are bars of the run, too.
    const range = { startDate: '2020-02-01', endDate: '2020-09-30', timeframe: '1w' as const, warmup: 'none' as const }
    const { backtestId } = await engine.runBacktest(imported(range))
    await importWaves(engine, 366)
    expect((await read(engine, backtestId)).result.barsStatus).toBe('present')
    await engine.deleteBars({ assetSymbol: 'WAVES', to: '2020-01-25' })
    expect((await read(engine, backtestId)).result.barsStatus).toBe('present')
    // The first bar of the run.
    await engine.deleteBars({ assetSymbol: 'WAVES', to: '2020-02-01' })
    expect((await read(engine, backtestId)).result.barsStatus).toBe('changed')
  })
})

test('backtests on other bars have no status of their bars', async () => {
  const engine = newEngine()
  const given = await engine.runBacktest(request())
  expect(given.barsStatus).toBeNull()
  expect(await engine.getBacktestResults(given.backtestId)).toEqual(given)
  const { bars, parameters, ...failing } = request({ strategyId: 'broken' })
  await engine.registerStrategy({
    id: 'broken',
    generateSignals() {
      throw new Error('on purpose')
    },
  })
  await importWaves(engine)
  await failure(engine.runBacktest(failing), 'INVALID_ARGUMENT')
  const [failed] = await engine.listBacktests()
  expect(failed).toMatchObject({ status: 'failed', barsStatus: null })
  expect(await engine.getBacktestResults(failed?.backtestId as string)).toMatchObject({ barsStatus: null })
})

test('bars of a price table are only read', async () => {
  const url = await database()
  const client = await connect(url)
  await client.query(TICKS)
  const engine = newEngine({ databaseUrl: url })
  const run = await engine.runBacktest(stored())
  expect(run.barsStatus).toBeNull()
  const error = await failure(engine.deleteBars({ assetSymbol: 'BTC' }), 'INVALID_ARGUMENT')
  expect(issueAt(error, 'assetSymbol').message).toBe(
    'the bars of BTC are in the table public.market_data, which is only read; deleteBars only deletes imported bars',
  )
  const count = async () => (await client.query('SELECT count(*)::int AS count FROM public.market_data')).rows
  const before = await count()
  // Imported bars replace those of the table until they are deleted.
  await engine.importBars({ assetSymbol: 'BTC', timeframe: '1d', bars: waves(10) })
  expect((await engine.runBacktest(stored())).timestamps).toHaveLength(10)
  expect(await engine.deleteBars({ assetSymbol: 'BTC', timeframe: '1d', from: '2021-01-01' })).toBe(0)
  expect(await engine.deleteBars({ assetSymbol: 'BTC' })).toBe(10)
  expect((await engine.runBacktest(stored())).timestamps).toHaveLength(300)
  expect((await engine.listAssets()).map(({ assetSymbol }) => assetSymbol)).toEqual(['BTC'])
  expect(await count()).toEqual(before)
})
