/** The tools for sweeps, through a client and a server process. */

import { inflateSync } from 'node:zlib'
import { type CallToolResult, type Client, InMemoryTransport, Client as SdkClient } from '@modelcontextprotocol/client'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createBacktestingServer, type Engine } from '../../mcp/dist/index.js'
import { readText } from '../../mcp/src/arguments/lenient.js'
import { nearestName } from '../../mcp/src/arguments/nearest.js'
import { toSweepRequest } from '../../mcp/src/arguments/requests.js'
import { newEngine, SP500 } from '../support.js'
import { call, client, firstResource, initialize, type Message, raw, refusal, serve, store, textOf } from './support.js'

const SWEEP = {
  strategy_id: 'sma_crossover',
  asset_symbol: 'SP500',
  start_date: '2005-01-03',
  end_date: '2014-12-31',
  initial_capital: 10_000,
  simulation: { execution: 'nextOpen' },
  parameters: {
    fast_period: { from: 5, to: 50, step: 5 },
    slow_period: [60, 100, 150, 200],
    'simulation.sl_stop': [null, 0.1],
  },
}

/** A sweep of a few seconds: stakes of a fixed value that add up take the general path. */
const LONG_SWEEP = {
  strategy_id: 'sma_crossover',
  asset_symbol: 'LONG',
  start_date: '2020-01-01',
  end_date: '2021-09-30',
  initial_capital: 10_000,
  simulation: { accumulate: 'both', size: 1, size_type: 'value' },
  parameters: { fast_period: { from: 2, to: 11 }, slow_period: { from: 41, to: 60 } },
  metrics: ['sharpe_ratio', 'closed_trades'],
}

/** The same with fewer combinations. */
const SHORTER = {
  ...LONG_SWEEP,
  parameters: { fast_period: { from: 2, to: 11 }, slow_period: { from: 41, to: 48 } },
}

const ID = /^sw-[0-9a-f]{12}$/

// biome-ignore lint/suspicious/noExplicitAny: tests inspect arbitrary parts of the output.
type Output = any

/** Polls a sweep until it has ended. Returns every answer. */
async function follow(mcp: Client, sweep_id: string): Promise<Output[]> {
  const seen: Output[] = []
  for (;;) {
    const output = await call(mcp, 'get_sweep', { sweep_id })
    seen.push(output)
    if (output.status !== 'running' && output.status !== 'pending') return seen
    if (seen.length > 1000) throw new Error('the sweep does not end')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Expects a result to have the form and the size of a default answer. */
function expectDefaultAnswer(result: CallToolResult): Output {
  expect(result.isError, textOf(result)).toBeFalsy()
  const output = result.structuredContent as Output
  const { headline, caveats, next_step, ...rest } = output
  expect(Object.keys(output).slice(0, 3)).toEqual(['headline', 'caveats', 'next_step'])
  const [block] = result.content
  const text = block?.type === 'text' ? block.text : ''
  expect(text.startsWith(`${headline}\n`)).toBe(true)
  for (const caveat of caveats) expect(text).toContain(`- ${caveat}`)
  expect(text).toContain(`Next: ${next_step}`)
  expect(JSON.parse(text.split('\n').at(-1) ?? '')).toEqual(rest)
  expect(Buffer.byteLength(JSON.stringify(output)), headline).toBeLessThanOrEqual(4096)
  expect(Buffer.byteLength(text), headline).toBeLessThanOrEqual(4096)
  return output
}

/** Decodes a PNG as far as its size and the number of its bytes. */
function decoded(result: CallToolResult): { width: number; height: number; bytes: number } {
  const image = result.content.find(({ type }) => type === 'image')
  if (image?.type !== 'image') throw new Error(`no picture: ${textOf(result)}`)
  expect(image.mimeType).toBe('image/png')
  const png = Buffer.from(image.data, 'base64')
  expect(png.subarray(0, 8)).toEqual(Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a))
  const data: Buffer[] = []
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(png.subarray(at + 8, at + 8 + length))
    at += length + 12
  }
  return { width: png.readUInt32BE(16), height: png.readUInt32BE(20), bytes: inflateSync(Buffer.concat(data)).length }
}

describe('run_sweep and get_sweep', () => {
  let mcp: Client

  beforeEach(async () => {
    mcp = await client({ DATA_DIR: await store() })
    // The client checks results against the published schemas once it has listed the tools.
    await mcp.listTools()
  })

  test('say first what speaks against the best, within 4 kB', async () => {
    const result = await raw(mcp, 'run_sweep', SWEEP)
    const output = expectDefaultAnswer(result)
    expect(output.headline).toMatch(
      /^80 combinations of sma_crossover on SP500 \(1d, 2005-01-03 to 2014-12-31\): the best of 80 tries in sample; .*\d+ beside it.*; \d+ closed trades?;? .*Best: fast_period \d+, slow_period \d+/,
    )
    // Nothing that praises comes before what speaks against it.
    expect(output.headline.indexOf('total return')).toBeGreaterThan(output.headline.indexOf('closed trade'))
    expect(output.caveats[0]).toContain('the best of 80 combinations was chosen by its result')
    expect(output.next_step).toContain('run_backtest with it once on bars after 2014-12-31')
    expect(output).toMatchObject({ status: 'completed', progress: 100, done: 80, combinations: 80 })
    expect(output.sweep_id).toMatch(ID)
    expect(output.objective).toBe('sharpe_ratio')
    expect(output.top).toHaveLength(5)
    expect(output.top[0].combination).toBe(output.best.combination)
    const objectives = output.top.map(({ objective }: Output) => objective)
    expect([...objectives].sort((one, other) => other - one)).toEqual(objectives)
    expect(firstResource(result)).toEqual({
      uri: `sweep://${output.sweep_id}`,
      value: { sweep_id: output.sweep_id, status: 'completed', progress: 100, done: 80, combinations: 80 },
    })
    const again = expectDefaultAnswer(await raw(mcp, 'get_sweep', { sweep_id: output.sweep_id }))
    expect(again).toEqual(output)
    expect((await call(mcp, 'get_sweep', { sweep_id: output.sweep_id, top: 20 })).top).toHaveLength(20)
    const { contents } = await mcp.readResource({ uri: `sweep://${output.sweep_id}` })
    expect(JSON.parse((contents[0] as { text: string }).text)).toMatchObject({
      sweep_id: output.sweep_id,
      combinations: 80,
    })
    await expect(mcp.readResource({ uri: 'sweep://sw-000000000000' })).rejects.toThrow(/not found/i)
  })

  test('the best combination has the figures of run_backtest', async () => {
    const { best } = await call(mcp, 'run_sweep', SWEEP)
    const { fast_period, slow_period, 'simulation.sl_stop': sl_stop } = best.parameters
    const run = await call(mcp, 'run_backtest', {
      ...SWEEP,
      parameters: { fast_period, slow_period },
      simulation: { ...SWEEP.simulation, ...(sl_stop !== null && { sl_stop }) },
    })
    for (const [name, value] of Object.entries(best.metrics)) expect(run.metrics[name], name).toBe(value)
  })

  test('read what a model writes as text, and names in snake_case or camelCase', async () => {
    const { best, objective, combinations } = await call(mcp, 'run_sweep', {
      ...SWEEP,
      objective: 'sharpe_ratio - 0.5 * max_drawdown / 10',
      constraints: 'slow_period >= 4 * fast_period and simulation.sl_stop < 0.2',
    })
    expect(objective).toBe('sharpe_ratio - 0.5 * max_drawdown / 10')
    expect(best.parameters['simulation.sl_stop']).toBe(0.1)
    const asText = await call(mcp, 'run_sweep', {
      ...SWEEP,
      parameters: JSON.stringify({
        fast_period: { from: '5', to: '50', step: '5' },
        slow_period: '[60, "100", 150, 200]',
        'simulation.slStop': ['null', '0.1'],
      }),
      objective: 'sharpeRatio - 0.5 * maxDrawdown / 10',
      constraints: '["slow_period >= 4 * fast_period", "simulation.slStop < 0.2"]',
      initial_capital: '10000',
      min_trades: '5',
      user_id: null,
    })
    expect(asText.combinations).toBe(combinations)
    expect(asText.best).toEqual(best)
    const few = await call(mcp, 'run_sweep', {
      ...SWEEP,
      sample: '{"count": 5, "seed": 3}',
      asset_symbol: null,
      asset_symbols: 'SP500',
    })
    expect(few).toMatchObject({ combinations: 5, asset_symbols: ['SP500'] })
  })

  test('say so if nothing competes', async () => {
    const output = expectDefaultAnswer(await raw(mcp, 'run_sweep', { ...SWEEP, min_trades: 1000 }))
    expect(output.headline).toMatch(
      /^Nothing to choose from 80 combinations of sma_crossover .*: none competes \(with too few closed trades\)\.$/,
    )
    expect(output.caveats[0]).toMatch(/^no combination competes: 80 have fewer than 1000 closed trades/)
    expect(output.next_step).toContain('Do not report a result')
    expect(output).toMatchObject({ excluded: { few_trades: 80 }, top: [] })
    expect(output.best).toBeUndefined()
  })

  test('warn of a spike, and name a plateau', async () => {
    // The combinations with seven trades are a hundred times as good as those beside them.
    const objective = 'total_return * if(closed_trades == 7, 100, 1)'
    const output = expectDefaultAnswer(await raw(mcp, 'run_sweep', { ...SWEEP, objective }))
    expect(output.best).toMatchObject({ metrics: { closed_trades: 7 }, neighbours: { count: 17 } })
    expect(output.best.neighbours.score).toBeLessThan(0.02)
    expect(output.headline).toContain(
      '; a spike: the median objective of the 17 beside it is 0.01 of its own; 7 closed trades;',
    )
    expect(output.caveats[0]).toMatch(/^the best combination is a spike: the median objective of the 17 combinations/)
    expect(output.plateau.combination).not.toBe(output.best.combination)
    expect(output.next_step).toMatch(/^Prefer the combination "plateau" to the spike, then call run_backtest/)
  })

  test('fit into 4 kB with many parameters, assets and remarks', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `a_parameter_with_a_long_name_${index}`)
    const strategy = {
      id: 'many',
      parameters: Object.fromEntries(names.map((name) => [name, { type: 'number', default: 1 }])),
      entries: 'crossed_above(close, sma(close, 20))',
      exits: `close < sma(close, 20) and ${names.map((name) => `${name} > 0`).join(' and ')}`,
    }
    const { strategy_id: _, ...rest } = SWEEP
    const parameters = Object.fromEntries(names.map((name, index) => [name, index < 3 ? [1, 1.123456789, 2] : 1]))
    const sweep = { ...rest, strategy, parameters }
    const output = expectDefaultAnswer(await raw(mcp, 'run_sweep', sweep))
    expect(output.combinations).toBe(27)
    const { sweep_id } = output
    expectDefaultAnswer(await raw(mcp, 'get_sweep', { sweep_id }))
    const page = expectDefaultAnswer(await raw(mcp, 'get_sweep', { sweep_id, from: 0 }))
    expect(page.rows.length).toBeGreaterThan(0)
    expect(page.next_from).toBe(page.rows.length)
  })

  test('pages have every combination once', async () => {
    const { sweep_id } = await call(mcp, 'run_sweep', SWEEP)
    const rows: Output[] = []
    let columns: string[] = []
    for (let from: number | null = 0; from !== null; ) {
      const page = expectDefaultAnswer(await raw(mcp, 'get_sweep', { sweep_id, from }))
      expect(page.rows.length).toBeGreaterThan(5)
      columns = page.columns
      rows.push(...page.rows)
      from = page.next_from
    }
    expect(columns).toEqual([
      'combination',
      'fast_period',
      'slow_period',
      'simulation.sl_stop',
      'objective',
      'total_return',
      'sharpe_ratio',
      'max_drawdown',
      'closed_trades',
      'excluded',
    ])
    expect(rows.map(([combination]) => combination)).toEqual(Array.from({ length: 80 }, (_, index) => index))
    expect(rows[0].slice(1, 4)).toEqual([5, 60, null])
    expect(rows[79].slice(1, 4)).toEqual([50, 200, 0.1])
    for (const row of rows) expect(row[9]).toBe(row[8] < 5 ? 'few_trades' : null)

    const where = 'sharpe_ratio > 0.5 and slow_period == 200 and simulation.sl_stop == 0.1 and closed_trades >= 5'
    const expected = rows.filter((row) => row[6] > 0.5 && row[2] === 200 && row[3] === 0.1 && row[8] >= 5)
    expect(expected.length).toBeGreaterThan(2)
    const chosen = await call(mcp, 'get_sweep', { sweep_id, where })
    expect(chosen.rows).toEqual(expected)
    expect(chosen.next_from).toBeNull()
    expect(chosen.caveats.at(-1)).toContain('look better than they are')
    const first = await call(mcp, 'get_sweep', { sweep_id, where, limit: 2 })
    expect(first.rows).toEqual(expected.slice(0, 2))
    expect(first.next_from).toBe(expected[2][0])
    const second = await call(mcp, 'get_sweep', { sweep_id, where, limit: 1000, from: first.next_from })
    expect(second.rows).toEqual(expected.slice(2))
    const some = await call(mcp, 'get_sweep', { sweep_id, from: 3, to: 5, metrics: ['win_rate'], limit: 1000 })
    expect(some).toMatchObject({ columns: expect.arrayContaining(['win_rate']), next_from: null })
    expect(some.rows.map(([combination]: number[]) => combination)).toEqual([3, 4])
    const exact = firstResource(await raw(mcp, 'get_sweep', { sweep_id, from: 3, to: 4 })).value.rows[0]
    expect(exact[6]).not.toBe(rows[3][6])
    expect(exact[6]).toBeCloseTo(rows[3][6], 5)
  })

  test('several assets and timeframes are ranked together', async () => {
    const output = await call(mcp, 'run_sweep', {
      ...SWEEP,
      asset_symbol: null,
      asset_symbols: ['SP500'],
      timeframes: ['1d', '1w'],
      parameters: { fast_period: [5, 10], slow_period: [20, 30] },
      min_trades: 1,
    })
    expect(output.headline).toContain('on SP500 (1d, 1w, 2005-01-03 to 2014-12-')
    expect(output).toMatchObject({ combinations: 8, timeframes: ['1d', '1w'] })
    expect(['1d', '1w']).toContain(output.best.timeframe)
    const page = await call(mcp, 'get_sweep', { sweep_id: output.sweep_id, from: 0 })
    expect(page.columns.slice(0, 3)).toEqual(['combination', 'asset_symbol', 'timeframe'])
    expect(page.rows.map((row: Output[]) => row[2])).toEqual(['1d', '1d', '1d', '1d', '1w', '1w', '1w', '1w'])
  })

  test('are listed and deleted', async () => {
    expect(await call(mcp, 'get_sweep')).toMatchObject({ sweeps: [] })
    const ids: string[] = []
    for (const slow of [60, 70, 80]) {
      const { sweep_id } = await call(mcp, 'run_sweep', { ...SWEEP, parameters: { slow_period: [slow, slow + 5] } })
      ids.unshift(sweep_id)
    }
    const listed = expectDefaultAnswer(await raw(mcp, 'get_sweep'))
    expect(listed.sweeps.map(({ sweep_id }: Output) => sweep_id)).toEqual(ids)
    expect(listed.sweeps[0]).toMatchObject({ status: 'completed', combinations: 2, done: 2, objective: 'sharpe_ratio' })
    const page = await call(mcp, 'get_sweep', { limit: 2 })
    expect(page.next_step).toContain(`before "${ids[1]}"`)
    expect((await call(mcp, 'get_sweep', { before: ids[1] })).sweeps).toMatchObject([{ sweep_id: ids[2] }])
    expect((await call(mcp, 'get_sweep', { strategy_id: 'rsi' })).sweeps).toEqual([])
    expect(await call(mcp, 'cancel_backtest', { sweep_id: ids[0] })).toMatchObject({ status: 'completed' })
    expect(await call(mcp, 'delete_backtest', { sweep_id: ids[0] })).toMatchObject({ deleted: true })
    expect(await refusal(mcp, 'delete_backtest', { sweep_id: ids[0] })).toMatch(
      /^NOT_FOUND: .*\nNext: .*newest ids: sw-/,
    )
    expect(await refusal(mcp, 'get_sweep', { sweep_id: ids[0] })).toMatch(/^NOT_FOUND/)
  })

  test('a sweep that is not to be kept is returned once', async () => {
    const output = await call(mcp, 'run_sweep', { ...SWEEP, persist: false })
    expect(output).toMatchObject({ status: 'completed', combinations: 80 })
    expect(await refusal(mcp, 'get_sweep', { sweep_id: output.sweep_id })).toMatch(/^NOT_FOUND/)
  })

  test('refuse what they cannot run, with the names of arguments', async () => {
    const wrong: [object, RegExp][] = [
      [
        { ...SWEEP, min_trade: 3 },
        /min_trade is not a known field\nNext: did you mean min_trades instead of min_trade\?/,
      ],
      [{ ...SWEEP, slstop: 0.1 }, /did you mean simulation\.sl_stop instead of slstop\?/],
      [{ ...SWEEP, min_trades: 'many' }, /min_trades: .*number/],
      [{ ...SWEEP, min_trades: -1 }, /min_trades must be/],
      [{ ...SWEEP, parameters: 'fast' }, /parameters: .*record/],
      [{ ...SWEEP, parameters: [1] }, /parameters: .*record/],
      [{ ...SWEEP, parameters: { fast_perod: [1] } }, /parameters\.fast_perod, did you mean fast_period\?/],
      [
        { ...SWEEP, parameters: { fast_period: { from: 1, til: 3 } } },
        /2 problems[\s\S]*parameters\.fast_period\.to is required/,
      ],
      [{ ...SWEEP, parameters: { 'simulation.sl_stopp': [0.1] } }, /did you mean simulation\.sl_stop\?/],
      [{ ...SWEEP, parameters: { fast_period: 'abc' } }, /parameters\.fast_period/],
      [{ ...SWEEP, objective: 'sharp_ratio' }, /unknown metric `sharp_ratio`, did you mean `sharpe_ratio`\?/],
      [{ ...SWEEP, objective: 'max_drawdown' }, /write -max_drawdown/],
      [{ ...SWEEP, constraints: ['fast_period <'] }, /constraints/],
      [{ ...SWEEP, sample: 5 }, /sample: .*record/],
      [{ ...SWEEP, sample: { count: 0 } }, /sample\.count/],
      [{ ...SWEEP, metrics: ['sharpe'] }, /metrics.*sharpe/],
      [{ ...SWEEP, timeframes: ['7m'] }, /timeframes.*7m/],
      [{ ...SWEEP, bars: '/etc/passwd' }, /bars is not a known field/],
      [{ ...SWEEP, wait_seconds: 600 }, /wait_seconds: .*50/],
      [
        { parameters: {} },
        /strategy_id \(or strategy\) is required[\s\S]*asset_symbol \(or asset_symbols\)[\s\S]*start_date is required/,
      ],
      [{ ...SWEEP, resume: 'sw-000000000000' }, /resume goes on with the stored request.*leave out .*asset_symbol/],
    ]
    for (const [args, expected] of wrong) {
      const text = await refusal(mcp, 'run_sweep', args)
      expect(text).toMatch(/^INVALID_ARGUMENT: /)
      expect(text).toMatch(expected)
    }
    expect(await refusal(mcp, 'run_sweep', { ...SWEEP, strategy_id: 'sma' })).toMatch(
      /^UNKNOWN_STRATEGY: .*known ids: .*sma_crossover/s,
    )
    expect(await refusal(mcp, 'run_sweep', { ...SWEEP, asset_symbol: 'NONE' })).toMatch(
      /^NO_DATA: .*known assets: SP500/s,
    )
    expect(await refusal(mcp, 'run_sweep', { resume: 'sw-000000000000' })).toMatch(/^NOT_FOUND: .*no sweep/)
    const every = { from: 2, to: 500 }
    const tooMany = {
      fast_period: every,
      slow_period: every,
      position_size: { from: 0.01, to: 1, count: 100 },
    }
    expect(await refusal(mcp, 'run_sweep', { ...SWEEP, parameters: tooMany })).toMatch(
      /^LIMIT_EXCEEDED: .*combinations.*5000000.*\nNext: use fewer values, constraints or a sample/,
    )
    const { sweep_id } = await call(mcp, 'run_sweep', SWEEP)
    expect(await refusal(mcp, 'run_sweep', { resume: sweep_id })).toMatch(/is completed: read it with get_sweep/)
    const misplaced: [object, RegExp][] = [
      [{ from: 1 }, /sweep_id is required for from/],
      [{ where: 'true', include_heatmap: true }, /sweep_id is required for where, include_heatmap/],
      [{ sweep_id, strategy_id: 'rsi', before: 'x' }, /strategy_id, before: only for a list/],
      [{ sweep_id, from: -1 }, /from: /],
      [{ sweep_id, from: 5, to: 2 }, /to must be at least from/],
      [{ sweep_id, where: 'sharpe > 1' }, /unknown column `sharpe`, did you mean `sharpe_ratio`\?/],
      [{ sweep_id, where: 'x'.repeat(100_000) }, /where/],
      [{ sweep_id, metrics: ['foo'] }, /keeps no metric "foo"/],
      [{ sweep_id, limit: 1001 }, /limit: /],
      [{ limit: 5, users_id: 'x' }, /users_id is not a known field\nNext: did you mean user_id instead of users_id\?/],
    ]
    for (const [args, expected] of misplaced) {
      const text = await refusal(mcp, 'get_sweep', args)
      expect(text).toMatch(/^INVALID_ARGUMENT: /)
      expect(text).toMatch(expected)
    }
    for (const name of ['cancel_backtest', 'delete_backtest']) {
      expect(await refusal(mcp, name, {})).toMatch(/^INVALID_ARGUMENT: pass either backtest_id or sweep_id/)
      expect(await refusal(mcp, name, { backtest_id: 'bt-0', sweep_id })).toMatch(/^INVALID_ARGUMENT: pass either/)
    }
    expect(await call(mcp, 'get_sweep', { sweep_id })).toMatchObject({ combinations: 80 })
  })

  test('hostile ids and texts are answered in one line', async () => {
    for (const text of [
      '',
      '../../etc/passwd',
      "'; drop table sweeps; --",
      '\u0000',
      'x'.repeat(10_000),
      '__proto__',
      'a\nb',
    ]) {
      const answer = await refusal(mcp, 'get_sweep', { sweep_id: text })
      expect(answer).toMatch(/^(?:NOT_FOUND|INVALID_ARGUMENT): .*\nNext: /)
      expect(answer.split('\n')).toHaveLength(2)
      expect(answer.length).toBeLessThan(2500)
    }
    const hostile = JSON.parse('{"__proto__": [1], "constructor": [2]}')
    expect(await refusal(mcp, 'run_sweep', { ...SWEEP, parameters: hostile })).toMatch(/^INVALID_ARGUMENT/)
    expect(await call(mcp, 'list_assets')).toMatchObject({ assets_total: 1 })
  })

  test('have a heat map on request', async () => {
    const size = { width: 1000, height: 750 }
    const result = await raw(mcp, 'run_sweep', { ...SWEEP, include_heatmap: true })
    expect(result.content.map(({ type }) => type)).toEqual(['text', 'resource', 'image'])
    const picture = decoded(result)
    expect(picture).toMatchObject(size)
    // A filter byte and at least one byte of each four pixels in each line.
    expect(picture.bytes).toBeGreaterThanOrEqual(750 * (1 + 250))
    const { sweep_id } = result.structuredContent as Output
    const image = (of: CallToolResult) => of.content.find(({ type }) => type === 'image')
    // The same two parameters are chosen for a sweep that is read back.
    const kept = await raw(mcp, 'get_sweep', { sweep_id, include_heatmap: true })
    expect(image(kept)).toEqual(image(result))
    const named = { sweep_id, include_heatmap: true, x: 'fast_period', y: 'slow_period' }
    expect(image(await raw(mcp, 'get_sweep', named))).toEqual(image(result))
    const others = [
      { ...named, y: 'simulation.sl_stop' },
      { ...named, heatmap_metric: 'max_drawdown' },
      { ...named, aggregate: 'max' },
      { sweep_id, include_heatmap: true, x: 'fast_period' },
    ]
    for (const args of others) {
      const other = await raw(mcp, 'get_sweep', args)
      expect(decoded(other)).toMatchObject(size)
      expect(image(other)).not.toEqual(image(result))
    }
    const texts: [object, RegExp][] = [
      [{ x: 'fast' }, /^There is no heat map: .*fast_period/],
      [{ x: 'fast_period', y: 'fast_period' }, /^There is no heat map: y must be another parameter than x\.$/],
      [{ x: 'fast_period', heatmap_metric: 'sharpe' }, /^There is no heat map: .*sharpe_ratio/],
    ]
    for (const [args, expected] of texts) {
      const answer = await raw(mcp, 'get_sweep', { sweep_id, include_heatmap: true, ...args })
      expect(answer.isError).toBeFalsy()
      expect(answer.content.map(({ type }) => type)).toEqual(['text', 'resource', 'text'])
      expect((answer.content[2] as { text: string }).text).toMatch(expected)
    }
    const one = await raw(mcp, 'run_sweep', { ...SWEEP, parameters: { fast_period: 5 }, include_heatmap: true })
    expect((one.content[2] as { text: string }).text).toBe(
      'There is no heat map: no parameter has several values; name one as x.',
    )
    const notKept = await raw(mcp, 'run_sweep', { ...SWEEP, persist: false, include_heatmap: true })
    expect(decoded(notKept)).toMatchObject(size)
  })
})

describe('a long sweep', () => {
  test('returns its id, continues, and can be read until and after it is completed', async () => {
    const mcp = await client({ DATA_DIR: await store({ long: true }) })
    await mcp.listTools()
    const started = expectDefaultAnswer(await raw(mcp, 'run_sweep', { ...SHORTER, wait_seconds: 0 }))
    expect(started).toMatchObject({ combinations: 80, status: expect.stringMatching(/^(?:running|pending)$/) })
    expect(started.headline).toMatch(
      /^Sweep sw-[0-9a-f]{12} is .*: \d+ of 80 combinations are done.*\. There is no result yet\.$/,
    )
    expect(started.next_step).toContain(`get_sweep with sweep_id "${started.sweep_id}"`)
    const seen = await follow(mcp, started.sweep_id)
    const last = seen.at(-1)
    expect(last).toMatchObject({ status: 'completed', progress: 100, done: 80 })
    expect(last.headline).toMatch(/^80 combinations of sma_crossover on LONG \(1m, 2020-01-01 to /)
    const done = seen.map((output) => output.done)
    expect([...done].sort((one, other) => one - other)).toEqual(done)
    expect(new Set(done).size).toBeGreaterThan(2)
    // The same as a call that waits.
    const waited = await call(mcp, 'run_sweep', { ...SHORTER, wait_seconds: 50 })
    expect({ ...waited, sweep_id: '', elapsed_ms: 0 }).toEqual({
      ...last,
      next_step: last.next_step.replace(started.sweep_id, waited.sweep_id),
      sweep_id: '',
      elapsed_ms: 0,
    })
  })

  test('reports increasing progress with combinations, and none after the response', async () => {
    const served = serve(['--wait', '50'], { DATA_DIR: await store({ long: true }) })
    await initialize(served)
    const params = { name: 'run_sweep', arguments: SHORTER, _meta: { progressToken: 'p' } }
    const answer = await served.request('tools/call', params)
    expect(answer.result.structuredContent.status).toBe('completed')
    const messages = served.lines.map((line) => JSON.parse(line) as Message)
    const reports = messages
      .filter(({ method }) => method === 'notifications/progress')
      .map((message) => message.params)
    expect(reports.length).toBeGreaterThan(0)
    for (const report of reports) {
      expect(report).toMatchObject({ progressToken: 'p', total: 100 })
      expect(report.message).toMatch(/^\w+, \d+ of 80 combinations/)
    }
    const values = reports.map(({ progress }) => progress)
    expect(values.every((value, index) => index === 0 || value > values[index - 1])).toBe(true)
    expect(messages.at(-1)?.id).toBe(answer.id)
  })

  test('is stopped by cancel_backtest, keeps what is done, and resumes with the result of an uninterrupted one', async () => {
    const mcp = await client({ DATA_DIR: await store({ long: true }) })
    const { sweep_id } = await call(mcp, 'run_sweep', { ...SHORTER, wait_seconds: 0 })
    let output: Output
    do output = await call(mcp, 'get_sweep', { sweep_id })
    while (output.done === 0)
    expect(output.status).toBe('running')
    const stopped = await call(mcp, 'cancel_backtest', { sweep_id })
    expect(stopped).toMatchObject({ sweep_id, status: 'cancelled' })
    expect(stopped.next_step).toContain(`resume "${sweep_id}"`)
    const cancelled = expectDefaultAnswer(await raw(mcp, 'get_sweep', { sweep_id }))
    expect(cancelled.status).toBe('cancelled')
    expect(cancelled.done).toBeGreaterThan(0)
    expect(cancelled.done).toBeLessThan(80)
    expect(cancelled.headline).toMatch(
      / is cancelled: \d+ of 80 combinations are kept\. There is no ranking\. Reason: ABORT_ERR/,
    )
    const kept = await call(mcp, 'get_sweep', { sweep_id, from: 0, to: 80, limit: 1000 })
    expect(kept.rows).toHaveLength(cancelled.done)

    const resumed = await call(mcp, 'run_sweep', { resume: sweep_id, wait_seconds: 50 })
    expect(resumed).toMatchObject({ sweep_id, status: 'completed', done: 80 })
    const whole = await call(mcp, 'run_sweep', { ...SHORTER, wait_seconds: 50 })
    expect(resumed.top).toEqual(whole.top)
    expect(resumed.caveats).toEqual(whole.caveats)
    const rows = async (id: string) =>
      firstResource(await raw(mcp, 'get_sweep', { sweep_id: id, from: 0, to: 80, limit: 1000 })).value.rows
    expect(await rows(sweep_id)).toEqual(await rows(whole.sweep_id))
  })

  test('stops when its request is cancelled', async () => {
    const mcp = await client({ DATA_DIR: await store({ long: true }) })
    const controller = new AbortController()
    const cancelled = mcp.callTool(
      { name: 'run_sweep', arguments: { ...LONG_SWEEP, wait_seconds: 50 } },
      { signal: controller.signal, onprogress: () => controller.abort() },
    )
    await expect(cancelled).rejects.toThrow()
    const status = async () => (await call(mcp, 'get_sweep')).sweeps[0]?.status
    await expect.poll(status, { timeout: 5000 }).toBe('cancelled')
  })

  test('that is not to be kept is stopped after wait_seconds', async () => {
    const mcp = await client({ DATA_DIR: await store({ long: true }) })
    const text = await refusal(mcp, 'run_sweep', { ...LONG_SWEEP, persist: false, wait_seconds: 0.3 })
    expect(text).toMatch(
      /^ABORT_ERR: the sweep was stopped after 0.3 s with \d+ of 200 combinations done, because persist is false\nNext: leave out persist/,
    )
    expect(await call(mcp, 'get_sweep')).toMatchObject({ sweeps: [] })
  })
})

describe('a sweep of another process', () => {
  test('is shown as far as the store knows it', async () => {
    const engine = newEngine()
    await engine.importBars({ assetSymbol: 'SP500', timeframe: '1d', bars: SP500 })
    const result = await engine.runSweep({
      strategyId: 'rsi',
      assetSymbol: 'SP500',
      startDate: '2010-01-04',
      endDate: '2014-12-31',
      initialCapital: 10_000,
      parameters: { period: [5, 10, 15] },
      persist: true,
    })
    const [info] = await engine.listSweeps()
    const running = new Proxy(engine, {
      get(target, name) {
        if (name === 'getSweep') return async () => Object.assign(result, { status: 'running' })
        if (name === 'listSweeps') return async () => [{ ...info, status: 'running', done: 1 }]
        const value = Reflect.get(target, name, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const mcp = new SdkClient({ name: 'test', version: '1' })
    const [near, far] = InMemoryTransport.createLinkedPair()
    await Promise.all([createBacktestingServer(running as Engine).connect(far as never), mcp.connect(near)])
    onTestFinished(() => mcp.close())
    const output = await call(mcp, 'get_sweep', { sweep_id: result.sweepId })
    expect(output).toMatchObject({ status: 'running', done: 1, combinations: 3, progress: 33.3333 })
    expect(output.caveats).toEqual(['another process runs it, and this server cannot stop it'])
    const { sweep_id } = output
    expect(await call(mcp, 'cancel_backtest', { sweep_id })).toMatchObject({ status: 'running' })
  })
})

test('text is read only if it is unambiguous', () => {
  for (const [given, expected] of [
    ['5', 5],
    [' -1.5e3 ', -1500],
    ['.5', 0.5],
    ['true', true],
    ['null', null],
    ['[1, "2"]', [1, 2]],
    ['{"from": "1", "to": 2}', { from: 1, to: 2 }],
    [{ a: ['1', { b: '2' }] }, { a: [1, { b: 2 }] }],
    ['', ''],
    ['5%', '5%'],
    ['1,5', '1,5'],
    ['0x10', '0x10'],
    ['Infinity', 'Infinity'],
    ['[1, 2', '[1, 2'],
    ['True', 'True'],
  ] as [unknown, unknown][]) {
    expect(readText(given)).toEqual(expected)
  }
  const deep = '['.repeat(50) + ']'.repeat(50)
  expect(() => readText(deep)).not.toThrow()
})

test('only names of metrics and settings are converted in expressions', () => {
  const request = toSweepRequest({
    parameters: { fast_period: [1], 'simulation.sl_stop': [0.1], tp_stop: [0.2] },
    constraints: ['fast_period * 2 <= slow_period and sl_stop < tp_stop and simulation.tp_stop > 1'],
    objective: 'if(closed_trades > 5, sharpe_ratio, -max_drawdown)',
    metrics: ['win_rate', 'maxDrawdown'],
    min_trades: 3,
  }) as unknown as Record<string, unknown>
  expect(request).toEqual({
    parameters: { fast_period: [1], 'simulation.slStop': [0.1], tp_stop: [0.2] },
    constraints: ['fast_period * 2 <= slow_period and slStop < tp_stop and simulation.tpStop > 1'],
    objective: 'if(closedTrades > 5, sharpeRatio, -maxDrawdown)',
    metrics: ['winRate', 'maxDrawdown'],
    minTrades: 3,
  })
})

test('the nearest name is suggested only if it resembles', () => {
  const known = ['min_trades', 'metrics', 'where', 'start_date']
  expect(nearestName('minTrades', known)).toBe('min_trades')
  expect(nearestName('metric', known)).toBe('metrics')
  expect(nearestName('strat_date', known)).toBe('start_date')
  expect(nearestName('banana', known)).toBeUndefined()
  expect(nearestName('x'.repeat(1000), known)).toBeUndefined()
})
