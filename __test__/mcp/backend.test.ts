/**
 * Compatibility with the existing backend: it calls five tools, knows them by the sentence that begins the text, and parses the
 * first resource of each result, which has to be whole (MCP_FULL_RESOURCES).
 */

import { expect, test } from 'vitest'
import { BacktestEngine } from '../../index.js'
import { database } from '../postgres.js'
import { waves } from '../support.js'
import { firstResource, initialize, RUN, type Served, serve, store } from './support.js'

async function replay(served: Served, run: object): Promise<string> {
  const answer = await initialize(served)
  expect(answer.result.serverInfo).toMatchObject({ name: 'aitradepro-backtesting', version: '0.1.0' })
  const { tools } = (await served.request('tools/list')).result
  const names = tools.map(({ name }: { name: string }) => name)
  const used = ['run_backtest', 'get_backtest_results', 'list_strategies', 'validate_strategy', 'get_metrics']
  expect(names).toEqual(expect.arrayContaining(used))
  const call = async (name: string, args: object, opening: RegExp) => {
    const { result } = await served.request('tools/call', { name, arguments: args })
    expect(result.isError, JSON.stringify(result.content)).toBeFalsy()
    expect(result.content[0].text).toMatch(opening)
    return firstResource(result)
  }

  const started = await call('run_backtest', run, /^Backtest started successfully with ID: bt-[0-9a-f]{12}\n/)
  const id: string = started.value.backtest_id
  expect(id).toMatch(/^bt-[0-9a-f]{12}$/)
  expect(started).toEqual({ uri: `backtest://${id}`, value: { backtest_id: id, status: 'completed', progress: 100 } })

  const results = await call('get_backtest_results', { backtest_id: id }, /^Backtest results retrieved successfully\n/)
  expect(results.uri).toBe(`backtest://${id}/results`)
  const { status, final_capital, total_return, metrics, trades, equity_curve, timestamps } = results.value
  expect(equity_curve).toHaveLength(results.value.equity_points_total)
  expect(timestamps).toHaveLength(results.value.equity_points_total)
  expect(trades).toHaveLength(results.value.trades_total)
  expect(status).toBe('completed')
  expect(equity_curve.at(-1)).toBe(final_capital)
  expect(total_return).toBe(metrics.total_return)
  expect(trades.length).toBeGreaterThan(0)
  expect(trades[0]).toMatchObject({ direction: 'long', status: 'closed' })

  const strategies = await call('list_strategies', {}, /^Found 12 available strategies\n/)
  expect(strategies.uri).toBe('strategies://list')
  for (const strategy of strategies.value) {
    expect(Object.keys(strategy)).toEqual(
      expect.arrayContaining(['id', 'name', 'description', 'parameters_schema', 'default_parameters']),
    )
  }
  expect(strategies.value.map((strategy: { id: string }) => strategy.id)).toEqual(
    expect.arrayContaining(['sma_crossover', 'rsi', 'macd']),
  )

  const check = (strategy_config: object) =>
    call('validate_strategy', { strategy_config }, /^Strategy validation complete\n/)
  const good = await check({ strategy_id: 'rsi', parameters: { period: 14 } })
  expect(good).toMatchObject({ uri: 'validation://result', value: { valid: true, errors: [], warnings: [] } })
  const bad = await check({ strategy_id: 'nothing', parameters: {} })
  expect(bad.value.valid).toBe(false)
  expect(bad.value.errors).toHaveLength(1)

  const metricsOf = (names: string[]) =>
    call('get_metrics', { backtest_id: id, metrics: names }, /^Metrics calculated successfully\n/)
  const some = await metricsOf(['sharpe_ratio', 'win_rate'])
  expect(some.uri).toBe(`backtest://${id}/metrics`)
  expect(some.value).toEqual({ sharpe_ratio: metrics.sharpe_ratio, win_rate: metrics.win_rate })
  expect((await metricsOf([])).value).toEqual(metrics)
  return id
}

test('the existing backend is served', async () => {
  const served = serve([], { DATA_DIR: await store(), MCP_FULL_RESOURCES: 'true' })
  await replay(served, RUN)
  served.child.stdin.end()
  expect(await served.ended).toBe(0)
})

test('the existing backend is served on PostgreSQL, and its runs survive a restart', async () => {
  const url = await database()
  const engine = new BacktestEngine({ databaseUrl: url, logLevel: 'off' })
  await engine.importBars({ assetSymbol: 'BTC', timeframe: '1d', bars: waves(366) })
  await engine.close()
  const run = { ...RUN, asset_symbol: 'BTC', start_date: '2020-01-01', end_date: '2020-12-31', parameters: {} }

  const served = serve([], { DATABASE_URL: url, MCP_FULL_RESOURCES: '1' })
  const id = await replay(served, run)
  served.child.kill('SIGTERM')
  expect(await served.ended).toBe(0)

  const next = serve([], { DATABASE_URL: url })
  await initialize(next)
  const args = { name: 'get_backtest_results', arguments: { backtest_id: id } }
  expect(firstResource((await next.request('tools/call', args)).result).value.status).toBe('completed')
  next.child.stdin.end()
  expect(await next.ended).toBe(0)
})

test('the existing backend receives its own notifications if they are enabled', async () => {
  const served = serve(['--notifications'], { DATA_DIR: await store() })
  await initialize(served)
  const { result } = await served.request('tools/call', { name: 'run_backtest', arguments: RUN })
  const { backtest_id: backtestId } = firstResource(result).value
  const complete = await served.message(({ method }) => method === 'backtest/complete')
  expect(complete.params).toMatchObject({
    backtestId,
    result: { backtest_id: backtestId, status: 'completed', trades_total: 6 },
  })
  const progress = await served.message(({ method }) => method === 'backtest/progress')
  expect(Object.keys(progress.params)).toEqual(['backtestId', 'progress', 'currentDate', 'tradesExecuted'])
  await served.request('tools/call', { name: 'run_backtest', arguments: { ...RUN, asset_symbol: 'NONE' } })
  const failed = await served.message(({ method }) => method === 'backtest/failed')
  expect(failed.params.error).toMatch(/^NO_DATA: /)

  const quiet = serve([], { DATA_DIR: await store() })
  await initialize(quiet)
  await quiet.request('tools/call', { name: 'run_backtest', arguments: RUN })
  expect(quiet.lines.filter((line) => line.includes('"backtest/'))).toEqual([])
})
