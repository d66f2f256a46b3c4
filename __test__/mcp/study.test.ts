/** Limits and free periods are in the answers that need them, so that a study can be followed to its end. */

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '@modelcontextprotocol/client'
import { expect, test } from 'vitest'
import { type Period, periodsOf, splitOf } from '../../mcp/src/answers/periods.js'
import { folder, newEngine, ROOT, waves } from '../support.js'
import { call, client, refusal } from './support.js'

const FILES = readdirSync(join(ROOT, 'data')).filter((name) => name.endsWith('.csv'))

/** Stores the bars of the repository, and more hours than a run may have. */
async function assets(): Promise<string> {
  const dataDir = folder()
  const engine = newEngine({ dataDir })
  for (const name of FILES) {
    const assetSymbol = name.replace(/-.*/, '').toUpperCase()
    await engine.importBars({ assetSymbol, timeframe: '1d', bars: join(ROOT, 'data', name) })
  }
  await engine.importBars({ assetSymbol: 'HOURS', timeframe: '1h', bars: waves(100_000, 3_600_000) })
  await engine.close()
  return dataDir
}

async function study(mcp: Client, asset_symbol: string) {
  const { messages } = await mcp.getPrompt({ name: 'honest_study', arguments: { idea: 'trends go on', asset_symbol } })
  const text = messages[0]?.content.type === 'text' ? messages[0].content.text : ''
  const listed = await call(mcp, 'list_assets', { search: asset_symbol })
  const { in_sample, held_out } = listed.assets[0].timeframes[0].split as Record<string, [string, string]>
  expect(text).toContain(`${in_sample?.join(' to ')}, then ${held_out?.join(' to ')} for the check`)
  const run = {
    strategy_id: 'sma_crossover',
    asset_symbol,
    initial_capital: 10_000,
    simulation: { execution: 'nextOpen' },
  }
  const runs = []
  for (const [start_date, end_date] of [in_sample ?? [], held_out ?? []])
    runs.push(await call(mcp, 'run_backtest', { ...run, start_date, end_date, wait_seconds: 50 }))
  const compared = await call(mcp, 'compare_backtests', { backtest_ids: runs.map(({ backtest_id }) => backtest_id) })
  return { listed, runs, compared }
}

test('the prompt honest_study can be followed to its end on each asset', async () => {
  const mcp = await client({ DATA_DIR: await assets() })
  const { assets: all } = await call(mcp, 'list_assets')
  expect(all).toHaveLength(FILES.length + 1)
  for (const { asset_symbol } of all) {
    const { runs, compared } = await study(mcp, asset_symbol)
    const [first, check] = runs
    expect(first.sample.kind, asset_symbol).toBe('first')
    expect(check.sample.kind, asset_symbol).toBe('out_of_sample')
    expect(compared.headline).toContain('differ in period')
    expect(first.end_date < check.start_date).toBe(true)
    const [series] = (await call(mcp, 'list_assets', { search: asset_symbol })).assets[0].timeframes
    if (asset_symbol === 'HOURS') expect(series.free).toHaveLength(1)
    else expect(series, asset_symbol).toMatchObject({ free: [] })
    expect(series.split === undefined).toBe(asset_symbol !== 'HOURS')
  }
})

test('a run that exceeds a limit is answered with periods that fit', async () => {
  const mcp = await client({ DATA_DIR: await assets() })
  const run = {
    strategy_id: 'buy_and_hold',
    asset_symbol: 'HOURS',
    start_date: '2020-01-01',
    end_date: '2030-12-31',
    initial_capital: 100,
  }
  const text = await refusal(mcp, 'run_backtest', run)
  const found =
    /^LIMIT_EXCEEDED: .*1827\nNext: .*at most 1827 days at once; for example (\S+) to (\S+), then (\S+) to (\S+) for/.exec(
      text,
    )
  expect(found, text).not.toBeNull()
  const [, start_date, end_date, from, to] = found ?? []
  expect(await call(mcp, 'run_backtest', { ...run, start_date, end_date })).toMatchObject({ status: 'completed' })
  expect((await call(mcp, 'run_backtest', { ...run, start_date: from, end_date: to })).sample.kind).toBe(
    'out_of_sample',
  )

  const limited = await client({
    DATA_DIR: await assets(),
    MAX_DATA_POINTS: '1000',
    MAX_BACKTEST_DURATION_DAYS: '4000',
  })
  const { timeframes } = (await call(limited, 'list_assets', { search: 'SP500' })).assets[0]
  expect(timeframes[0].max_days).toBeLessThan(1500)
  const [start, end] = timeframes[0].split.in_sample
  expect(
    await call(limited, 'run_backtest', { ...run, asset_symbol: 'SP500', warmup: 0, start_date: start, end_date: end }),
  ).toMatchObject({
    status: 'completed',
  })
})

test('periods are those that no run touched', () => {
  const series = {
    timeframe: '1d' as const,
    bars: 1000,
    first: '2020-01-01T00:00:00.000Z',
    last: '2022-12-31T00:00:00.000Z',
    source: 'embedded',
  }
  const of = (...touched: Period[]) => periodsOf({ assetSymbol: 'A' }, series, new Map([['A', touched]]), undefined)
  expect(of().free).toEqual([['2020-01-01', '2022-12-31']])
  expect(of(['2020-03-01', '2020-12-31'], ['2020-06-01', '2021-12-31'], ['2030-01-01', '2031-01-01'])).toEqual({
    free: [
      ['2022-01-01', '2022-12-31'],
      ['2020-01-01', '2020-02-29'],
    ],
    split: { in_sample: ['2022-01-01', '2022-09-01'], held_out: ['2022-09-02', '2022-12-31'] },
  })
  expect(of(['2019-01-01', '2023-01-01'])).toEqual({ free: [] })
  expect(splitOf(['2020-01-01', '2029-12-31'], 365)).toEqual({
    in_sample: ['2028-01-02', '2028-12-31'],
    held_out: ['2029-01-01', '2029-12-31'],
  })
})
