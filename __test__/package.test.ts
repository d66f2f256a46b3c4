import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { folder, ROOT } from './support.js'

const BINARY = /^aitradepro-backtesting\.(.+)\.node$/

function run(program: string, args: string[], cwd: string): string {
  // A shell is what finds npm.cmd on Windows.
  const shell = process.platform === 'win32' && program === 'npm'
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    shell,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (status !== 0)
    throw new Error(`${program} ${args.join(' ')} failed: ${error?.message ?? ''}\n${stdout}\n${stderr}`)
  return stdout
}

function pack(source: string, target: string): { filename: string; files: { path: string }[] } {
  const [packed] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', target], source))
  return packed
}

describe('the packed package', { timeout: 180_000 }, () => {
  const tarballs: string[] = []

  beforeAll(() => {
    const target = mkdtempSync(join(tmpdir(), 'backtesting-pack-'))
    const binary = readdirSync(ROOT).find((name) => BINARY.test(name))
    if (binary === undefined) throw new Error('there is no binary: run `npm run build`')
    const platform = join(target, 'platform')
    cpSync(join(ROOT, 'npm', BINARY.exec(binary)?.[1] ?? ''), platform, { recursive: true })
    cpSync(join(ROOT, binary), join(platform, binary))
    tarballs.push(...[ROOT, platform].map((source) => join(target, pack(source, target).filename)))
    return () => rmSync(target, { recursive: true, force: true })
  }, 180_000)

  test('holds the loader, the types and the documents, and nothing else', () => {
    const { files } = pack(ROOT, folder())
    expect(files.map((file) => file.path).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'index.d.ts',
      'index.js',
      'package.json',
    ])
  })

  test('runs a backtest in an empty folder, by require and by import, without a network', () => {
    const place = installed()
    const program = `
      const timestamps = Float64Array.from({ length: 300 }, (_, bar) => Date.UTC(2020, 0, 1 + bar))
      const close = Float64Array.from({ length: 300 }, (_, bar) => 100 + 20 * Math.sin(bar / 9))
      const engine = new BacktestEngine({ dataDir: 'data', logLevel: 'off' })
      engine.importBars({ assetSymbol: 'WAVES', timeframe: '1d', bars: { timestamps, open: close, high: close, low: close, close } })
        .then(() => engine.runBacktest({ strategyId: 'sma_crossover', assetSymbol: 'WAVES', startDate: '2020-01-01', endDate: '2020-10-01', initialCapital: 1000 }))
        .then(async (result) => {
          const failed = await engine.getMetrics('bt-000000000000').catch((error) => error instanceof BacktestError && error.code)
          await engine.close()
          console.log(result.status, result.trades.length > 0, failed, typeof runBacktest)
        })`
    const names = '{ BacktestEngine, BacktestError, runBacktest }'
    writeFileSync(join(place, 'one.cjs'), `const ${names} = require('@aitradepro/backtesting')\n${program}`)
    writeFileSync(join(place, 'two.mjs'), `import ${names} from '@aitradepro/backtesting'\n${program}`)
    expect(run(process.execPath, ['one.cjs'], place)).toBe('completed true NOT_FOUND function\n')
    expect(run(process.execPath, ['two.mjs'], place)).toBe('completed true NOT_FOUND function\n')
  })

  test('is the same module for require and import', () => {
    const place = installed()
    writeFileSync(
      join(place, 'both.mjs'),
      `import { createRequire } from 'node:module'
       import { BacktestError } from '@aitradepro/backtesting'
       console.log(createRequire(import.meta.url)('@aitradepro/backtesting').BacktestError === BacktestError)`,
    )
    expect(run(process.execPath, ['both.mjs'], place)).toBe('true\n')
  })

  test.each([
    ['an ES module', 'mts', 'nodenext', 'nodenext'],
    ['CommonJS', 'cts', 'nodenext', 'nodenext'],
    ['a bundler', 'ts', 'esnext', 'bundler'],
  ])('has types for %s', (_, extension, module, resolution) => {
    const place = installed()
    writeFileSync(
      join(place, `use.${extension}`),
      `import { BacktestEngine, BacktestError, type BacktestResult, runBacktest } from '@aitradepro/backtesting'
       export async function use(): Promise<BacktestResult> {
         const engine = new BacktestEngine({ cacheTtlSeconds: 0 })
         try {
           return await engine.runBacktest(
             { strategyId: 'rsi', assetSymbol: 'X', startDate: new Date(), endDate: '2020-01-01', initialCapital: 1 },
             { signal: AbortSignal.timeout(10), onProgress: ({ progress }) => progress.toFixed(1) })
         } catch (error) {
           if (error instanceof BacktestError && error.code === 'NO_DATA') error.issues.map((issue) => issue.path)
           throw error
         }
       }
       // @ts-expect-error a required field is missing
       runBacktest({ strategyId: 'rsi' })
       // @ts-expect-error no such code
       export const wrong = (error: BacktestError) => error.code === 'NO_SUCH_CODE'\n`,
    )
    const options = ['--noEmit', '--strict', '--skipLibCheck', 'false', '--target', 'es2022', '--lib', 'es2022,dom']
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
    const kind = ['--module', module, '--moduleResolution', resolution, '--types', '']
    expect(run(process.execPath, [tsc, ...options, ...kind, `use.${extension}`], place)).toBe('')
  })

  /** Installs the package and the binary of this platform into an empty folder, as npm does from its registry. */
  function installed(): string {
    const place = folder()
    writeFileSync(join(place, 'package.json'), '{ "private": true }\n')
    run('npm', ['install', '--offline', '--no-audit', '--no-fund', '--ignore-scripts', ...tarballs], place)
    return place
  }
})

test('a machine without a binary is told so', () => {
  const place = folder()
  cpSync(join(ROOT, 'index.js'), join(place, 'index.js'))
  expect(() => run(process.execPath, ['index.js'], place)).toThrow(/native binding|Cannot find/)
})
