/** What answers cost a model: no default answer has more than 5,000 tokens, counted by o200k_base, with all its parts. */

import type { CallToolResult, Client } from '@modelcontextprotocol/client'
import { getEncoding } from 'js-tiktoken'
import { describe, expect, test } from 'vitest'
import { estimatedTokens, MAX_TOKENS } from '../../mcp/src/answers/size.js'
import { newEngine, waves } from '../support.js'
import { call, client, firstResource, RUN, raw, store } from './support.js'

const encoding = getEncoding('o200k_base')

function tokens(value: unknown): number {
  return encoding.encode(typeof value === 'string' ? value : JSON.stringify(value)).length
}

/** Counts a result as a client would hand it over as a whole: everything but pictures. */
function tokensOf({ content, structuredContent }: CallToolResult): number {
  return tokens({ content: content.filter(({ type }) => type !== 'image'), structuredContent })
}

/** A strategy of the largest size that is allowed in every respect. */
function hugeStrategy(id: string) {
  const names = Array.from({ length: 63 }, (_, index) => `parameter_number_${index}`)
  const definition = { type: 'integer', default: 14, minimum: 2, maximum: 500, description: 'Bars, ☃ '.repeat(20) }
  return {
    id,
    name: 'A name '.repeat(10),
    description: '各交易日的收盘价 '.repeat(50),
    parameters: Object.fromEntries(names.map((name) => [name, definition])),
    // Expressions may be nested 64 deep.
    entries: [names.slice(0, 30), names.slice(30)]
      .map((group) => `(${group.map((name) => `close > sma(close, ${name})`).join(' and ')})`)
      .join(' and '),
    exits: 'close < sma(close, 50)',
  }
}

async function filled(): Promise<Client> {
  const dataDir = await store()
  const engine = newEngine({ dataDir })
  await engine.importBars({ assetSymbol: 'MINUTES', timeframe: '1m', bars: waves(1_000_000, 60_000) })
  const bars = waves(50)
  for (let index = 0; index < 60; index++) {
    for (const timeframe of ['1d', '1w'] as const) {
      const assetSymbol = `${'A'.repeat(30)}-${index}`
      await engine.importBars({ assetSymbol, timeframe, bars: timeframe === '1d' ? bars : waves(50, 7 * 86_400_000) })
    }
  }
  await engine.close()
  return client({ DATA_DIR: dataDir })
}

test('every default answer has at most 5,000 tokens', { timeout: 120_000 }, async () => {
  const mcp = await filled()
  const counted: Record<string, number> = {}
  const measure = async (what: string, name: string, args: object = {}) => {
    const result = await raw(mcp, name, args)
    counted[what] = tokensOf(result)
    expect(result.isError ?? false, `${what}: ${JSON.stringify(result).slice(0, 500)}`).toBe(what.startsWith('error'))
    return result.structuredContent as Record<string, string>
  }

  await measure('list_assets, 61', 'list_assets')
  const strategies = await measure('list_strategies', 'list_strategies')
  expect(strategies.strategies).toHaveLength(12)
  await measure('one strategy', 'list_strategies', { strategy_id: 'rsi' })
  const years = await measure('five years of days', 'run_backtest', RUN)
  await measure('its results', 'get_backtest_results', { backtest_id: years.backtest_id })
  await measure('its metrics', 'get_metrics', { backtest_id: years.backtest_id })
  const minutes = await measure('a million minutes', 'run_backtest', {
    ...RUN,
    asset_symbol: 'MINUTES',
    start_date: '2020-01-01',
    end_date: '2021-12-31',
    parameters: { fast_period: 2, slow_period: 5 },
    wait_seconds: 50,
    simulation: { size: 1, size_type: 'amount' },
  })
  const results = await raw(mcp, 'get_backtest_results', { backtest_id: minutes.backtest_id })
  counted['results of a million minutes'] = tokensOf(results)
  expect(firstResource(results).value).toMatchObject({ equity_points_total: 1_000_000 })
  expect(firstResource(results).value.trades_total).toBeGreaterThan(1000)
  await measure('metrics of a million minutes', 'get_metrics', { backtest_id: minutes.backtest_id })

  const strategy = hugeStrategy('huge')
  await measure('a huge strategy, checked', 'validate_strategy', { strategy_config: { strategy } })
  const wrong = { ...strategy, constraints: Array.from({ length: 64 }, (_, index) => `parameter_nmber_${index} > 1`) }
  await measure('many problems', 'validate_strategy', { strategy_config: { strategy: wrong } })
  await measure('error: many problems', 'run_backtest', { ...RUN, strategy_id: null, parameters: {}, strategy: wrong })
  const huge = await measure('a huge strategy, run', 'run_backtest', {
    ...RUN,
    strategy_id: null,
    strategy,
    parameters: {},
  })
  await measure('its result', 'get_backtest_results', { backtest_id: huge.backtest_id })
  await measure('a huge strategy, registered', 'register_strategy', { strategy })
  for (let index = 0; index < 30; index++) {
    await raw(mcp, 'register_strategy', { strategy: hugeStrategy(`huge_${index}`) })
    await raw(mcp, 'run_backtest', { ...RUN, strategy_id: 'buy_and_hold', parameters: {}, initial_capital: 10 + index })
  }
  await measure('list_strategies, 43', 'list_strategies', { offset: 12 })
  await measure('list_backtests, 33', 'list_backtests')
  await measure('error: unknown strategy', 'run_backtest', { ...RUN, strategy_id: 'nothing' })
  await measure('error: unknown id', 'get_backtest_results', { backtest_id: 'bt-000000000000' })

  const { parameters: _, ...run } = RUN
  const ranges = { fast_period: { from: 2, to: 41, step: 1 }, slow_period: { from: 42, to: 141, step: 1 } }
  const swept = await measure('a sweep of 4,000', 'run_sweep', { ...run, parameters: ranges })
  await measure('get_sweep', 'get_sweep', { sweep_id: swept.sweep_id })
  const page = await measure('a page of a sweep', 'get_sweep', { sweep_id: swept.sweep_id, from: 0 })
  expect(page.rows?.length).toBeGreaterThan(10)
  await measure('sweeps', 'get_sweep')
  await measure('cancel_backtest', 'cancel_backtest', { backtest_id: huge.backtest_id })
  await measure('delete_backtest', 'delete_backtest', { backtest_id: huge.backtest_id })

  const tooLarge = Object.entries(counted).filter(([, count]) => count > MAX_TOKENS)
  expect(tooLarge, JSON.stringify(counted, null, 1)).toEqual([])
  if (process.env.SHOW_SIZES) console.log(counted)
})

describe('the whole result', () => {
  test('is embedded for detail "full", and in every answer if the host asks for it', async () => {
    const dataDir = await store()
    const mcp = await client({ DATA_DIR: dataDir })
    const { backtest_id } = await call(mcp, 'run_backtest', RUN)
    const read = async (from: Client, args: object = {}) =>
      firstResource(await raw(from, 'get_backtest_results', { backtest_id, ...args })).value
    const brief = await read(mcp)
    const full = await read(mcp, { detail: 'full' })
    expect(full.equity_curve).toHaveLength(1258)
    expect(full.trades).toHaveLength(6)
    expect(full.note).toBeUndefined()
    expect(Object.keys(brief).sort()).toEqual([...Object.keys(full), 'note'].sort())
    expect(brief.equity_curve.length).toBeLessThan(61)
    expect(Math.max(...brief.equity_curve)).toBe(Math.max(...full.equity_curve))
    expect(Math.min(...brief.equity_curve)).toBe(Math.min(...full.equity_curve))
    expect(brief.equity_curve.at(-1)).toBe(full.final_capital)
    expect(brief).toMatchObject({ equity_points_total: 1258, trades_total: 6, metrics: full.metrics })
    expect(brief.note).toContain('of 1258 points')
    await mcp.close()

    const host = await client({ DATA_DIR: dataDir, MCP_FULL_RESOURCES: 'true' })
    expect(await read(host)).toEqual(full)
    const strategies = firstResource(await raw(host, 'list_strategies')).value
    expect(strategies[0]).toHaveProperty('source')
    expect(strategies).toHaveLength(12)
  })

  test('is linked, and can be read in pages of at most 5,000 tokens', async () => {
    const mcp = await client({ DATA_DIR: await store() })
    const { backtest_id } = await call(mcp, 'run_backtest', {
      ...RUN,
      start_date: '2000-01-03',
      end_date: '2020-04-17',
      parameters: { fast_period: 2, slow_period: 5 },
    })
    const { content } = await raw(mcp, 'get_backtest_results', { backtest_id })
    const links = content.flatMap((block) => (block.type === 'resource_link' ? [block] : []))
    expect(links.map(({ uri }) => uri)).toEqual([
      `backtest://${backtest_id}/results`,
      `backtest://${backtest_id}/trades/1.csv`,
      `backtest://${backtest_id}/equity/1.csv`,
    ])
    const text = async (uri: string) => {
      const [part] = (await mcp.readResource({ uri })).contents
      if (!part || !('text' in part)) throw new Error(`no text: ${uri}`)
      return part.text
    }
    const whole = JSON.parse(await text(`backtest://${backtest_id}/results`))
    expect(whole.trades.length).toBeGreaterThan(100)

    const trades = []
    let next: string | null = `backtest://${backtest_id}/trades/1.json`
    while (next !== null) {
      const page: string = await text(next)
      expect(tokens(page)).toBeLessThan(MAX_TOKENS)
      const parsed = JSON.parse(page) as { trades: unknown[]; total: number; next: string | null }
      expect(parsed.total).toBe(whole.trades.length)
      trades.push(...parsed.trades)
      next = parsed.next
    }
    expect(trades).toEqual(whole.trades)

    const csv = (await text(`backtest://${backtest_id}/trades.csv`)).split('\r\n')
    expect(csv[0]?.split(',')).toEqual(Object.keys(whole.trades[0]))
    expect(csv).toHaveLength(whole.trades.length + 2)
    const first = await text(`backtest://${backtest_id}/trades/1.csv`)
    expect(first.split('\r\n').slice(0, 26)).toEqual(csv.slice(0, 26))
    const equity = await text(`backtest://${backtest_id}/equity/2.csv`)
    expect(tokens(equity)).toBeLessThan(MAX_TOKENS)
    expect(equity.split('\r\n')[1]).toBe(`${whole.timestamps[120]},${whole.equity_curve[120]}`)
    expect(tokens(await text(`backtest://${backtest_id}/equity/2.json`))).toBeLessThan(MAX_TOKENS)
    for (const page of ['0.csv', '99999.csv', '1', '1.xml', '1.csv.csv', '-1.json'])
      await expect(text(`backtest://${backtest_id}/trades/${page}`), page).rejects.toThrow('not found')
  })

  test('is not linked for clients of revisions without links', async () => {
    const old = await client(
      { DATA_DIR: await store() },
      { options: { supportedProtocolVersions: ['2025-03-26'] } as object },
    )
    const { content } = await raw(old, 'run_backtest', RUN)
    expect(content.map(({ type }) => type)).toEqual(['text', 'resource'])
  })
})

test('all tools together cost a model at most 5,000 tokens before it calls one', async () => {
  const mcp = await client({ DATA_DIR: await store() })
  const { tools } = await mcp.listTools()
  const shown = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }))
  const counts = Object.fromEntries(shown.map((tool) => [tool.name, tokens(tool)]))
  expect(tokens(shown), JSON.stringify(counts)).toBeLessThanOrEqual(MAX_TOKENS)
})

test.each([
  'a plain English sentence about the maximum drawdown of a strategy, which is 12.34 %',
  JSON.stringify({ timestamps: ['2010-01-04T00:00:00.000Z'], equity_curve: [10123.456789, 9987.654321, -0.5] }),
  'bt-2f6c1e9a4b07 sw-8d41f0b6c352',
  '各交易日的收盘价 各交易日的收盘价',
  '☃🙂🙂🙂 naïve Größe Ж',
  '{"a":{"b":[[[1,2],[3]]],"c":null}}\\n\\t\\"x\\"',
  'crossed_above(close, bbands_upper(close, period, deviations))',
])('the estimate of tokens is not too low, and at most twice as high: %s', (text) => {
  const count = tokens(text)
  expect(estimatedTokens(text)).toBeGreaterThanOrEqual(count * 0.97)
  expect(estimatedTokens(text)).toBeLessThanOrEqual(count * 2)
})
