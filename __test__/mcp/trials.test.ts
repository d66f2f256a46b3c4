/** What was really run, and what was tried before it. */

import type { Client } from '@modelcontextprotocol/client'
import { beforeEach, describe, expect, test } from 'vitest'
import { newEngine } from '../support.js'
import { call, client, firstResource, RUN, raw, refusal, store } from './support.js'

let dataDir: string
let mcp: Client

beforeEach(async () => {
  dataDir = await store()
  mcp = await client({ DATA_DIR: dataDir })
})

describe('what was really run', () => {
  test('leads: the period of the bars, not that of the request', async () => {
    const output = await call(mcp, 'run_backtest', {
      ...RUN,
      warmup: null,
      start_date: '2018-01-01',
      end_date: '2022-12-31',
    })
    expect(output.headline).toMatch(
      /^sma_crossover on SP500 \(1d, 2018-01-02 to 2020-04-17, 577 bars after 100 to warm up; 2018-01-01 to 2022-12-31 was requested\): the first run on these bars/,
    )
    expect(output).toMatchObject({
      start_date: '2018-01-02T00:00:00.000Z',
      end_date: '2020-04-17T00:00:00.000Z',
      requested: '2018-01-01 to 2022-12-31',
      assumptions: { bars: 577, warmup_bars: 100, bars_per_year: 365, execution: 'close', fees: 0.001 },
    })
    // The resource of the plan keeps the request.
    const { value } = firstResource(await raw(mcp, 'get_backtest_results', { backtest_id: output.backtest_id }))
    expect(value).toMatchObject({ start_date: '2018-01-01T00:00:00.000Z', assumptions: { last_bar: output.end_date } })
  })

  test('names what speaks against a result before any figure', async () => {
    const { headline } = await call(mcp, 'run_backtest', RUN)
    const at = (text: string) => {
      expect(headline).toContain(text)
      return headline.indexOf(text)
    }
    expect(at('only 5 closed trades')).toBeLessThan(at('Total return'))
    expect(at('which is optimistic')).toBeLessThan(at('Total return'))
    const realistic = await call(mcp, 'run_backtest', {
      ...RUN,
      simulation: { execution: 'nextOpen', year_days: 252, fees: 0 },
    })
    expect(realistic.headline).toContain(
      'Fees 0.00 % and slippage 0.10 % per order, filled at the next open, 252 bars a year.',
    )
    expect(realistic.headline).not.toContain('optimistic')
  })
})

describe('what was tried', () => {
  const OTHER = { ...RUN, start_date: '2015-01-02', end_date: '2019-12-31' }

  test('distinguishes the first run, its check on other bars, and a choice among several', async () => {
    const first = await call(mcp, 'run_backtest', RUN)
    expect(first.sample).toEqual({ kind: 'first', earlier_tries: 0 })

    const check = await call(mcp, 'run_backtest', OTHER)
    expect(check.sample).toEqual({ kind: 'out_of_sample', earlier_tries: 0 })
    expect(check.headline).toContain(
      `: out of sample: no earlier run touched these bars, and ${first.backtest_id} had the same`,
    )
    expect(check.next_step).toContain(`Compare it with ${first.backtest_id}`)

    const changed = await call(mcp, 'run_backtest', { ...OTHER, parameters: { fast_period: 10, slow_period: 50 } })
    expect(changed.sample).toEqual({ kind: 'in_sample', earlier_tries: 1 })
    expect(changed.headline).toContain(': in sample: try 2 on these bars')
    expect(changed.caveats[0]).toContain('1 earlier try touched these bars')

    const fresh = {
      ...RUN,
      start_date: '2002-01-02',
      end_date: '2006-12-29',
      parameters: { fast_period: 5, slow_period: 7 },
    }
    expect((await call(mcp, 'run_backtest', fresh)).sample).toEqual({ kind: 'new_bars', earlier_tries: 0 })
    // What is said of a run does not change with later ones.
    expect((await call(mcp, 'get_backtest_results', { backtest_id: first.backtest_id })).sample).toEqual(first.sample)
  })

  test('counts the combinations of sweeps', async () => {
    const { parameters: _, ...run } = RUN
    await call(mcp, 'run_sweep', { ...run, parameters: { fast_period: { from: 5, to: 54 }, slow_period: 100 } })
    const output = await call(mcp, 'run_backtest', RUN)
    expect(output.sample).toEqual({ kind: 'in_sample', earlier_tries: 50 })
    expect(output.headline).toContain('in sample: try 51 on these bars, 50 of them in sweeps')
  })

  test('counts the runs of the same user only, if the run has one', async () => {
    await call(mcp, 'run_backtest', { ...RUN, user_id: 'u1' })
    expect((await call(mcp, 'run_backtest', { ...RUN, user_id: 'u2' })).sample.kind).toBe('first')
    expect((await call(mcp, 'run_backtest', { ...RUN, user_id: 'u1', initial_capital: 5 })).sample.kind).toBe(
      'in_sample',
    )
  })

  test('the same request again returns the kept run and says so', async () => {
    const first = await call(mcp, 'run_backtest', RUN)
    const again = await call(mcp, 'run_backtest', { ...RUN, simulation: { year_days: 365, fees: 0.001 } })
    expect(again).toMatchObject({ backtest_id: first.backtest_id, repeated: true, sample: { kind: 'first' } })
    expect(again.headline).toMatch(
      /^Run before, at \d{4}-\d\d-\d\d \d\d:\d\d UTC, and kept: no new try\. sma_crossover on/,
    )
    expect((await call(mcp, 'list_backtests')).backtests_total).toBe(1)
    expect((await call(mcp, 'run_backtest', { ...RUN, user_id: 'u' })).backtest_id).not.toBe(first.backtest_id)
    expect((await call(mcp, 'run_backtest', { ...RUN, initial_capital: 9 })).backtest_id).not.toBe(first.backtest_id)
    expect((await call(mcp, 'run_backtest', { ...RUN, simulation: { fees: 0 } })).repeated).toBeUndefined()

    // Other bars, although the request is the same.
    const engine = newEngine({ dataDir })
    await engine.deleteBars({ assetSymbol: 'SP500', from: '2012-01-01', to: '2012-12-31' })
    expect((await call(mcp, 'run_backtest', RUN)).backtest_id).not.toBe(first.backtest_id)
  })

  test('a host that keeps runs by their ids gets a new one from every call', async () => {
    const host = await client({ DATA_DIR: dataDir, MCP_FULL_RESOURCES: 'true' })
    const first = await call(host, 'run_backtest', RUN)
    expect((await call(host, 'run_backtest', RUN)).backtest_id).not.toBe(first.backtest_id)
  })
})

describe('compare_backtests', () => {
  test('puts runs into one table, and says in what they differ', async () => {
    const one = await call(mcp, 'run_backtest', RUN)
    const other = await call(mcp, 'run_backtest', {
      ...RUN,
      start_date: '2015-01-02',
      end_date: '2019-12-31',
      simulation: { fees: 0 },
    })
    const output = await call(mcp, 'compare_backtests', { backtest_ids: [one.backtest_id, other.backtest_id] })
    expect(output.headline).toBe(
      '2 backtests that differ in period, fees or slippage, year_days: a difference in their results need not come from the strategy',
    )
    const table = output.rows.map((row: unknown[]) =>
      Object.fromEntries(output.columns.map((name: string, index: number) => [name, row[index]])),
    )
    expect(table[0]).toMatchObject({
      first_bar: '2010-01-04',
      bars: 1258,
      total_return: 39.0549,
      sharpe_ratio: 0.823016,
      fees: 0.001,
    })
    expect(table[1]).toMatchObject({ first_bar: '2015-01-02', fees: 0, parameters: { fast_period: 20 } })
    expect(output.caveats[0]).toContain('fewer than 30 closed trades')
    const same = await call(mcp, 'run_backtest', { ...RUN, parameters: { fast_period: 30, slow_period: 100 } })
    const ids = `${one.backtest_id},${same.backtest_id}`
    expect((await call(mcp, 'compare_backtests', { backtest_ids: ids })).headline).toContain(
      'on the same bars with the same costs and settings',
    )
    const stopped = await call(mcp, 'run_backtest', { ...RUN, simulation: { ...RUN.simulation, sl_stop: 0.05 } })
    const stops = await call(mcp, 'compare_backtests', { backtest_ids: [one.backtest_id, stopped.backtest_id] })
    expect(stops.headline).toContain('differ in sl_stop:')
    expect(stops.columns.at(-1)).toBe('sl_stop')
    expect(stops.rows.map((row: unknown[]) => row.at(-1))).toEqual([null, 0.05])
    // The best combination of a sweep over a setting is run as it is.
    const swept = await call(mcp, 'run_backtest', {
      ...RUN,
      parameters: { ...RUN.parameters, 'simulation.sl_stop': 0.05 },
    })
    expect(swept.backtest_id).toBe(stopped.backtest_id)
  })

  test('refuses a setting that is given twice', async () => {
    const output = await mcp.callTool({
      name: 'run_backtest',
      arguments: { ...RUN, parameters: { 'simulation.fees': 0.01 }, simulation: { fees: 0.02 } },
    })
    expect(JSON.stringify(output)).toContain('simulation.fees')
    expect(output.isError).toBe(true)
  })

  test('refuses unknown runs', async () => {
    const { backtest_id } = await call(mcp, 'run_backtest', RUN)
    expect(await refusal(mcp, 'compare_backtests', { backtest_ids: [backtest_id, 'bt-000000000000'] })).toMatch(
      /^NOT_FOUND/,
    )
    expect(await refusal(mcp, 'compare_backtests', { backtest_ids: [backtest_id] })).toMatch(/^INVALID_ARGUMENT/)
  })
})

describe('rerun_backtest', () => {
  test('runs a request again on changed bars, and returns the kept run if nothing changed', async () => {
    const request = {
      ...RUN,
      warmup: 50,
      simulation: { fees: 0.002, sl_stop: 0.1, execution: 'nextOpen' },
      user_id: 'u',
    }
    const first = await call(mcp, 'run_backtest', request)
    const { backtest_id } = first
    expect(await call(mcp, 'rerun_backtest', { backtest_id })).toMatchObject({ backtest_id, repeated: true })
    const engine = newEngine({ dataDir })
    await engine.deleteBars({ assetSymbol: 'SP500', from: '2012-01-01', to: '2012-12-31' })
    const again = await call(mcp, 'rerun_backtest', { backtest_id })
    expect(again.backtest_id).not.toBe(backtest_id)
    expect(again).toMatchObject({
      parameters: first.parameters,
      start_date: first.start_date,
      end_date: first.end_date,
    })
    expect(again.assumptions).toMatchObject({ fees: 0.002, sl_stop: 0.1, execution: 'nextOpen', warmup_bars: 50 })
    expect(again.total_return).not.toBe(first.total_return)
    expect(await refusal(mcp, 'rerun_backtest', { backtest_id: 'bt-000000000000' })).toMatch(/^NOT_FOUND/)
  })

  test('says what to do if the strategy is not known any more', async () => {
    const strategy = { id: 'own', entries: 'close > sma(close, 5)', exits: 'close < sma(close, 5)' }
    const { backtest_id } = await call(mcp, 'run_backtest', { ...RUN, strategy_id: null, parameters: {}, strategy })
    expect(await refusal(mcp, 'rerun_backtest', { backtest_id })).toMatch(
      /^UNKNOWN_STRATEGY: the strategy own of this run is not registered\nNext: call run_backtest with the definition/,
    )
    await call(mcp, 'register_strategy', { strategy })
    expect(await call(mcp, 'rerun_backtest', { backtest_id })).toMatchObject({ strategy_id: 'own', repeated: true })
    await call(mcp, 'register_strategy', { strategy: { ...strategy, entries: 'close > sma(close, 6)' } })
    expect(await refusal(mcp, 'rerun_backtest', { backtest_id })).toContain('registered again with other rules')
  })
})
