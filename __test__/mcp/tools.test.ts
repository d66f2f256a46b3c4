import type { Client } from '@modelcontextprotocol/client'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { beforeEach, describe, expect, test } from 'vitest'
import type { OutputName } from '../../index.js'
import { folder, newEngine } from '../support.js'
import { call, client, firstResource, LONG, RUN, raw, refusal, store, textOf } from './support.js'

let mcp: Client

beforeEach(async () => {
  mcp = await client({ DATA_DIR: await store() })
})

describe('the tools', () => {
  test('have schemas and correct annotations', async () => {
    const { tools } = await mcp.listTools()
    expect(tools.map(({ name }) => name)).toEqual([
      'run_backtest',
      'get_backtest_results',
      'list_strategies',
      'validate_strategy',
      'get_metrics',
      'list_assets',
      'list_backtests',
      'compare_backtests',
      'rerun_backtest',
      'describe_language',
      'register_strategy',
      'cancel_backtest',
      'delete_backtest',
      'run_sweep',
      'get_sweep',
    ])
    const reading = tools.filter(({ annotations }) => annotations?.readOnlyHint).map(({ name }) => name)
    expect(reading).toEqual([
      'get_backtest_results',
      'list_strategies',
      'validate_strategy',
      'get_metrics',
      'list_assets',
      'list_backtests',
      'compare_backtests',
      'describe_language',
      'get_sweep',
    ])
    for (const { name, title, description, inputSchema, outputSchema, annotations } of tools) {
      expect(title, name).toBeTruthy()
      expect(description?.length, name).toBeGreaterThan(80)
      expect(inputSchema, name).toMatchObject({ type: 'object', additionalProperties: false })
      expect(Object.keys(outputSchema?.properties ?? {}).slice(0, 3), name).toEqual([
        'headline',
        'caveats',
        'next_step',
      ])
      expect(annotations?.openWorldHint, name).toBe(false)
      expect(
        namesOf([inputSchema, outputSchema]).filter((key) => !/^[a-z_]+$/.test(key)),
        name,
      ).toEqual([])
      new Ajv2020({ strict: false }).compile(inputSchema)
    }
    const destructive = tools.filter(({ annotations }) => annotations?.destructiveHint).map(({ name }) => name)
    expect(destructive).toEqual(['register_strategy', 'cancel_backtest', 'delete_backtest'])
  })

  test('return the same content as structured data and as text, starting with headline, caveats and next step, within 4 kB', async () => {
    const { backtest_id } = await call(mcp, 'run_backtest', RUN)
    const answers = [
      await raw(mcp, 'run_backtest', RUN),
      await raw(mcp, 'get_backtest_results', { backtest_id }),
      await raw(mcp, 'list_strategies'),
      await raw(mcp, 'validate_strategy', { strategy_config: { strategy_id: 'rsi' } }),
      await raw(mcp, 'get_metrics', { backtest_id }),
      await raw(mcp, 'list_assets'),
      await raw(mcp, 'list_backtests'),
    ]
    for (const answer of answers) {
      const output = answer.structuredContent as Record<string, unknown>
      const { headline, caveats, next_step, ...rest } = output
      expect(Object.keys(output).slice(0, 3)).toEqual(['headline', 'caveats', 'next_step'])
      expect(JSON.stringify(output).length, String(headline)).toBeLessThan(4096)
      const text = textOf(answer)
      const lines = text.split('\n')
      expect(lines.slice(0, 2)).toContain(headline)
      for (const caveat of caveats as string[]) expect(text).toContain(`- ${caveat}`)
      expect(text).toContain(`Next: ${next_step}`)
      expect(JSON.parse(text.split('\n').at(-1) ?? '')).toEqual(rest)
    }
  })
})

/** Returns the names of all properties of schemas. */
function namesOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const own =
    'properties' in schema && typeof schema.properties === 'object' ? Object.keys(schema.properties ?? {}) : []
  return [...own, ...Object.values(schema).flatMap(namesOf)]
}

describe('run_backtest', () => {
  test('returns the exact result with its caveats', async () => {
    const output = await call(mcp, 'run_backtest', RUN)
    expect(output).toMatchObject({ status: 'completed', progress: 100, final_capital: 13905.49, total_return: 39.0549 })
    expect(output.headline).toBe(
      'sma_crossover on SP500 (1d, 2010-01-04 to 2014-12-31, 1258 bars): the first run on these bars; only 5 closed trades; ' +
        'filled at the close of the signal bar, which is optimistic. Total return 39.05 %, buy and hold 81.72 %; Sharpe ratio 0.82, ' +
        'maximum drawdown 19.82 %, 6 trades. Fees 0.10 % and slippage 0.10 % per order, 365 bars a year.',
    )
    expect(output.caveats[0]).toContain('first kept run on these bars')
    expect(output.caveats[1]).toContain('filled at the close of the bar that gave the signal')
    expect(output.metrics.sharpe_ratio).toBeCloseTo(0.823016, 6)
    expect(output.next_step).toContain('out of sample')
  })

  test('accepts every optional argument', async () => {
    const output = await call(mcp, 'run_backtest', {
      ...RUN,
      strategy_id: null,
      strategy: {
        id: 'dip',
        parameters: { period: { type: 'integer', default: 14, minimum: 2, maximum: 50 } },
        entries: 'rsi(close, period) < 30',
        exits: 'rsi(close, period) > 60',
        short_entries: 'rsi(close, period) > 80',
        short_exits: 'rsi(close, period) < 50',
      },
      parameters: { period: 10 },
      timeframe: '1w',
      simulation: { execution: 'nextOpen', fees: 0, sl_stop: 0.1, year_days: 252, upon_opposite_entry: 'ignore' },
      user_id: 'u1',
    })
    expect(output).toMatchObject({ timeframe: '1w', parameters: { period: 10 } })
    expect(output.headline).toContain('filled at the next open')
    expect(output.headline).not.toContain('filled at the close')
    expect(output.assumptions).toMatchObject({ execution: 'nextOpen', fees: 0, sl_stop: 0.1, year_days: 252 })
    const whole = firstResource(await raw(mcp, 'get_backtest_results', { backtest_id: output.backtest_id })).value
    expect(whole).toMatchObject({ user_id: 'u1', simulation: { upon_opposite_entry: 'ignore' } })
    expect((await call(mcp, 'list_backtests', { user_id: 'u1' })).backtests).toHaveLength(1)
    expect((await call(mcp, 'list_backtests', { user_id: 'u2' })).backtests).toHaveLength(0)
  })

  test('reports all problems and how to fix them', async () => {
    expect(await refusal(mcp, 'run_backtest', { ...RUN, intial_capital: 5 })).toMatch(
      /^INVALID_ARGUMENT: intial_capital is not a known field\nNext: .*arguments of run_backtest: strategy_id, asset_symbol/,
    )
    const several = await refusal(mcp, 'run_backtest', { ...RUN, initial_capital: 'ten', start_date: 3 })
    expect(several).toMatch(/^INVALID_ARGUMENT: 2 problems\n- start_date: .*string.*\n- initial_capital: .*number/)
    const engine = await refusal(mcp, 'run_backtest', { ...RUN, initial_capital: -5, start_date: 'soon' })
    expect(engine).toMatch(/^INVALID_ARGUMENT: 2 problems\n/)
    expect(engine).toContain('start_date')
    expect(engine).toContain('initial_capital must be above 0, was -5')
    expect(engine).not.toMatch(/startDate|initialCapital/)
    expect(await refusal(mcp, 'run_backtest', { ...RUN, strategy_id: 'sma' })).toMatch(
      /^UNKNOWN_STRATEGY: .*\nNext: .*known ids: .*sma_crossover/,
    )
    expect(await refusal(mcp, 'run_backtest', { ...RUN, asset_symbol: 'NONE' })).toMatch(
      /^NO_DATA: .*\nNext: .*known assets: SP500/,
    )
    expect(await refusal(mcp, 'run_backtest', { ...RUN, simulation: { feees: 1 } })).toContain(
      'simulation.feees is not a known field',
    )
    expect(await refusal(mcp, 'run_backtest', { ...RUN, strategy: LONG.strategy })).toContain('strategy_id')
  })
})

describe('get_backtest_results', () => {
  test('says that the bars of a run have changed or are gone', async () => {
    const dataDir = await store()
    const server = await client({ DATA_DIR: dataDir })
    const { backtest_id, caveats } = await call(server, 'run_backtest', RUN)
    const engine = newEngine({ dataDir })
    const last = async () => (await call(server, 'get_backtest_results', { backtest_id })).caveats.slice(caveats.length)
    expect(await last()).toEqual([])
    await engine.deleteBars({ assetSymbol: 'SP500', from: '2012-01-01', to: '2012-12-31' })
    expect(await last()).toEqual(['the stored bars have changed since this run: repeating it may give another result'])
    await engine.deleteBars({ assetSymbol: 'SP500' })
    expect(await last()).toEqual([expect.stringContaining('that this run was computed on are gone')])
  })

  test('marks a run whose strategy looks ahead, in the result and in lists', async () => {
    const dataDir = await store()
    const server = await client({ DATA_DIR: dataDir })
    const engine = newEngine({ dataDir })
    await engine.registerStrategy({
      id: 'peeking',
      generateSignals: ({ close }) => ({
        entries: Array.from(close, (price, bar) => Number(close[bar + 1]) > price),
        exits: Array.from(close, (price, bar) => Number(close[bar + 1]) < price),
      }),
    })
    const { strategy_id: _, parameters: __, ...range } = RUN
    const run = (allowLookAhead: boolean, outputs?: OutputName[]) =>
      engine.runBacktest({
        strategyId: 'peeking',
        assetSymbol: range.asset_symbol,
        startDate: range.start_date,
        endDate: range.end_date,
        initialCapital: range.initial_capital,
        allowLookAhead,
        ...(outputs && { outputs }),
      })
    for (const outputs of [undefined, ['metrics'] satisfies OutputName[]]) {
      const { backtestId } = await run(true, outputs)
      const output = await call(server, 'get_backtest_results', { backtest_id: backtestId })
      expect(output).toMatchObject({ look_ahead: true, status: 'completed' })
      expect(output.headline).toMatch(/^LOOKS AHEAD, proves nothing: peeking on SP500/)
      expect(output.caveats[1]).toMatch(/^the signals look ahead/)
      const whole = firstResource(await raw(server, 'get_backtest_results', { backtest_id: backtestId })).value
      expect(whole.look_ahead).toBe(true)
      expect('trades' in whole).toBe(outputs === undefined)
      expect((await call(server, 'list_backtests', { limit: 1 })).backtests[0]).toMatchObject({ look_ahead: true })
    }
    const { backtest_id } = await call(server, 'run_backtest', RUN)
    expect('look_ahead' in (await call(server, 'get_backtest_results', { backtest_id }))).toBe(false)
  })

  test('embeds the full, unrounded result for programs', async () => {
    const { backtest_id } = await call(mcp, 'run_backtest', RUN)
    const { uri, value } = firstResource(await raw(mcp, 'get_backtest_results', { backtest_id, detail: 'full' }))
    expect(uri).toBe(`backtest://${backtest_id}/results`)
    expect(value).toMatchObject({ backtest_id, status: 'completed', progress: 100, trades_total: 6 })
    expect(value.final_capital).toBe(13905.490328068945)
    expect(value.trades).toHaveLength(6)
    expect(Object.keys(value.trades[0])).toEqual([
      'entry_date',
      'exit_date',
      'direction',
      'entry_price',
      'exit_price',
      'quantity',
      'pnl',
      'pnl_percent',
      'fees',
      'status',
      'exit_reason',
      'entry_bar',
      'exit_bar',
      'bars',
      'max_adverse_excursion',
      'max_favorable_excursion',
    ])
    expect(value.equity_curve).toHaveLength(1258)
    expect(value.timestamps).toHaveLength(1258)
    expect(value.timestamps[0]).toBe('2010-01-04T00:00:00.000Z')
    expect(value.equity_curve.at(-1)).toBe(value.final_capital)
  })

  test('pages through trades and downsamples the curve, keeping its extremes', async () => {
    const { backtest_id } = await call(mcp, 'run_backtest', RUN)
    const whole = firstResource(await raw(mcp, 'get_backtest_results', { backtest_id, detail: 'full' })).value
    const output = await call(mcp, 'get_backtest_results', {
      backtest_id,
      detail: 'full',
      trades_offset: 4,
      trades_limit: 10,
      equity_points: 20,
    })
    expect(output).toMatchObject({ trades_total: 6, trades_offset: 4, equity_points_total: 1258 })
    expect(output.trades).toEqual(whole.trades.slice(4))
    expect(output.equity_curve.length).toBeLessThanOrEqual(20)
    expect(output.equity_curve).toHaveLength(output.timestamps.length)
    expect(Math.max(...output.equity_curve)).toBe(Math.max(...whole.equity_curve))
    expect(Math.min(...output.equity_curve)).toBe(Math.min(...whole.equity_curve))
    expect(output.equity_curve[0]).toBe(whole.equity_curve[0])
    expect(output.equity_curve.at(-1)).toBe(whole.equity_curve.at(-1))
    expect([...output.timestamps].sort()).toEqual(output.timestamps)
    const summary = await raw(mcp, 'get_backtest_results', { backtest_id, detail: 'summary' })
    expect(JSON.stringify(summary).length).toBeLessThan(12_000)
    expect(firstResource(summary).value).toEqual(summary.structuredContent)
  })

  test('lists known ids if the id is unknown', async () => {
    const { backtest_id } = await call(mcp, 'run_backtest', RUN)
    const text = await refusal(mcp, 'get_backtest_results', { backtest_id: 'bt-000000000000' })
    expect(text).toBe(
      `NOT_FOUND: there is no backtest with id "bt-000000000000"\nNext: use an id from list_backtests; newest ids: ${backtest_id}`,
    )
  })
})

test('a client of revision 2026-07-28 is served over stdio as well', async () => {
  const modern = await client(
    { DATA_DIR: await store() },
    { options: { versionNegotiation: { mode: { pin: '2026-07-28' } } } },
  )
  expect(await call(modern, 'run_backtest', RUN)).toMatchObject({ status: 'completed', total_return: 39.0549 })
})

test('list_strategies returns one strategy in full, and pages through all', async () => {
  const output = await call(mcp, 'list_strategies', { strategy_id: 'rsi' })
  expect(output.strategies).toHaveLength(1)
  expect(output.strategies[0].source).toContain('entries')
  const before = await call(mcp, 'list_strategies')
  const ids: string[] = before.strategies.map(({ id }: { id: string }) => id)
  expect(ids).toHaveLength(before.strategies_total)
  for (let index = 0; index < 8; index++) {
    const strategy = { id: `z${index}`, description: 'x'.repeat(500), entries: 'close > 1', exits: 'close > 2' }
    await call(mcp, 'register_strategy', { strategy })
    ids.push(strategy.id)
  }
  const listed: string[] = []
  for (let offset: string | undefined = '0'; offset !== undefined; ) {
    const page = await call(mcp, 'list_strategies', { offset: Number(offset) })
    expect(page.strategies_total).toBe(ids.length)
    expect(JSON.stringify(page).length).toBeLessThan(5000)
    for (const { description } of page.strategies) expect(description.length).toBeLessThanOrEqual(161)
    listed.push(...page.strategies.map(({ id }: { id: string }) => id))
    offset = /offset (\d+)/.exec(page.next_step)?.[1]
  }
  expect(listed).toEqual(ids)
  expect(await refusal(mcp, 'list_strategies', { strategy_id: 'rsii' })).toContain('known ids')
})

test('validate_strategy returns a result for any configuration', async () => {
  const check = (strategy_config: object) => call(mcp, 'validate_strategy', { strategy_config })
  expect(await check({ strategy_id: 'rsi', parameters: {} })).toMatchObject({ valid: true, errors: [], issues: [] })
  expect(await check({ strategy_id: 'rsi', parameters: { oversold: 80, overbought: 20 } })).toMatchObject({
    valid: false,
  })
  expect(await check({})).toMatchObject({ valid: false })
  expect(await check({ strategy_id: 3 })).toMatchObject({
    valid: false,
    issues: [{ path: 'strategy_id', code: 'type' }],
  })
  expect(await check({ strategy_id: 'rsi', strategyId: 'rsi' })).toMatchObject({
    valid: false,
    errors: ['strategyId is not a known field'],
  })
  const own = { id: 'own', entries: 'rsii(close, 14) < 30', exits: 'close > 5' }
  expect((await check({ strategy: own })).errors[0]).toMatch(/rsii.*did you mean `rsi`\?/)
  expect(await refusal(mcp, 'validate_strategy', { strategy_config: 'rsi' })).toMatch(
    /^INVALID_ARGUMENT: strategy_config/,
  )
})

test('get_metrics returns the named metrics, or all, unrounded', async () => {
  const { backtest_id } = await call(mcp, 'run_backtest', RUN)
  const output = await call(mcp, 'get_metrics', { backtest_id, metrics: ['sharpe_ratio', 'maxDrawdown'] })
  // Unrounded: the last digits depend on the processor and on the order of summation.
  expect(output.metrics).toEqual({
    sharpe_ratio: expect.closeTo(0.8230161786423901, 13),
    max_drawdown: expect.closeTo(19.821811652558207, 12),
  })
  const all = firstResource(await raw(mcp, 'get_metrics', { backtest_id, metrics: [] }))
  expect(all.uri).toBe(`backtest://${backtest_id}/metrics`)
  expect(Object.keys(all.value).length).toBeGreaterThan(45)
  expect(await refusal(mcp, 'get_metrics', { backtest_id, metrics: ['sharpe_rato'] })).toContain(
    'did you mean sharpe_ratio?',
  )
  expect(await refusal(mcp, 'get_metrics', { backtest_id: 'bt-000000000000' })).toContain(backtest_id)
})

test('list_assets searches and pages', async () => {
  expect(await call(mcp, 'list_assets', { search: 'sp5' })).toMatchObject({
    assets_total: 1,
    assets: [{ asset_symbol: 'SP500', timeframes: [{ timeframe: '1d', bars: 5105 }] }],
  })
  expect(await call(mcp, 'list_assets', { search: 'x' })).toMatchObject({
    assets: [],
    next_step: expect.stringContaining('without search'),
  })
  const empty = await client({ DATA_DIR: folder() })
  expect((await call(empty, 'list_assets')).next_step).toContain('No bars are stored yet')
  expect(await refusal(empty, 'run_backtest', RUN)).toMatch(/^NO_DATA: .*\nNext: no bars are stored yet/)
  expect((await call(mcp, 'list_assets', { offset: 1 })).assets).toEqual([])
})

test('register_strategy stores a strategy that can then be run by id', async () => {
  const strategy = { id: 'mine', entries: 'close > sma(close, 5)', exits: 'close < sma(close, 5)' }
  expect((await call(mcp, 'register_strategy', { strategy })).strategy).toMatchObject({ id: 'mine', type: 'custom' })
  expect(await call(mcp, 'run_backtest', { ...RUN, strategy_id: 'mine', parameters: {} })).toMatchObject({
    status: 'completed',
    strategy_id: 'mine',
  })
  expect(await refusal(mcp, 'register_strategy', { strategy: { ...strategy, id: 'rsi' } })).toMatch(/^INVALID_ARGUMENT/)
  expect(await refusal(mcp, 'register_strategy', { strategy: { ...strategy, generateSignals: 'a' } })).toContain(
    'strategy.generateSignals is not a known field',
  )
})

test('list_backtests pages, delete_backtest deletes, cancel_backtest has no effect on ended runs', async () => {
  const ids: string[] = []
  for (let run = 0; run < 3; run++) {
    const { backtest_id } = await call(mcp, 'run_backtest', { ...RUN, initial_capital: 1000 + run })
    ids.unshift(backtest_id)
  }
  const page = await call(mcp, 'list_backtests', { limit: 2, strategy_id: 'sma_crossover', status: 'completed' })
  expect(page.backtests.map((row: { backtest_id: string }) => row.backtest_id)).toEqual(ids.slice(0, 2))
  expect(page.next_step).toContain(`before "${ids[1]}"`)
  expect(page).toMatchObject({ headline: '2 of 3 backtests, newest first', backtests_total: 3 })
  expect(page.backtests[0]).toMatchObject({ parameters: RUN.parameters, sharpe_ratio: 0.823016, closed_trades: 5 })
  expect(page.caveats[0]).toContain('the best of 3 runs looks good by chance')
  const rest = await call(mcp, 'list_backtests', { limit: 2, before: ids[1] })
  expect(rest.backtests).toHaveLength(1)
  expect(await call(mcp, 'cancel_backtest', { backtest_id: ids[0] })).toMatchObject({ status: 'completed' })
  expect(await call(mcp, 'delete_backtest', { backtest_id: ids[0] })).toMatchObject({ deleted: true })
  expect(await refusal(mcp, 'delete_backtest', { backtest_id: ids[0] })).toMatch(/^NOT_FOUND/)
  expect(await refusal(mcp, 'cancel_backtest', { backtest_id: ids[0] })).toMatch(/^NOT_FOUND/)
})

describe('the resources', () => {
  test('can be listed, completed and read', async () => {
    const { backtest_id } = await call(mcp, 'run_backtest', RUN)
    const { resources } = await mcp.listResources()
    expect(resources.map(({ uri }) => uri)).toEqual([
      'strategies://list',
      'language://reference',
      `backtest://${backtest_id}`,
    ])
    const { resourceTemplates } = await mcp.listResourceTemplates()
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'backtest://{id}',
      'backtest://{id}/results',
      'backtest://{id}/trades.csv',
      'backtest://{id}/trades/{page}',
      'backtest://{id}/equity.csv',
      'backtest://{id}/equity/{page}',
      'backtest://{id}/metrics',
      'backtest://{id}/chart.png',
      'sweep://{id}',
    ])
    const read = async (uri: string) => {
      const [content] = (await mcp.readResource({ uri })).contents
      return content && 'text' in content ? JSON.parse(content.text) : undefined
    }
    expect(await read(`backtest://${backtest_id}`)).toMatchObject({ backtest_id, status: 'completed', progress: 100 })
    expect((await read(`backtest://${backtest_id}/results`)).equity_curve).toHaveLength(1258)
    expect(await read(`backtest://${backtest_id}/metrics`)).toHaveProperty('sharpe_ratio')
    expect((await read('strategies://list')).map(({ id }: { id: string }) => id)).toContain('macd')
    const completed = await mcp.complete({
      ref: { type: 'ref/resource', uri: 'backtest://{id}/results' },
      argument: { name: 'id', value: 'bt-' },
    })
    expect(completed.completion.values).toEqual([backtest_id])
  })

  test.each([
    'backtest://bt-000000000000',
    'backtest://x/results',
    'backtest://bt-000000000000/metrics',
    'nothing://here',
  ])('return "not found" if they do not exist: %s', async (uri) => {
    await expect(mcp.readResource({ uri })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('not found'),
    })
  })
})

test('the prompts guide through a sound study', async () => {
  const { prompts } = await mcp.listPrompts()
  expect(prompts.map(({ name }) => name)).toEqual(['honest_study', 'out_of_sample_check', 'review_backtest'])
  const { messages } = await mcp.getPrompt({
    name: 'honest_study',
    arguments: { idea: 'buy dips', asset_symbol: 'SP500' },
  })
  const text = messages[0]?.content.type === 'text' ? messages[0].content.text : ''
  for (const word of ['Hypothesis', 'In sample', 'Out of sample', 'Verdict', 'buy dips', 'SP500'])
    expect(text).toContain(word)
  const completed = await mcp.complete({
    ref: { type: 'ref/prompt', name: 'honest_study' },
    argument: { name: 'asset_symbol', value: 'sp' },
  })
  expect(completed.completion.values).toEqual(['SP500'])
})
