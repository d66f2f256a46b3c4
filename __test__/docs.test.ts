/** Values that the pages list are those of the code. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newEngine, ROOT } from './support.js'

const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8')
const README = read('README.md')
const TYPES = read('index.d.ts')

/** Returns what the group of a pattern matches in a text. */
function found(text: string, pattern: RegExp): string {
  const group = pattern.exec(text)?.[1]
  expect(group, `nothing matches ${pattern}`).toBeDefined()
  return group ?? ''
}

/** Returns the texts in quotes or backticks. */
const quoted = (text: string) => [...text.matchAll(/['"`]([\w-]+)['"`]/g)].map(([, name]) => name ?? '')

const words = (text: string) => text.match(/\w+/g) ?? []

/** Returns the names of the list of a Rust enumeration. */
const rustNames = (file: string, pattern: RegExp) =>
  [...found(read('src', file), pattern).matchAll(/\("([\w-]+)"/g)].map(([, name]) => name)

describe('the settings of the engine', () => {
  const config = read('src', 'config.rs')
  const numbers = [...config.matchAll(/\binteger\("(\w+)", ([\d_]+),/g)].map(
    ([, name = '', value = '']) => [name, value.replaceAll('_', '')] as const,
  )
  const others = [
    ['dbSchema', found(config, /DEFAULT_DB_SCHEMA: &str = "(\w+)"/)],
    ['marketDataTable', found(read('src', 'data', 'postgres', 'price_table.rs'), /DEFAULT_TABLE: &str = "(\w+)"/)],
    ['logLevel', found(config, /unwrap_or\(LogLevel::(\w+)\)/).toLowerCase()],
    ['logFormat', found(config, /unwrap_or\(LogFormat::(\w+)\)/).toLowerCase()],
  ] as const
  const variable = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()

  test('have integers with a default', () => {
    expect(numbers.length).toBe(8)
  })

  test.each([...numbers, ...others])(
    '%s has its default %s in the README, .env.example and index.d.ts',
    (name, value) => {
      expect(found(README, new RegExp(`^\\| \`${name}\` \\| \`\\w+\` \\| ([^|]*) \\|`, 'm'))).toBe(value)
      expect(found(read('.env.example'), new RegExp(`^#${variable(name)}=(.*)$`, 'm'))).toBe(value)
      const fields = found(TYPES, /export interface EngineConfig \{([\s\S]*?)\n\}/)
      const comment = found(fields, new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*${name}\\?:`))
      expect(found(comment, /@default '?([^'\s]+)'?/)).toBe(value)
    },
  )

  test('have the log levels of the code', () => {
    const levels = rustNames('config.rs', /impl LogLevel \{[\s\S]*?= \[([\s\S]*?)\];/)
    expect(levels).toContain('info')
    expect(words(found(README, /\| `LOG_LEVEL` \| info \| ([^|]*) \|/))).toEqual(levels)
    expect(words(found(read('.env.example'), /# Log level: ([^.]*)\./)).filter((word) => word !== 'or')).toEqual(levels)
    expect(quoted(found(TYPES, /logLevel\?: (.*)/))).toEqual(levels)
  })

  test('have the default folder of the code in the README', () => {
    const name = found(config, /directory\.join\("([\w-]+)"\)/)
    const folders = found(README, /The default folder of the embedded store is\n\n((?:- .*\n)+)/)
    const paths = [...folders.matchAll(/`([^`]*)`/g)].map(([, path = '']) => path)
    expect(paths).toHaveLength(4)
    for (const path of paths) expect(path.split(/[/\\]/).at(-1)).toBe(name)
  })
})

describe('docs/strategy-language.md', () => {
  const page = read('docs', 'strategy-language.md')

  test('lists the timeframes', () => {
    const timeframes = quoted(found(TYPES, /export type Timeframe =([\s\S]*?)\n\n/))
    expect(timeframes).toContain('1d')
    expect(found(page, /The timeframes are `([^`]*)`/).split(' ')).toEqual(timeframes)
  })

  test('lists the types of parameters', () => {
    const types = quoted(found(TYPES, /^export type ParameterType = (.*)$/m))
    expect(types).toContain('integer')
    expect(quoted(found(page, /It has a type \(([^)]*)\)/))).toEqual(types)
  })
})

describe('the types of strategies', () => {
  test('are the same in index.d.ts, the MCP server and the engine', () => {
    const types = rustNames(join('strategies', 'definition.rs'), /impl StrategyType \{[\s\S]*?= \[([\s\S]*?)\];/)
    expect(types).toContain('trend')
    expect(quoted(found(TYPES, /^export type StrategyType = (.*)$/m))).toEqual(types)
    expect(quoted(found(read('mcp', 'src', 'arguments', 'schemas.ts'), /type: z\.enum\(\[('trend'[^\]]*)\]/))).toEqual(
      types,
    )
  })
})

describe('the status of a backtest', () => {
  test('is the same in docs/postgresql.md, index.d.ts and the store', () => {
    const all = rustNames(join('store', 'record.rs'), /impl Status \{[\s\S]*?= \[([\s\S]*?)\];/)
    expect(all).toContain('pending')
    expect(quoted(found(TYPES, /export type BacktestStatus = (.*)/))).toEqual(all)
    expect(quoted(found(read('docs', 'postgresql.md'), /`backtest_runs`.*\| `status`: ([^;]*);/))).toEqual(all)
  })
})

describe('the stages', () => {
  test('of a backtest are those in index.d.ts', () => {
    const stages = rustNames(join('service', 'progress.rs'), /const STAGES[^=]*= \[([\s\S]*?)\];/)
    expect(stages).toContain('simulation')
    expect(quoted(found(TYPES, /^export type RunStage = (.*)$/m))).toEqual([...stages, 'completed'])
  })

  test('of an import are those in the README', () => {
    const stages = quoted(found(TYPES, /\n {2}stage: ('reading'.*)/))
    expect(quoted(found(README, /The stages are ([^\n]*)\./))).toEqual(stages)
  })
})

test('the codes of issues in the README are those of the code', () => {
  const listed = quoted(found(README, /\*\*Issue codes\.\*\* ([^\n]*)/))
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.rs') && !path.endsWith('tests.rs'))
    .map((path) => read('src', path).split(/^#\[cfg\(test\)\]/m)[0] ?? '')
    .join('\n')
  expect(listed.filter((code) => !sources.includes(`"${code}"`))).toEqual([])
  // Codes that follow a path directly. Others are passed through variables.
  const used = [...sources.matchAll(/\b(?:Issue::new|issues\.add)\(\s*&?"?[\w.]+(?:\(\))?"?,\s*"(\w+)"/g)]
  const codes = new Set(used.map(([, code]) => code ?? ''))
  expect(codes.size).toBeGreaterThan(5)
  expect([...codes].filter((code) => !listed.includes(code))).toEqual([])
})

test('the number of built-in strategies is that of the folder', () => {
  const count = readdirSync(join(ROOT, 'src', 'strategies', 'builtin')).length
  const numerals = 'ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty'.split(' ')
  const numeral = numerals[count - 10] ?? String(count)
  expect(found(README, /There are ([\w-]+) built-in strategies/)).toBe(numeral)
  expect(found(read('CHANGELOG.md'), /\b([\w-]+) built-in strategies/i).toLowerCase()).toBe(numeral)
})

describe('the codes of notes', () => {
  const source = read('src', 'note.rs')
  const names = new Map([...source.matchAll(/Self::(\w+) => "([A-Z_]+)"/g)].map(([, name, code]) => [name, code]))
  const codes = [...names.values()]
  const codesIn = (text: string) => [...text.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code]) => code)

  test('are in docs/importing.md or docs/warnings.md, and there are no others', () => {
    expect(codes.length).toBeGreaterThan(10)
    const documented = [...codesIn(read('docs', 'importing.md')), ...codesIn(read('docs', 'warnings.md'))]
    expect([...new Set(documented)].sort()).toEqual(codes.sort())
    const ofSettings = codesIn(read('docs', 'settings.md')).filter((code) => code !== 'INVALID_ARGUMENT')
    expect(ofSettings.filter((code) => !codes.includes(code))).toEqual([])
  })

  test('are in docs/warnings.md in their order', () => {
    const arms = found(source, /const fn rank[\s\S]*?match self \{([\s\S]*?)\n {8}\}/).matchAll(
      /((?:Self::\w+\s*\|?\s*)+)=> (\d+)/g,
    )
    const ranks = new Map(
      [...arms].flatMap(([, variants = '', rank]) =>
        [...variants.matchAll(/Self::(\w+)/g)].map(([, name]) => [names.get(name), Number(rank)] as const),
      ),
    )
    expect(ranks.size).toBe(codes.length)
    const rows = found(read('docs', 'warnings.md'), /<!-- codes -->\n([\s\S]*?)<!-- end -->/).split('\n')
    const listed = rows.flatMap((row) => codesIn(row.split('|')[1] ?? '')).map((code) => ranks.get(code) ?? Number.NaN)
    expect(listed.length).toBeGreaterThan(15)
    expect(listed).toEqual([...listed].sort((a, b) => a - b))
  })
})

test('docs/settings.md has every setting with its default', () => {
  const fields = found(TYPES, /export interface SimulationOptions \{([\s\S]*?)\n\}/)
  const declared = [...fields.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(\w+)\?:/g)].map(
    ([, comment = '', name]) => [name, /@default '?([^'\s]+)'?/.exec(comment)?.[1]] as const,
  )
  expect(declared.length).toBeGreaterThan(20)
  const rows = [...read('docs', 'settings.md').matchAll(/^\| `(\w+)` \| [^|]* \| ([^|]*) \|/gm)]
  const documented = new Map(rows.map(([, name, value = '']) => [name, value.replaceAll('`', '')]))
  expect([...documented.keys()].sort()).toEqual(declared.map(([name]) => name).sort())
  // Without a limit or a value, the page says so in words.
  for (const [name, value] of declared) if (value !== undefined) expect(documented.get(name), name).toBe(value)
})

test('the annualized returns in docs/settings.md are those of both rules', async () => {
  const numbers = /AAPL in (\d+), .* over (\d+) and (\d+) bars, has (\d+) bars .* but ([\d.]+) % .* and ([\d.]+) %/
  const [, year, fast, slow, barsPerYear, ...returns] = numbers.exec(read('docs', 'settings.md')) ?? []
  const engine = newEngine()
  const bars = join(ROOT, 'data', 'aapl-daily.csv')
  await engine.importBars({ assetSymbol: 'AAPL', timeframe: '1d', bars, adjust: true })
  for (const [index, yearDays] of (['auto', 252] as const).entries()) {
    const { assumptions, metrics } = await engine.runBacktest({
      strategyId: 'sma_crossover',
      parameters: { fast_period: Number(fast), slow_period: Number(slow) },
      assetSymbol: 'AAPL',
      startDate: `${year}-01-01`,
      endDate: `${year}-12-31`,
      initialCapital: 10_000,
      simulation: { yearDays },
    })
    expect(assumptions?.barsPerYear).toBe(Number(barsPerYear))
    expect(metrics.annualizedReturn?.toFixed(2)).toBe(returns[index])
  }
})
