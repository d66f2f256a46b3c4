import { z } from 'zod'
import { chartBlocks } from '../answers/charts.js'
import { backtestNotFound } from '../answers/failure.js'
import {
  curvePoints,
  fullResult,
  MAX_POINTS,
  MAX_TRADES,
  runSummary,
  tradePage,
  withoutUndefined,
} from '../answers/summaries.js'
import { toolResult } from '../answers/tool-result.js'
import { backtestId, includeChart, summary } from '../arguments/schemas.js'
import { defineTool } from '../tool.js'

/** Default limits, small enough for the context of a model. */
const DEFAULTS = { trades: 50, points: 100 }

export const getBacktestResults = defineTool({
  name: 'get_backtest_results',
  title: 'Get the results of a backtest',
  description:
    'Returns the results of a backtest, or its progress. The structured content is a summary of about 4 kB. Detail "full" adds ' +
    'trades and the equity curve in parts: trades_offset and trades_limit page through the trades, equity_points downsamples the ' +
    'curve and keeps its extremes. The embedded resource holds the full result; with detail "summary", the cheapest, it holds ' +
    'the summary. Read-only. For single numbers, get_metrics is cheaper.',
  arguments: z.strictObject({
    backtest_id: backtestId,
    detail: z.enum(['summary', 'full']).optional(),
    trades_offset: z.int().min(0).optional().describe('Trades to skip.'),
    trades_limit: z
      .int()
      .min(0)
      .max(MAX_TRADES)
      .optional()
      .describe(`Maximum number of trades. Default: ${DEFAULTS.trades}.`),
    equity_points: z
      .int()
      .min(0)
      .max(MAX_POINTS)
      .optional()
      .describe(`Maximum number of points. Default: ${DEFAULTS.points}.`),
    include_chart: includeChart.optional(),
  }),
  result: summary.extend({
    trades: z.array(z.record(z.string(), z.unknown())).optional(),
    trades_total: z.int().optional(),
    trades_offset: z.int().optional(),
    timestamps: z.array(z.string()).optional(),
    equity_curve: z.array(z.number().nullable()).optional(),
    equity_points_total: z.int().optional(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async call(args, { engine, runs }) {
    const { backtest_id, detail, include_chart } = args
    const result = await engine.getBacktestResults(backtest_id)
    if (result === null) return backtestNotFound(engine, backtest_id)
    const range = { tradesOffset: args.trades_offset, tradesLimit: args.trades_limit, equityPoints: args.equity_points }
    const progress = runs.find(backtest_id)?.progress?.progress ?? null
    const output = runSummary(result, progress)
    const includeTrades = detail === 'full' || range.tradesOffset !== undefined || range.tradesLimit !== undefined
    const includeCurve = detail === 'full' || range.equityPoints !== undefined
    if (includeTrades) {
      Object.assign(output, tradePage(result.trades, { tradesLimit: DEFAULTS.trades, ...withoutUndefined(range) }))
    }
    if (includeCurve) {
      const max = range.equityPoints ?? DEFAULTS.points
      Object.assign(output, curvePoints(result.timestamps, result.equityCurve, max))
    }
    const resource = detail === 'summary' ? output : { ...fullResult(result, range), progress: output.progress }
    const chart = result.status === 'completed' ? await chartBlocks(engine, backtest_id, include_chart) : []
    return toolResult(output, `backtest://${result.backtestId}/results`, resource, chart)
  },
})
