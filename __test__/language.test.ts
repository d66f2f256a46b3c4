import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { BacktestEngine, type StrategyInfo } from '../index.js'
import { folder, newEngine, ROOT, SP500 } from './support.js'

const strategies = await listed()

/** Lists the strategies of a temporary engine. */
async function listed(): Promise<StrategyInfo[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'backtesting-'))
  const engine = new BacktestEngine({ logLevel: 'off', dataDir })
  const found = await engine.listStrategies()
  await engine.close()
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 })
  return found
}

interface Property {
  type: 'integer' | 'number' | 'boolean'
  minimum?: number
  maximum?: number
}

function properties(strategy: StrategyInfo): [string, Property][] {
  return Object.entries((strategy.parametersSchema as { properties: Record<string, Property> }).properties)
}

describe('the schema of the parameters', () => {
  // In strict mode ajv refuses unknown keywords, and types that do not fit their keywords.
  const ajv = new Ajv2020({ strict: true, allErrors: true })

  test.each(strategies)('of $id is JSON Schema 2020-12', (strategy) => {
    const { parametersSchema, defaultParameters } = strategy
    expect(parametersSchema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' })
    expect(ajv.validateSchema(parametersSchema)).toBe(true)
    const validate = ajv.compile(parametersSchema)
    expect(validate(defaultParameters), ajv.errorsText(validate.errors)).toBe(true)
    expect(validate({})).toBe(true)
    expect(validate({ nonsense: 1 })).toBe(false)
    expect(validate({ position_size: 0 })).toBe(false)
    for (const [name, { type, minimum, maximum }] of properties(strategy)) {
      expect(validate({ [name]: 'x' }), name).toBe(false)
      if (minimum !== undefined) expect(validate({ [name]: minimum - 1 }), name).toBe(false)
      if (maximum !== undefined) expect(validate({ [name]: maximum + 1 }), name).toBe(false)
      if (type === 'integer') expect(validate({ [name]: (minimum ?? 0) + 0.5 }), name).toBe(false)
    }
  })

  test.each(strategies)('of $id allows what the engine allows', async (strategy) => {
    const validate = ajv.compile(strategy.parametersSchema)
    const engine = newEngine()
    for (const [name, { minimum = 0, maximum = 1 }] of properties(strategy)) {
      for (const value of [minimum, maximum, minimum - 1, maximum + 1, minimum + 0.25, 'x', true]) {
        const parameters = { [name]: value }
        const { issues } = await engine.validateStrategy({ strategyId: strategy.id, parameters })
        // Constraints between parameters are not in the schema.
        const faults = issues.filter(({ path }) => path !== 'parameters')
        expect(faults.length === 0, `${name} ${value}`).toBe(validate(parameters))
      }
    }
  })
})

test('the schema of a registered strategy is JSON Schema 2020-12 and describes constraints in words', async () => {
  const engine = newEngine()
  const ajv = new Ajv2020({ strict: true, allErrors: true })
  const parameters = {
    fast: { type: 'integer', default: 5, minimum: 1, maximum: 99, description: 'Bars "é"' },
    slow: { type: 'integer', default: 20 },
    share: { type: 'number', default: 1e-7, maximum: 0.5 },
    on: { type: 'boolean', default: false },
  } as const
  const definition = { id: 'own', parameters, constraints: ['fast < slow', 'share < 0.4 or on'] }
  const text = await engine.registerStrategy({ ...definition, entries: 'on and close > sma(fast)', exits: 'true' })
  const code = await engine.registerStrategy({
    ...definition,
    id: 'own_function',
    generateSignals: ({ close }) => ({ entries: new Uint8Array(close.length), exits: new Uint8Array(close.length) }),
  })
  const bare = await engine.registerStrategy({ id: 'bare', entries: 'close > open', exits: 'true' })
  for (const { parametersSchema, defaultParameters } of [text, code, bare]) {
    expect(ajv.validateSchema(parametersSchema)).toBe(true)
    const validate = ajv.compile(parametersSchema)
    expect(validate(defaultParameters), ajv.errorsText(validate.errors)).toBe(true)
    expect(validate({ nonsense: 1 })).toBe(false)
  }
  const validate = ajv.compile(text.parametersSchema)
  expect(validate({ fast: 99, share: 0.5, on: true })).toBe(true)
  for (const wrong of [{ fast: 0 }, { fast: 1.5 }, { share: 0.6 }, { on: 1 }, { slow: '20' }])
    expect(validate(wrong)).toBe(false)
  expect(text.parametersSchema).toMatchObject({
    description: 'It must hold that fast < slow and that share < 0.4 or on',
    properties: { fast: { description: 'Bars "é"' } },
  })
  expect(code.parametersSchema).toEqual(text.parametersSchema)
  expect(bare.parametersSchema).not.toHaveProperty('description')
})

test('at least twelve strategies are built in, and each of them trades on real bars', async () => {
  expect(strategies.map(({ id }) => id)).toEqual(
    expect.arrayContaining([
      'sma_crossover',
      'ema_crossover',
      'rsi',
      'macd',
      'bollinger_reversion',
      'bollinger_breakout',
      'donchian_breakout',
      'supertrend',
      'stochastic',
      'momentum',
      'adx_trend',
      'buy_and_hold',
    ]),
  )
  const engine = await engineWithBars()
  for (const { id, description, source } of strategies) {
    expect(description, `${id} needs a description`).not.toBe('')
    expect(source, `${id} needs a line with its source: reference "AUTHOR (YEAR)"`).toMatch(/^reference "\w/m)
    const { trades } = await engine.runBacktest({
      strategyId: id,
      assetSymbol: 'SP500',
      startDate: '2008-01-02',
      endDate: '2012-12-28',
      initialCapital: 100_000,
    })
    const least = id === 'buy_and_hold' ? 1 : 4
    const rule = `${id} must make at least ${least} trades on the S&P 500 from 2008 to 2012 with its default parameters`
    expect(trades.length, rule).toBeGreaterThanOrEqual(least)
  }
})

/** Creates an engine with the daily bars of the S&P 500. */
async function engineWithBars() {
  const engine = newEngine()
  await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
  return engine
}

/** Converts a built-in strategy from the text form to the object form. */
function fromText(source: string) {
  const statements = source.replace(/\n\s+/g, ' ').trim().split('\n')
  const found: Record<string, unknown> = {}
  const parameters: Record<string, unknown> = {}
  const constraints: string[] = []
  for (const statement of statements) {
    const parameter = /^(\w+): (\w+) (\S+)\.\.=(\S+) = (\S+) (".*")$/.exec(statement)
    const [keyword = '', rest = ''] = statement.split(/ (.*)/)
    if (parameter) {
      const [, name = '', type, minimum, maximum, value, description = ''] = parameter
      parameters[name] = {
        type,
        minimum: Number(minimum),
        maximum: Number(maximum),
        default: Number(value),
        description: JSON.parse(description),
      }
    } else if (keyword === 'constraint') constraints.push(rest)
    else if (keyword === 'strategy') found.id = `${rest}_again`
    else found[keyword] = rest.startsWith('"') ? JSON.parse(rest) : rest
  }
  return { ...found, parameters, constraints } as never
}

test.each(strategies)('$id trades identically if its text is passed in the request', async ({ id, source }) => {
  const engine = await engineWithBars()
  const request = {
    assetSymbol: 'SP500',
    startDate: '2008-01-02',
    endDate: '2012-12-28',
    initialCapital: 100_000,
  }
  const builtIn = await engine.runBacktest({ ...request, strategyId: id })
  const again = await engine.runBacktest({ ...request, strategy: fromText(source ?? '') })
  expect(again.trades).toEqual(builtIn.trades)
  expect(again.metrics).toEqual(builtIn.metrics)
})

test('the programs of docs/strategy-language.md run', () => {
  const page = readFileSync(join(ROOT, 'docs', 'strategy-language.md'), 'utf8')
  const programs = [...page.matchAll(/^```js\r?\n([\s\S]*?)^```/gm)].map(([, program]) => program ?? '')
  expect(programs.length).toBeGreaterThan(0)
  for (const program of programs) {
    const env = { ...process.env, DATABASE_URL: '', DATA_DIR: folder(), LOG_LEVEL: 'off', NO_COLOR: '1' }
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: ROOT,
      env,
      encoding: 'utf8',
    })
    const [trades, percent] = output.trim().split(' ').map(Number)
    expect(trades).toBeGreaterThan(10)
    expect(percent).not.toBeNaN()
  }
})
