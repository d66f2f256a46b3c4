import { describe, expect, test } from 'vitest'
import { type BacktestResult, renderChart } from '../index.js'
import { colors, decodePng } from './png.js'
import { DAY, failure, issueAt, newEngine, request, SP500, untyped, waves } from './support.js'

/** Colors that identify parts of a picture. */
const LIGHT = { background: '#ffffff', price: '#3d4858', strategy: '#1a5fd0', hold: '#808a98', profit: '#008f69' }
const DARK = { background: '#0e131a', strategy: '#5aa5ff' }

/** Runs a strategy on bars in the engine's store. */
async function stored(changes = {}) {
  const engine = newEngine()
  await engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: waves(366) })
  const { bars, ...rest } = request(changes)
  const result = await engine.runBacktest(rest)
  return { engine, result }
}

/** Returns whether two files are identical. */
const alike = (file: Uint8Array, other: Uint8Array) => Buffer.compare(file, other) === 0

function count(file: Uint8Array, color: string): number {
  return colors(decodePng(file)).get(color) ?? 0
}

describe('renderChart', () => {
  test('draws a stored run as a PNG of the requested size', async () => {
    const { engine, result } = await stored()
    const file = await engine.renderChart(result.backtestId, { width: 800, height: 600 })
    expect(file).toBeInstanceOf(Buffer)
    const picture = decodePng(file)
    expect([picture.width, picture.height]).toEqual([800, 600])
    const found = colors(picture)
    for (const [name, color] of Object.entries(LIGHT)) expect(found.get(color) ?? 0, name).toBeGreaterThan(30)
    // Most of it is background, but not all.
    const background = (found.get(LIGHT.background) ?? 0) / (800 * 600)
    expect(background).toBeGreaterThan(0.4)
    expect(background).toBeLessThan(0.95)
  })

  test('returns a light PNG of 1200 × 800 pixels by default', async () => {
    const { engine, result } = await stored()
    const file = await engine.renderChart(result.backtestId)
    const { width, height } = decodePng(file)
    expect([width, height]).toEqual([1200, 800])
    const same = { format: 'png', width: 1200, height: 800, theme: 'light' } as const
    expect(alike(file, await engine.renderChart(result.backtestId, same))).toBe(true)
  })

  test('has a dark theme', async () => {
    const { engine, result } = await stored()
    const found = colors(decodePng(await engine.renderChart(result.backtestId, { theme: 'dark' })))
    expect(found.get(DARK.background) ?? 0).toBeGreaterThan(400_000)
    expect(found.get(DARK.strategy) ?? 0).toBeGreaterThan(100)
    expect(found.get(LIGHT.background) ?? 0).toBe(0)
  })

  test('draws a self-contained SVG', async () => {
    const { engine, result } = await stored()
    const svg = (await engine.renderChart(result.backtestId, { format: 'svg', width: 640, height: 480 })).toString()
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="640" height="480" viewBox="0 0 640 480"/)
    expect(svg).toContain('<title>SMA crossover on WAVES, 1d, 1 Jan 2020 – 31 Dec 2020</title>')
    expect(svg).toMatch(
      /<desc>Return [+−][\d,.]+ %, Buy and hold [+−][\d.]+ %, Sharpe [\d.−]+, Max drawdown −[\d.]+ %, /,
    )
    expect(svg).not.toMatch(/<(?:text|image|style|script|font)|url\(|href="(?!#)/)
    expect(svg.length).toBeLessThan(200_000)
  })

  test('draws the same picture from a result as from its id', async () => {
    const { engine, result } = await stored()
    const kept = await engine.renderChart(result.backtestId)
    expect(alike(kept, await engine.renderChart(result))).toBe(true)
    const read = (await engine.getBacktestResults(result.backtestId)) as BacktestResult
    expect(alike(kept, await engine.renderChart(read))).toBe(true)
    // In a result that went through JSON, columns are arrays.
    const parsed = JSON.parse(
      JSON.stringify({
        ...result,
        trades: result.trades,
        timestamps: [...result.timestamps],
        equityCurve: [...result.equityCurve],
      }),
    )
    expect(alike(kept, await engine.renderChart(parsed))).toBe(true)
  })

  test('draws a run that was not stored', async () => {
    const { engine, result } = await stored({ persist: false })
    expect(count(await engine.renderChart(result), LIGHT.price)).toBeGreaterThan(30)
    await failure(engine.renderChart(result.backtestId), 'NOT_FOUND')
  })

  test('marks open, short and losing trades', async () => {
    const short = await stored({ simulation: { direction: 'shortOnly' } })
    const both = await stored({ simulation: { direction: 'both' } })
    const svg = async ({ engine, result }: typeof short) =>
      (await engine.renderChart(result, { format: 'svg' })).toString()
    expect(await svg(short)).not.toBe(await svg(both))
    expect(short.result.trades.every(({ direction }) => direction === 'short')).toBe(true)
  })

  test('is also exported for the default engine', async () => {
    await failure(renderChart('bt-000000000000', { width: 1 }), 'INVALID_ARGUMENT')
  })
})

test('an open trade ends at the last close, drawn from the id and from the result', async () => {
  const { engine, result } = await stored({ strategyId: 'buy_and_hold', parameters: {} })
  expect(result.trades.at(-1)?.status).toBe('open')
  const [byId, byResult, parsed] = await Promise.all(
    [result.backtestId, result, untyped<BacktestResult>(JSON.parse(JSON.stringify(result)))].map((run) =>
      engine.renderChart(run, { format: 'svg' }),
    ),
  )
  expect(alike(byId as Uint8Array, byResult as Uint8Array)).toBe(true)
  expect(alike(byId as Uint8Array, parsed as Uint8Array)).toBe(true)
})

describe('the prices of a chart', () => {
  test('are the given bars if the bars were passed with the request', async () => {
    const engine = newEngine()
    const { backtestId } = await engine.runBacktest(request())
    const without = await engine.renderChart(backtestId)
    expect(count(without, LIGHT.price)).toBe(0)
    expect(count(without, LIGHT.hold)).toBe(0)
    expect(count(without, LIGHT.strategy)).toBeGreaterThan(100)
    expect(count(without, LIGHT.profit)).toBeGreaterThan(30)
    const bars = await engine.renderChart(backtestId, { bars: waves(366) })
    expect(count(bars, LIGHT.price)).toBeGreaterThan(100)
    expect(count(bars, LIGHT.hold)).toBeGreaterThan(100)
    // The same picture as from the store.
    const other = await stored()
    expect(alike(bars, await other.engine.renderChart(other.result))).toBe(true)
  })

  test('may be finer and cover more time than the run', async () => {
    const engine = newEngine()
    const hours = waves(24 * 366, DAY / 24)
    const run = { bars: hours, timeframe: '1d' as const, startDate: '2020-02-01', endDate: '2020-11-30' }
    const { backtestId } = await engine.runBacktest(request(run))
    expect(count(await engine.renderChart(backtestId, { bars: hours }), LIGHT.price)).toBeGreaterThan(100)
  })

  test('must equal those of the run', async () => {
    const engine = newEngine()
    const result = await engine.runBacktest(request())
    const changed = waves(366)
    changed.close[100] = (changed.close[100] ?? 0) + 0.5
    for (const bars of [changed, waves(200), waves(366, DAY / 24)]) {
      const error = await failure(engine.renderChart(result.backtestId, { bars }), 'INVALID_ARGUMENT')
      expect(issueAt(error, 'options.bars').message).toBe(
        'options.bars are not the 1d bars of "WAVES" that the run was computed on',
      )
    }
    const broken = waves(366)
    broken.high[3] = 0
    await failure(engine.renderChart(result.backtestId, { bars: broken }), 'BAD_DATA')
  })

  test('are left out if the stored ones have changed', async () => {
    const { engine, result } = await stored()
    const kept = await stored({ persist: false })
    const changed = waves(366)
    changed.close[365] = (changed.close[365] ?? 0) + 0.5
    for (const { engine: changing } of [{ engine }, kept])
      await changing.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: changed })
    expect(count(await engine.renderChart(result.backtestId), LIGHT.price)).toBe(0)
    expect(count(await kept.engine.renderChart(kept.result), LIGHT.price)).toBe(0)
  })

  test('are resampled like those of the run', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
    const range = { assetSymbol: 'SP500', startDate: '2012-01-02', endDate: '2014-12-31', timeframe: '1w' as const }
    const { bars, ...rest } = request(range)
    const { backtestId } = await engine.runBacktest(rest)
    expect(count(await engine.renderChart(backtestId), LIGHT.price)).toBeGreaterThan(100)
  })
})

describe('renderChart rejects', () => {
  test('invalid options, with all problems at once', async () => {
    const engine = newEngine()
    const options = untyped<object>({ format: 'gif', width: 199, height: 4097, theme: 'blue', widht: 3 })
    const error = await failure(engine.renderChart(untyped(7), options), 'INVALID_ARGUMENT')
    expect(error.issues.map(({ message }) => message)).toEqual([
      'options.width must be between 200 and 4096, was 199',
      'options.height must be between 200 and 4096, was 4097',
      'options.format must be one of png, svg, was string "gif"',
      'options.theme must be one of light, dark, was string "blue"',
      'unknown field options.widht, did you mean width?',
      'backtest must be the id of a backtest or its result, was number 7',
    ])
    const none = await failure(engine.renderChart(untyped(undefined)), 'INVALID_ARGUMENT')
    expect(issueAt(none, 'backtest').message).toBe('backtest is required: the id of one, or its result')
    const whole = await failure(engine.renderChart('x', { width: 300.5 }), 'INVALID_ARGUMENT')
    expect(issueAt(whole, 'options.width').message).toBe('options.width must be a whole number, was 300.5')
    const text = await failure(engine.renderChart('x', untyped('png')), 'INVALID_ARGUMENT')
    expect(issueAt(text, 'options').message).toBe('options must be an object, was string "png"')
  })

  test('an unknown id', async () => {
    const error = await failure(newEngine().renderChart('bt-0123456789ab'), 'NOT_FOUND')
    expect(error.message).toBe('there is no backtest with id "bt-0123456789ab"')
  })

  test('a run that is not completed', async () => {
    const engine = newEngine()
    await engine.registerStrategy({
      id: 'broken',
      generateSignals() {
        throw new Error('on purpose')
      },
    })
    const { parameters, ...run } = request({ strategyId: 'broken' })
    await failure(engine.runBacktest(run), 'INVALID_ARGUMENT')
    const [summary] = await engine.listBacktests()
    const id = summary?.backtestId ?? ''
    const error = await failure(engine.renderChart(id), 'INVALID_ARGUMENT')
    expect(issueAt(error, 'backtestId').message).toBe(`backtest ${id} is failed, only a completed one can be drawn`)
    const result = (await engine.getBacktestResults(id)) as BacktestResult
    const same = await failure(engine.renderChart(result), 'INVALID_ARGUMENT')
    expect(issueAt(same, 'result.status').message).toBe(error.message)
  })

  test('an invalid result', async () => {
    const { engine, result } = await stored()
    const spoiled = (changes: object) => engine.renderChart(untyped({ ...result, trades: result.trades, ...changes }))
    const cases: [object, string, string][] = [
      [{ timestamps: new Float64Array(3) }, 'result.equityCurve', 'result.equityCurve has 366 values for 3 timestamps'],
      [{ trades: 5 }, 'result.trades', 'result.trades must be an array of trades, was number 5'],
      [{ trades: [null] }, 'result.trades[0].entryDate', 'must be one of result.timestamps'],
      [
        { trades: [{ ...result.trades[0], direction: 'up' }] },
        'result.trades[0].direction',
        'must be one of long, short',
      ],
      [
        { trades: [{ ...result.trades[0], entryDate: '1999-01-01' }] },
        'result.trades[0].entryDate',
        'must be one of result.timestamps',
      ],
      [{ timeframe: '7d' }, 'result.timeframe', 'must be one of 1m'],
      [{ initialCapital: 0 }, 'result.initialCapital', 'must be above 0'],
    ]
    for (const [changes, path, message] of cases) {
      const error = await failure(spoiled(changes), 'INVALID_ARGUMENT')
      expect(issueAt(error, path).message).toContain(message)
    }
    const empty = await failure(engine.renderChart(untyped({})), 'INVALID_ARGUMENT')
    expect(empty.issues.map(({ path }) => path)).toEqual([
      'result.strategyId',
      'result.assetSymbol',
      'result.timeframe',
      'result.startDate',
      'result.endDate',
      'result.initialCapital',
      'result.timestamps',
    ])
    const { timestamps: _, equityCurve: __, ...rest } = result
    const without = await failure(engine.renderChart(untyped(rest)), 'INVALID_ARGUMENT')
    expect(without.message).toBe(
      "result has no equity or no trades, which a chart needs: run it again without outputs, or with 'equity' and 'trades' among them",
    )
    expect(without.issues).toHaveLength(1)
  })

  test('everything once the engine is closed', async () => {
    const { engine, result } = await stored()
    // A chart in progress is finished or rejected, and closing waits for it.
    const begun = engine.renderChart(result).then(
      (file) => decodePng(file).width,
      (error) => error.code,
    )
    await engine.close()
    expect([1200, 'CLOSED']).toContain(await begun)
    await failure(engine.renderChart(result.backtestId), 'CLOSED')
    await failure(engine.renderChart(result), 'CLOSED')
  })
})

test('concurrent calls return the same pictures', async () => {
  const { engine, result } = await stored()
  const files = await Promise.all(
    Array.from({ length: 16 }, () => engine.renderChart(result, { width: 400, height: 300 })),
  )
  expect(new Set(files.map((file) => Buffer.from(file).toString('hex'))).size).toBe(1)
})
