import type { BacktestResult } from '@aitradepro/backtesting'
import type { CallToolResult } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { chartBlocks } from '../answers/charts.js'
import { backtestNotFound } from '../answers/failure.js'
import { resultLinks } from '../answers/links.js'
import { MAX_TOKENS, sizeOf } from '../answers/size.js'
import {
  boundedResult,
  curvePoints,
  fullResult,
  MAX_POINTS,
  MAX_TRADES,
  type ResultRange,
  runSummary,
  tradePage,
  withoutUndefined,
} from '../answers/summaries.js'
import { type ToolOutput, toolResult } from '../answers/tool-result.js'
import { trialsBefore } from '../answers/trials.js'
import { backtestId, includeChart, summary } from '../arguments/schemas.js'
import { defineTool } from '../tool.js'

/** Limits of the structured part for detail "full", small enough for the context of a model. */
const DEFAULTS = { trades: 50, points: 100 }

/** Limits of the resource that a default answer embeds. What is still too large is cut further. */
const EMBEDDED = { trades: 20, points: 60 }

/** Fewest points of a curve: both ends, and its extremes. */
const MIN_POINTS = 4

/** Points that are kept while there are trades to leave out. */
const FEW_POINTS = 16

const args = z.strictObject({
  backtest_id: backtestId,
  detail: z.enum(['summary', 'full']).optional(),
  trades_offset: z.int().min(0).optional().describe('Trades to skip.'),
  trades_limit: z.int().min(0).max(MAX_TRADES).optional().describe('Maximum number of trades.'),
  equity_points: z.int().min(0).max(MAX_POINTS).optional().describe('Maximum number of points of the curve.'),
  include_chart: includeChart.optional(),
})

export const getBacktestResults = defineTool({
  name: 'get_backtest_results',
  title: 'Get the results of a backtest',
  description:
    'Returns the results of a backtest, or its progress. By default a summary, with some trades and points of the curve for ' +
    'programs; "summary" leaves these out, "full" adds 50 trades and 100 points, and embeds the whole result: tens of thousands of ' +
    'tokens. trades_offset and trades_limit page through the trades, equity_points thins the curve and keeps its extremes. ' +
    'Read-only. For single numbers, get_metrics is cheaper.',
  arguments: args,
  result: summary.extend({
    trades: z.array(z.record(z.string(), z.unknown())).optional(),
    trades_total: z.int().optional(),
    trades_offset: z.int().optional(),
    timestamps: z.array(z.string()).optional(),
    equity_curve: z.array(z.number().nullable()).optional(),
    equity_points_total: z.int().optional(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  maxResultChars: 500_000,
  async call(args, context) {
    const { engine, runs, settings } = context
    const { backtest_id, detail, include_chart } = args
    const isWhole = detail === 'full' || (settings.fullResources && detail !== 'summary')
    const points = Math.max(args.equity_points ?? EMBEDDED.points, MIN_POINTS)
    const result = await engine.getBacktestResults(backtest_id, isWhole ? {} : { maxPoints: points })
    if (result === null) return backtestNotFound(engine, backtest_id)
    const range = { tradesOffset: args.trades_offset, tradesLimit: args.trades_limit, equityPoints: args.equity_points }
    const progress = runs.find(backtest_id)?.progress?.progress
    const output = runSummary(result, { progress, trials: await trialsBefore(engine, result) })
    if (detail === 'full' || range.tradesOffset !== undefined || range.tradesLimit !== undefined) {
      Object.assign(output, tradePage(result.trades, { tradesLimit: DEFAULTS.trades, ...withoutUndefined(range) }))
    }
    if (detail === 'full' || range.equityPoints !== undefined) {
      Object.assign(output, curvePoints(result, range.equityPoints ?? DEFAULTS.points))
    }
    const chart = result.status === 'completed' ? await chartBlocks(engine, backtest_id, include_chart) : []
    const answer = (resource: unknown) =>
      toolResult(output, `backtest://${result.backtestId}/results`, resource, {
        opening: 'Backtest results retrieved successfully',
        more: [...chart, ...resultLinks(result, context)],
      })
    if (detail === 'summary') return answer(output)
    if (isWhole) return answer({ ...fullResult(result, range), progress: output.progress })
    return thinned(result, range, output, answer)
  },
})

/** Embeds as many trades and points as fit into a default answer, and says so. What was asked for is not cut. */
function thinned(
  result: BacktestResult,
  range: ResultRange,
  output: ToolOutput,
  answer: (resource: unknown) => CallToolResult,
): CallToolResult {
  let trades = range.tradesLimit ?? EMBEDDED.trades
  let points = range.equityPoints ?? EMBEDDED.points
  for (;;) {
    const shown = { tradesOffset: range.tradesOffset, tradesLimit: trades, equityPoints: points }
    const resource = { ...boundedResult(result, shown), progress: output.progress, ...noteOn(result, shown) }
    const built = answer(resource)
    const fewer = range.tradesLimit === undefined && trades > 0
    const coarser = range.equityPoints === undefined && points > MIN_POINTS
    if (sizeOf(built) <= MAX_TOKENS || !(fewer || coarser)) return built
    // Trades cannot be guessed from others, but a coarse curve still shows the shape.
    if (coarser && (points > FEW_POINTS || !fewer)) points = Math.max(MIN_POINTS, Math.floor(points * 0.8))
    else trades = Math.floor(trades * 0.8)
  }
}

/** Says what a thinned resource leaves out; nothing if it is complete. */
function noteOn({ trades = [], totalPoints = 0 }: BacktestResult, shown: ResultRange): { note?: string } {
  const { tradesOffset = 0, tradesLimit = 0, equityPoints = 0 } = shown
  const count = trades.slice(tradesOffset, tradesOffset + tradesLimit).length
  if (count === trades.length && totalPoints <= equityPoints) return {}
  const of = [`${count} of ${trades.length} trades`, `at most ${equityPoints} of ${totalPoints} points of the curve`]
  return { note: `${of.join(', ')}; detail "full" has all, and trades_offset, trades_limit and equity_points select` }
}
