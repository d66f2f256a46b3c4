import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BacktestEngine } from '../index.js'
import { failure, folder, inProcess, killedInTheMiddle, newEngine, request, untyped, waves } from './support.js'

describe('a stored run', () => {
  test('is there for another engine on the same folder', async () => {
    const dataDir = folder()
    const first = new BacktestEngine({ dataDir, logLevel: 'off' })
    const result = await first.runBacktest(request({ userId: 'ada' }))
    await first.close()
    expect(await newEngine({ dataDir }).getBacktestResults(result.backtestId)).toEqual(result)
  })

  test('is in the file of databaseUrl', async () => {
    const file = join(folder(), 'runs.db')
    const engine = newEngine({ databaseUrl: `sqlite:${file}` })
    const { backtestId } = await engine.runBacktest(request())
    expect(readFileSync(file).subarray(0, 15).toString()).toBe('SQLite format 3')
    expect((await newEngine({ databaseUrl: `sqlite:${file}` }).getBacktestResults(backtestId))?.backtestId).toBe(
      backtestId,
    )
  })

  test('does not exist with persist: false', async () => {
    const engine = newEngine()
    const result = await engine.runBacktest(request({ persist: false }))
    expect(result.status).toBe('completed')
    expect(result.backtestId).toMatch(/^bt-[0-9a-f]{12}$/)
    expect(await engine.getBacktestResults(result.backtestId)).toBeNull()
    expect(await engine.listBacktests()).toEqual([])
  })

  test('is null for an unknown id; an invalid id is rejected', async () => {
    const engine = newEngine()
    expect(await engine.getBacktestResults('bt-000000000000')).toBeNull()
    await failure(engine.getBacktestResults(untyped(42)), 'INVALID_ARGUMENT')
    await failure(engine.getBacktestResults(untyped(undefined)), 'INVALID_ARGUMENT')
  })
})

describe('listBacktests', () => {
  test('returns the newest first, without trades and curves', async () => {
    const engine = newEngine()
    const first = await engine.runBacktest(request())
    const second = await engine.runBacktest(request({ initialCapital: 500 }))
    const list = await engine.listBacktests()
    expect(list.map((run) => run.backtestId)).toEqual([second.backtestId, first.backtestId])
    const { trades: _, timestamps: __, equityCurve: ___, totalPoints: _____, assumptions: ____, ...rest } = second
    expect(list[0]).toEqual(rest)
  })

  test('filters by strategy, asset, status and user', async () => {
    const engine = newEngine()
    const sma = await engine.runBacktest(request({ userId: 'ada' }))
    const { parameters: _, ...rest } = request({ strategyId: 'rsi', assetSymbol: 'OTHER', userId: 'bob' })
    const rsi = await engine.runBacktest(rest)
    const ids = async (filter: object) => (await engine.listBacktests(filter)).map((run) => run.backtestId)
    expect(await ids({ strategyId: 'rsi' })).toEqual([rsi.backtestId])
    expect(await ids({ assetSymbol: 'WAVES' })).toEqual([sma.backtestId])
    expect(await ids({ userId: 'ada' })).toEqual([sma.backtestId])
    expect(await ids({ userId: 'ada', strategyId: 'rsi' })).toEqual([])
    expect(await ids({ status: 'completed' })).toEqual([rsi.backtestId, sma.backtestId])
    expect(await ids({ status: 'failed' })).toEqual([])
  })

  test('returns each run once over several pages', async () => {
    const engine = newEngine()
    const made: string[] = []
    for (let run = 0; run < 7; run++) made.unshift((await engine.runBacktest(request())).backtestId)
    const seen: string[] = []
    let before: string | undefined
    for (;;) {
      const page = await engine.listBacktests({ limit: 3, ...(before === undefined ? {} : { before }) })
      if (page.length === 0) break
      expect(page.length).toBeLessThanOrEqual(3)
      seen.push(...page.map((run) => run.backtestId))
      before = seen.at(-1)
    }
    expect(seen).toEqual(made)
  })

  test('rejects an unknown filter', async () => {
    const error = await failure(
      newEngine().listBacktests(untyped({ stratgyId: 'rsi', limit: 0, status: 'done' })),
      'INVALID_ARGUMENT',
    )
    expect(error.issues.map((issue) => issue.path).sort()).toEqual(['limit', 'status', 'stratgyId'])
  })
})

describe('deleteBacktest', () => {
  test('removes a run once, and only that one', async () => {
    const engine = newEngine()
    const kept = await engine.runBacktest(request())
    const gone = await engine.runBacktest(request())
    expect(await engine.deleteBacktest(gone.backtestId)).toBe(true)
    expect(await engine.deleteBacktest(gone.backtestId)).toBe(false)
    expect(await engine.getBacktestResults(gone.backtestId)).toBeNull()
    await failure(engine.getMetrics(gone.backtestId), 'NOT_FOUND')
    expect((await engine.listBacktests()).map((run) => run.backtestId)).toEqual([kept.backtestId])
    expect(await engine.getBacktestResults(kept.backtestId)).toEqual(kept)
  })
})

describe('getMetrics', () => {
  test('returns all metrics, or those that are named', async () => {
    const engine = newEngine()
    const { backtestId, metrics } = await engine.runBacktest(request())
    expect(await engine.getMetrics(backtestId)).toEqual(metrics)
    expect(await engine.getMetrics(backtestId, ['sharpeRatio', 'maxDrawdown'])).toEqual({
      sharpeRatio: metrics.sharpeRatio,
      maxDrawdown: metrics.maxDrawdown,
    })
  })

  test('rejects an unknown metric and suggests the nearest', async () => {
    const engine = newEngine()
    const { backtestId } = await engine.runBacktest(request())
    const error = await failure(
      engine.getMetrics(backtestId, untyped<[]>(['sharpRatio', 'maxDrawdown', 'luck'])),
      'INVALID_ARGUMENT',
    )
    expect(error.issues).toHaveLength(2)
    expect(error.message).toContain('sharpRatio')
    expect(error.message).toContain('did you mean sharpeRatio?')
    expect(error.message).toContain('luck')
  })

  test('of an unknown run is NOT_FOUND', async () => {
    const error = await failure(newEngine().getMetrics('bt-00000000beef'), 'NOT_FOUND')
    expect(error.message).toContain('bt-00000000beef')
  })
})

describe('a closed engine', () => {
  test('rejects every call with CLOSED, and can be closed again', async () => {
    const engine = newEngine()
    await engine.close()
    await engine.close()
    const calls = [
      engine.runBacktest(request()),
      engine.getBacktestResults('bt-000000000000'),
      engine.listBacktests(),
      engine.deleteBacktest('bt-000000000000'),
      engine.listStrategies(),
      engine.validateStrategy({ strategyId: 'rsi' }),
      engine.getMetrics('bt-000000000000'),
      engine.importBars({ assetSymbol: 'X', timeframe: '1d', bars: waves(3) }),
      engine.deleteBars({ assetSymbol: 'X' }),
      engine.listAssets(),
    ]
    for (const call of await Promise.allSettled(calls)) {
      expect(call.status).toBe('rejected')
      expect((call as PromiseRejectedResult).reason).toMatchObject({ name: 'BacktestError', code: 'CLOSED' })
    }
  })

  test('settles the promises of running backtests', async () => {
    const engine = newEngine({ maxConcurrentBacktests: 1 })
    const bars = waves(300_000, 60_000)
    const parameters = { position_size: 0.001 }
    const runs = [1, 2, 3].map(() => engine.runBacktest(request({ bars, parameters })))
    const settled = Promise.allSettled(runs)
    await engine.close()
    for (const run of await settled) {
      if (run.status === 'rejected')
        expect(run.reason).toMatchObject({ code: expect.stringMatching(/^(CLOSED|ABORT_ERR)$/) })
    }
  })
})

describe('a store that fails', () => {
  test('because its file is not a database is rejected and not changed', async () => {
    const file = join(folder(), 'broken.db')
    const garbage = 'this is not a database. '.repeat(500)
    writeFileSync(file, garbage)
    const use = async () => newEngine({ databaseUrl: `sqlite:${file}` }).listBacktests()
    const error = await failure(use(), 'STORAGE')
    expect([error.retryable, error.message]).toEqual([
      false,
      expect.stringContaining(`the file ${file} is not an SQLite database`),
    ])
    expect(readFileSync(file, 'utf8')).toBe(garbage)
  })

  test('because its folder is a file is rejected', async () => {
    const file = join(folder(), 'file')
    writeFileSync(file, '')
    const use = async () =>
      newEngine({ dataDir: join(file, 'data') }).importBars({ assetSymbol: 'X', timeframe: '1d', bars: waves(3) })
    const error = await failure(use(), 'STORAGE')
    expect(error.message).toContain(file)
  })

  test.skipIf(process.platform === 'win32')(
    'because its folder is read-only is rejected, and the process keeps running',
    async () => {
      const dataDir = folder()
      chmodSync(dataDir, 0o555)
      // Root may write to any folder, so the child becomes nobody after it has loaded the package.
      const { status, stdout, stderr } = await inProcess(
        `if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534) }
       const bars = { timestamps: Float64Array.of(0, 86400000), open: Float64Array.of(1, 1), high: Float64Array.of(1, 1), low: Float64Array.of(1, 1), close: Float64Array.of(1, 1) }
       const failures = []
       const attempt = async (work) => { try { await work() } catch (error) { failures.push([error instanceof backtesting.BacktestError, error.code, error.message]) } }
       await attempt(async () => {
         const engine = new backtesting.BacktestEngine({ dataDir: ${JSON.stringify(dataDir)}, logLevel: 'off' })
         await engine.importBars({ assetSymbol: 'X', timeframe: '1d', bars })
       })
       console.log(JSON.stringify({ failures, lives: true }))`,
      )
      expect(stderr).toBe('')
      expect(status).toBe(0)
      const { failures, lives } = JSON.parse(stdout)
      expect(failures).toEqual([[true, 'STORAGE', expect.stringContaining(dataDir)]])
      expect(lives).toBe(true)
    },
  )
})

test.skipIf(process.platform === 'win32')(
  'a store that is deleted while it is open fails every call, and can be created again',
  async () => {
    const dataDir = folder()
    const engine = newEngine({ dataDir })
    const { backtestId } = await engine.runBacktest(request())
    await engine.importBars({ assetSymbol: 'X', timeframe: '1d', bars: waves(30) })
    const running = Promise.allSettled(
      Array.from({ length: 6 }, () => engine.runBacktest(request({ bars: waves(50_000, 60_000) }))),
    )
    rmSync(dataDir, { recursive: true, force: true })
    // Runs that were kept before the deletion may succeed; the others fail.
    for (const run of await running) {
      if (run.status === 'rejected') expect(run.reason).toMatchObject({ code: 'STORAGE', retryable: false })
    }
    for (const call of [
      () => engine.runBacktest(request()),
      () => engine.getBacktestResults(backtestId),
      () => engine.listBacktests(),
      () => engine.deleteBacktest(backtestId),
      () => engine.importBars({ assetSymbol: 'X', timeframe: '1d', bars: waves(30) }),
      () => engine.deleteBars({ assetSymbol: 'X' }),
      () => engine.listAssets(),
      () => engine.registerStrategy({ id: 'own', entries: 'close > open', exits: 'close < open' }),
    ]) {
      const error = await failure(call(), 'STORAGE')
      expect(error.message).toContain('was deleted or replaced')
    }
    // Calls that do not need the store still work.
    expect((await engine.runBacktest(request({ persist: false }))).status).toBe('completed')
    await engine.close()
    const fresh = newEngine({ dataDir })
    expect(await fresh.listBacktests()).toEqual([])
    expect((await fresh.runBacktest(request())).status).toBe('completed')
  },
)

test('two processes share one store', async () => {
  const dataDir = folder()
  const work = (symbol: string) =>
    inProcess(
      `const engine = new backtesting.BacktestEngine({ dataDir: ${JSON.stringify(dataDir)}, logLevel: 'off' })
       const count = 300
       const column = (price) => Float64Array.from({ length: count }, (_, bar) => price(100 + 20 * Math.sin(bar / 9)))
       const bars = { timestamps: Float64Array.from({ length: count }, (_, bar) => Date.UTC(2020, 0, 1 + bar)), open: column((price) => price), high: column((price) => price + 1), low: column((price) => price - 1), close: column((price) => price) }
       await engine.importBars({ assetSymbol: '${symbol}', timeframe: '1d', bars })
       for (let run = 0; run < 10; run++) {
         await engine.runBacktest({ strategyId: 'sma_crossover', assetSymbol: '${symbol}', startDate: '2020-01-01', endDate: '2020-10-01', initialCapital: 1000 })
       }
       await engine.close()
       console.log('done')`,
    )
  for (const { status, stdout, stderr } of await Promise.all([work('ONE'), work('TWO')])) {
    expect(stderr).toBe('')
    expect(stdout).toBe('done\n')
    expect(status).toBe(0)
  }
  const engine = newEngine({ dataDir })
  expect(await engine.listBacktests({ status: 'completed' })).toHaveLength(20)
  expect((await engine.listAssets()).map((asset) => asset.assetSymbol).sort()).toEqual(['ONE', 'TWO'])
})

test('a killed process leaves a readable store, and its runs are marked as failed', async () => {
  const dataDir = folder()
  const { status } = await killedInTheMiddle({ dataDir }, 1_000_000)
  expect(status).not.toBe(0)
  const engine = newEngine({ dataDir })
  const runs = await engine.listBacktests()
  expect(runs.length).toBeLessThanOrEqual(1)
  for (const run of runs) {
    expect(run.status).toBe('failed')
    expect(run.error).toBe('the process that ran this backtest ended before it was done')
  }
  expect((await engine.runBacktest(request())).status).toBe('completed')
})
