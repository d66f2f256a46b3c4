/** Helpers of the tests: engines on temporary folders, generated bars, and the errors of rejected promises. */

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished } from 'vitest'
import {
  BacktestEngine,
  BacktestError,
  type BacktestRequest,
  type BacktestRequestFields,
  type Bars,
  type EngineConfig,
  type ErrorCode,
  type StrategyDefinition,
} from '../index.js'

/** The root folder of the repository. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

/** Real bars: S&P 500, daily, 2000 to 2020. */
export const SP500 = join(ROOT, 'data', 'sp500-daily.csv')

export const DAY = 86_400_000

/** Creates an empty folder that is removed when the test ends. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'backtesting-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}

/** Creates an engine with its own store; both are removed when the test ends. */
export function newEngine(config: EngineConfig = {}): BacktestEngine {
  const place = config.dataDir === undefined && config.databaseUrl === undefined ? { dataDir: folder() } : {}
  const engine = new BacktestEngine({ logLevel: 'off', ...place, ...config })
  onTestFinished(() => engine.close())
  return engine
}

/**
 * Generates daily bars from 2020-01-01 on whose price rises and falls in waves, so that every built-in strategy trades.
 * The same arguments return the same bars.
 */
export function waves(count: number, step = DAY): Bars & { volume: Float64Array } {
  const bars = {
    timestamps: new Float64Array(count),
    open: new Float64Array(count),
    high: new Float64Array(count),
    low: new Float64Array(count),
    close: new Float64Array(count),
    volume: new Float64Array(count),
  }
  const start = Date.UTC(2020, 0, 1)
  let before = 100
  for (let bar = 0; bar < count; bar++) {
    const close = 100 + 20 * Math.sin(bar / 9) + 5 * Math.sin(bar / 2.3)
    bars.timestamps[bar] = start + bar * step
    bars.open[bar] = before
    bars.close[bar] = close
    bars.high[bar] = Math.max(before, close) + 1
    bars.low[bar] = Math.min(before, close) - 1
    bars.volume[bar] = 1000 + (bar % 7)
    before = close
  }
  return bars
}

/** Fields of a request, of which none is required. */
export type RequestChanges = Partial<BacktestRequestFields> & { strategyId?: string; strategy?: StrategyDefinition }

/** Returns a valid request with its own bars; `changes` replaces some of its fields. */
export function request(changes: RequestChanges = {}): BacktestRequest {
  return untyped({
    strategyId: 'sma_crossover',
    parameters: { fast_period: 5, slow_period: 20 },
    assetSymbol: 'WAVES',
    startDate: '2020-01-01',
    endDate: '2020-12-31',
    initialCapital: 10_000,
    bars: waves(366),
    ...changes,
  })
}

/** Passes a value that TypeScript would reject, as an untyped caller does. */
export function untyped<T>(value: unknown): T {
  return value as T
}

/** Waits for a rejection and returns its error, which must have the given code. */
export async function failure(promise: Promise<unknown>, code: ErrorCode): Promise<BacktestError> {
  const error = await rejection(promise)
  expect(error).toBeInstanceOf(BacktestError)
  expect(error).toBeInstanceOf(Error)
  const failed = error as BacktestError
  expect(failed.code, failed.message).toBe(code)
  expect(failed.name).toBe('BacktestError')
  expect(typeof failed.retryable).toBe('boolean')
  expect(Array.isArray(failed.issues)).toBe(true)
  return failed
}

/** Waits for a rejection and returns what was thrown. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`should have been rejected, but resolved to ${JSON.stringify(value)?.slice(0, 200)}`)
}

/** Returns the only issue at a path. */
export function issueAt(error: BacktestError, path: string) {
  const found = error.issues.filter((issue) => issue.path === path)
  expect(found, `one issue at ${path} among ${JSON.stringify(error.issues.map((issue) => issue.path))}`).toHaveLength(1)
  return found[0] as (typeof found)[number]
}

/**
 * Runs a CommonJS program in a separate process, with the package as `backtesting`, and returns how it ended.
 * The environment is that of this process without the settings of the engine, plus `environment`.
 */
export async function inProcess(
  program: string,
  { environment = {}, cwd = ROOT }: { environment?: Record<string, string>; cwd?: string } = {},
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(DATABASE_|DATA_DIR|DB_|MAX_|CACHE_|CHUNK_|LOG_|THREADS|MARKET_)/.test(name),
    ),
  )
  const source = `const backtesting = require(${JSON.stringify(join(ROOT, 'index.js'))})
    const main = async () => { ${program} }
    main().catch((error) => { console.error(error); process.exitCode = 1 })`
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=commonjs', '-e', source], {
      cwd,
      env: { ...inherited, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
  })
}

/** Runs a long backtest in a separate process that is killed during the run, and returns how the process ended. */
export function killedInTheMiddle(config: { dataDir: string } | { databaseUrl: string }, count: number) {
  return inProcess(
    `const engine = new backtesting.BacktestEngine({ ...${JSON.stringify(config)}, logLevel: 'off' })
     const column = (price) => Float64Array.from({ length: ${count} }, (_, bar) => price(100 + 20 * Math.sin(bar / 9)))
     const bars = {
       timestamps: Float64Array.from({ length: ${count} }, (_, bar) => Date.UTC(2020, 0, 1) + bar * 60000),
       open: column((price) => price), high: column((price) => price + 1),
       low: column((price) => price - 1), close: column((price) => price),
     }
     await engine.runBacktest(
       { strategyId: 'sma_crossover', assetSymbol: 'X', startDate: '2020-01-01', endDate: '2021-12-31', initialCapital: 1000, bars },
       { onProgress: () => process.kill(process.pid, 'SIGKILL') },
     )`,
  )
}
