/** Arguments as models send them, and schemas that every provider of models takes. */

import type { Client } from '@modelcontextprotocol/client'
import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { toIsoDate } from '../../mcp/src/arguments/dates.js'
import { readArguments } from '../../mcp/src/arguments/reading.js'
import { backtestRequest, strategyConfig } from '../../mcp/src/arguments/schemas.js'
import { sweepRequest } from '../../mcp/src/arguments/sweep-schemas.js'
import { call, client, RUN, refusal, store } from './support.js'

const read = (given: unknown) => readArguments(backtestRequest, given)
const RULES = { id: 'dip', entries: 'rsi(close, 14) < 30', exits: 'rsi(close, 14) > 60' }

describe('arguments are read', () => {
  test.each<[string, object, object]>([
    ['objects as JSON text', { parameters: '{"period": 20}' }, { parameters: { period: 20 } }],
    [
      'numbers as text',
      { initial_capital: '10000', parameters: { a: '5' } },
      { initial_capital: 10_000, parameters: { a: 5 } },
    ],
    ['flags as text', { simulation: { sl_trail: 'true' } }, { simulation: { sl_trail: true } }],
    [
      'camelCase',
      { assetSymbol: 'A', simulation: { slStop: 0.1 } },
      { asset_symbol: 'A', simulation: { sl_stop: 0.1 } },
    ],
    [
      'other names',
      { ticker: 'A', capital: 5, params: { a: 1 } },
      { asset_symbol: 'A', initial_capital: 5, parameters: { a: 1 } },
    ],
    ['settings beside simulation', { stop_loss: 0.05, fees: 0 }, { simulation: { sl_stop: 0.05, fees: 0 } }],
    ['both places', { takeProfit: 0.2, simulation: { fees: 0 } }, { simulation: { fees: 0, tp_stop: 0.2 } }],
    ['choices in another form', { simulation: { execution: 'next_open' } }, { simulation: { execution: 'nextOpen' } }],
    ['timeframes', { timeframe: 'daily' }, { timeframe: '1d' }],
    ['timeframes in capitals', { timeframe: '4H' }, { timeframe: '4h' }],
    ['auto as left out', { warmup: 'auto', simulation: { year_days: 'auto' } }, { simulation: {} }],
    ['none as 0', { warmup: 'none' }, { warmup: 0 }],
    ['null as left out', { timeframe: null, simulation: { fees: null } }, { simulation: {} }],
    ['an id in place of a definition', { strategy: 'rsi' }, { strategy_id: 'rsi' }],
    ['a definition in place of an id', { strategy_id: RULES }, { strategy: RULES }],
    ['a definition without its envelope', { ...RULES, symbol: 'A' }, { asset_symbol: 'A', strategy: RULES }],
    [
      'declared parameters as a list',
      { strategy: { ...RULES, parameters: [{ name: 'p', type: 'integer', default: '14' }] } },
      { strategy: { ...RULES, parameters: { p: { type: 'integer', default: 14 } } } },
    ],
    ['dates', { start_date: 'Jan 5, 2019', end_date: '2020' }, { start_date: '2019-01-05', end_date: '2020-12-31' }],
  ])('%s', (_, given, expected) => expect(read(given)).toEqual(expected))

  test('a definition directly in strategy_config, with values or declarations of parameters', () => {
    expect(readArguments(strategyConfig, RULES)).toEqual({ strategy: RULES })
    expect(readArguments(strategyConfig, { ...RULES, parameters: { p: 3 } })).toEqual({
      strategy: RULES,
      parameters: { p: 3 },
    })
    const parameters = { p: { type: 'integer', default: 3 } }
    expect(readArguments(strategyConfig, { ...RULES, parameters })).toEqual({ strategy: { ...RULES, parameters } })
  })

  test('lists as text', () => {
    const given = { metrics: 'sharpe_ratio, max_drawdown', constraints: 'max(a, b) < 5', timeframes: '["1D", "1w"]' }
    expect(readArguments(sweepRequest, given)).toEqual({
      metrics: ['sharpe_ratio', 'max_drawdown'],
      constraints: ['max(a, b) < 5'],
      timeframes: ['1d', '1w'],
    })
  })

  test('only if there is one meaning: everything else is left for the schema to refuse', () => {
    for (const given of [
      { assetSymbol: 'A', asset_symbol: 'B' },
      { fees: 1, simulation: { fees: 2 } },
      { timeframe: '1M' },
      { start_date: '03/04/2019' },
      { initial_capital: '10,000' },
      { parameters: [{ name: 'p' }, { name: 'p' }] },
      { simulation: '{"fees": ' },
      { position: 3 },
    ])
      expect(backtestRequest.partial().safeParse(read(given)).data ?? 'refused', JSON.stringify(given)).toEqual(
        'start_date' in given ? given : 'refused',
      )
  })

  test('without taking a name for more than a name', () => {
    const given = JSON.parse('{"__proto__": {"asset_symbol": "A"}, "constructor": 1, "parameters": {"__proto__": 1}}')
    const found = read(given) as object
    expect(Object.keys(found).sort()).toEqual(['__proto__', 'constructor', 'parameters'])
    expect('asset_symbol' in found).toBe(false)
    expect(backtestRequest.partial().safeParse(found).error?.issues[0]).toMatchObject({ code: 'unrecognized_keys' })
  })
})

test.each<[unknown, string | number, string | number]>([
  ['2019-01-31', '2019-01-31', '2019-01-31'],
  ['2019-01-31T10:00:00Z', '2019-01-31T10:00:00Z', '2019-01-31T10:00:00Z'],
  ['2019/1/5', '2019-01-05', '2019-01-05'],
  ['20190105', '2019-01-05', '2019-01-05'],
  [20190105, '2019-01-05', '2019-01-05'],
  ['31.12.2019', '2019-12-31', '2019-12-31'],
  ['5 January 2019', '2019-01-05', '2019-01-05'],
  ['Sept. 1st, 2019', '2019-09-01', '2019-09-01'],
  ['2019', '2019-01-01', '2019-12-31'],
  [2019, '2019-01-01', '2019-12-31'],
  ['2020-02', '2020-02-01', '2020-02-29'],
  ['February 2019', '2019-02-01', '2019-02-28'],
  ['12/31/2019', '2019-12-31', '2019-12-31'],
  ['31/12/2019', '2019-12-31', '2019-12-31'],
  ['05/05/2019', '2019-05-05', '2019-05-05'],
  ['03/04/2019', '03/04/2019', '03/04/2019'],
  ['2019-02-30', '2019-02-30', '2019-02-30'],
  ['Foo 2019', 'Foo 2019', 'Foo 2019'],
  ['yesterday', 'yesterday', 'yesterday'],
  [1546646400, '2019-01-05T00:00:00.000Z', '2019-01-05T00:00:00.000Z'],
  [1546646400000, '2019-01-05T00:00:00.000Z', '2019-01-05T00:00:00.000Z'],
  [7, 7, 7],
])('a date: %s', (given, start, end) => {
  expect(toIsoDate(given, false)).toBe(start)
  expect(toIsoDate(given, true)).toBe(end)
})

describe('the server', () => {
  let mcp: Client
  beforeEach(async () => {
    mcp = await client({ DATA_DIR: await store() })
  })

  test('runs a request as a model may write it', async () => {
    const output = await call(mcp, 'run_backtest', {
      strategy: 'sma_crossover',
      symbol: 'SP500',
      startDate: 'Jan 4, 2010',
      end: '2014',
      capital: '10000',
      params: '{"fast_period": "20", "slow_period": 100}',
      warmup: 'none',
      year_days: '365',
    })
    expect(output).toMatchObject({ total_return: 39.0549, start_date: expect.stringMatching(/^2010-01-04/) })
  })

  test('sweeps ranges in a list', async () => {
    const { parameters: _, ...run } = RUN
    const output = await call(mcp, 'run_sweep', {
      ...run,
      parameters: [
        { name: 'fast_period', from: 10, to: 30, step: 10 },
        { name: 'slow_period', values: [100, 200] },
        { name: 'simulation.sl_stop', values: [0.1], off: true },
      ],
    })
    expect(output.combinations).toBe(12)
    const flag = {
      id: 'flagged',
      parameters: [{ name: 'is_on', type: 'boolean', default: 1 }],
      entries: 'is_on and close > sma(close, 5)',
      exits: 'close < sma(close, 5)',
    }
    expect(await call(mcp, 'validate_strategy', { strategy_config: flag })).toMatchObject({ valid: true, errors: [] })
  })

  test('names the argument that an unknown one probably means, anywhere', async () => {
    const advice = async (more: object) => (await refusal(mcp, 'run_backtest', { ...RUN, ...more })).split('\n')[1]
    expect(await advice({ slippge: 0 })).toContain('did you mean simulation.slippage instead of slippge?')
    expect(await advice({ simulation: { asset_symbl: 'A' } })).toContain(
      'asset_symbol instead of simulation.asset_symbl',
    )
    expect(await advice({ simulation: { feees: 0 } })).toContain('simulation.fees instead of simulation.feees')
    expect(await advice({ include_chrt: true })).toContain('include_chart instead of include_chrt')
    expect(await advice({ banana: 1 })).not.toContain('did you mean')
  })

  test('answers an ambiguous date with an example', async () => {
    expect(await refusal(mcp, 'run_backtest', { ...RUN, start_date: '03/04/2019' })).toMatch(
      /start_date.*\d{4}-\d\d-\d\d/s,
    )
  })

  test('publishes schemas that Gemini takes: no unions, no empty objects, no references, one type each', async () => {
    const { tools } = await mcp.listTools()
    for (const { name, inputSchema } of tools) {
      expect(name).toMatch(/^[a-z_]{1,64}$/)
      for (const [path, problem] of problemsOf(inputSchema)) throw new Error(`${name}: ${path}: ${problem}`)
    }
    expect(problemsOf({ type: 'object' })).toEqual([['', 'an object without properties']])
    expect(problemsOf({ anyOf: [] })[0]).toEqual(['', 'anyOf'])
  })

  test('publishes no argument that it does not accept', async () => {
    const { tools } = await mcp.listTools()
    const { properties = {} } = tools.find(({ name }) => name === 'run_sweep')?.inputSchema ?? {}
    const { properties: accepted = {} } = z.toJSONSchema(sweepRequest, { io: 'input' })
    const own = ['include_heatmap', 'x', 'y', 'heatmap_metric', 'aggregate', 'wait_seconds']
    expect(Object.keys(properties).sort()).toEqual([...Object.keys(accepted), ...own].sort())
  })
})

/** The keywords of the Schema object of the Gemini API, as far as an argument can use them. */
const KEYWORDS = [
  'type',
  'description',
  'enum',
  'items',
  'properties',
  'required',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
]

/** Lists what the Gemini API refuses in a schema, by its path. */
function problemsOf(schema: Record<string, unknown>, path = ''): [string, string][] {
  const {
    type,
    properties = {},
    items,
    enum: choices,
    required,
  } = schema as {
    type?: unknown
    properties?: Record<string, Record<string, unknown>>
    items?: Record<string, unknown>
    enum?: unknown[]
    required?: string[]
  }
  // Clients remove `additionalProperties` of a tool itself.
  const unknown = Object.keys(schema).filter(
    (key) => !KEYWORDS.includes(key) && !(path === '' && key === 'additionalProperties'),
  )
  const names = Object.keys(properties)
  return [
    ...unknown.map((key): [string, string] => [path, key]),
    ...(typeof type === 'string' ? [] : [[path, 'no single type'] as [string, string]]),
    ...(type === 'object' && names.length === 0 ? [[path, 'an object without properties'] as [string, string]] : []),
    ...(type === 'array' && items === undefined ? [[path, 'a list without items'] as [string, string]] : []),
    ...(choices !== undefined &&
    (type !== 'string' || choices.some((choice) => typeof choice !== 'string' || choice === ''))
      ? [[path, 'choices that are not text'] as [string, string]]
      : []),
    ...(required?.some((name) => !names.includes(name))
      ? [[path, 'an unknown required name'] as [string, string]]
      : []),
    ...Object.entries(properties).flatMap(([name, inner]) => problemsOf(inner, `${path}.${name}`)),
    ...(items === undefined ? [] : problemsOf(items, `${path}[]`)),
  ]
}
