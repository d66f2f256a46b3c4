import type { BacktestResult, MetricName } from '@aitradepro/backtesting'
import { z } from 'zod'
import { backtestNotFound } from '../answers/failure.js'
import { rounded, shownParameters } from '../answers/summaries.js'
import { toolResult } from '../answers/tool-result.js'
import { toSnakeCase } from '../arguments/field-names.js'
import { commonOutput } from '../arguments/schemas.js'
import { defineTool } from '../tool.js'

/** Runs in one table. */
const MAX_RUNS = 20

const METRICS: MetricName[] = [
  'totalReturn',
  'benchmarkReturn',
  'annualizedReturn',
  'sharpeRatio',
  'maxDrawdown',
  'closedTrades',
  'winRate',
  'profitFactor',
  'timeInMarket',
]

/** Settings that CONDITIONS name in words. */
const NAMED = ['fees', 'fixedFees', 'slippage', 'execution']

/** What has to be the same for a comparison to say something about the strategies, in words. */
const CONDITIONS: [string, (run: BacktestResult) => unknown][] = [
  ['asset', ({ assetSymbol }) => assetSymbol],
  ['timeframe', ({ timeframe }) => timeframe],
  ['period', ({ assumptions }) => [assumptions?.firstBar.slice(0, 10), assumptions?.lastBar.slice(0, 10)]],
  ['fees or slippage', ({ simulation: { fees, fixedFees, slippage } }) => [fees, fixedFees, slippage]],
  ['execution', ({ simulation: { execution } }) => execution],
  ['initial capital', ({ initialCapital }) => initialCapital],
]

export const compareBacktests = defineTool({
  name: 'compare_backtests',
  title: 'Compare backtests',
  description:
    `Puts 2 to ${MAX_RUNS} backtests into one table: what was run, on which bars, and the key metrics. Says first in what they differ ` +
    'besides their strategies. Read-only. For an in-sample run and its check; not for picking the best of many.',
  arguments: z.strictObject({
    backtest_ids: z.array(z.string()).min(2).max(MAX_RUNS),
  }),
  result: z.strictObject({ ...commonOutput, columns: z.array(z.string()), rows: z.array(z.array(z.unknown())) }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async call({ backtest_ids }, { engine }) {
    const ids = [...new Set(backtest_ids)]
    const runs: BacktestResult[] = []
    for (const id of ids) {
      const run = await engine.getBacktestResults(id, { maxPoints: 4 })
      if (run === null) return backtestNotFound(engine, id)
      runs.push(run)
    }
    const differing = CONDITIONS.filter(([, of]) => new Set(runs.map((run) => JSON.stringify(of(run)))).size > 1)
    const settings = differingSettings(runs)
    const names = [...differing.map(([name]) => name), ...settings.map(toSnakeCase)]
    const unfinished = runs.filter(({ status }) => status !== 'completed')
    const looking = runs.filter(({ lookAhead }) => lookAhead === true)
    const few = runs.filter(({ status, metrics }) => status === 'completed' && (metrics?.closedTrades ?? 0) < 30)
    const columns = [...COLUMNS, ...settings.map(toSnakeCase)]
    const rows = runs.map((run) => [...rowOf(run), ...settings.map((name) => settingOf(run, name))])
    const output = {
      headline:
        names.length === 0
          ? `${runs.length} backtests on the same bars with the same costs and settings: the better one may be better by chance`
          : `${runs.length} backtests that differ in ${names.join(', ')}: a difference in their results need not come from the strategy`,
      caveats: [
        ...(looking.length > 0 ? [`${idsOf(looking)} looked ahead and prove nothing`] : []),
        ...(unfinished.length > 0 ? [`not completed: ${idsOf(unfinished)}`] : []),
        ...(few.length > 0 ? [`fewer than 30 closed trades say little: ${idsOf(few)}`] : []),
        'choosing the best of them is a choice by result: confirm it on bars that none of them touched',
      ],
      next_step: names.includes('period')
        ? 'If one is the check of the other, say whether the result held up, and report both.'
        : 'Report all of them, not only the best.',
      columns,
      rows,
    }
    return toolResult(output, 'backtests://comparison', { columns, rows })
  },
})

const COLUMNS = [
  'backtest_id',
  'status',
  'strategy_id',
  'parameters',
  'asset_symbol',
  'timeframe',
  'first_bar',
  'last_bar',
  'bars',
  'execution',
  'fees',
  'slippage',
  ...METRICS.map(toSnakeCase),
]

function settingOf({ simulation }: BacktestResult, name: string): unknown {
  return (simulation as Record<string, unknown>)[name] ?? null
}

/** Returns the names of the other settings in which the runs differ: stops, sizes, directions. */
function differingSettings(runs: BacktestResult[]): string[] {
  const names = new Set(runs.flatMap(({ simulation }) => Object.keys(simulation)))
  const differs = (name: string) => new Set(runs.map((run) => JSON.stringify(settingOf(run, name)))).size > 1
  return [...names].filter((name) => !NAMED.includes(name) && differs(name))
}

function rowOf({ assumptions, metrics, simulation, ...run }: BacktestResult): unknown[] {
  return [
    run.backtestId,
    run.status,
    run.strategyId,
    shownParameters(run.parameters),
    run.assetSymbol,
    run.timeframe,
    (assumptions?.firstBar ?? run.startDate).slice(0, 10),
    (assumptions?.lastBar ?? run.endDate).slice(0, 10),
    assumptions?.bars ?? null,
    simulation.execution,
    simulation.fees,
    simulation.slippage,
    ...METRICS.map((name) => rounded(metrics?.[name] ?? null)),
  ]
}

function idsOf(runs: BacktestResult[]): string {
  return runs.map(({ backtestId }) => backtestId).join(', ')
}
