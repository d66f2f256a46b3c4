import { z } from 'zod'
import { answer } from '../answer.js'
import { chartBlocks } from '../charts.js'
import { unknownBacktest } from '../failure.js'
import { curveOf, MOST_POINTS, MOST_TRADES, summaryOf, tradesOf, wholeResult } from '../present.js'
import { backtestId, includeChart, summary } from '../schemas.js'
import { tool } from '../tool.js'

/** So much of a long run a model can read. */
const READABLE = { trades: 50, points: 100 }

export const getBacktestResults = tool({
  name: 'get_backtest_results',
  title: 'Get the results of a backtest',
  description:
    'Reads a backtest that was kept, or tells how far it is. The structured answer is a summary of about 4 kB; detail "full" adds ' +
    'trades and the equity curve, in parts: trades_offset and trades_limit page through trades, equity_points thins the curve ' +
    'and keeps its extremes. The embedded resource holds the whole result, unless detail is "summary", which is the cheapest. ' +
    'Changes nothing. For single numbers, get_metrics is cheaper.',
  arguments: z.strictObject({
    backtest_id: backtestId,
    detail: z.enum(['summary', 'full']).optional(),
    trades_offset: z.int().min(0).optional().describe('How many trades to pass over.'),
    trades_limit: z
      .int()
      .min(0)
      .max(MOST_TRADES)
      .optional()
      .describe(`How many trades at most; default ${READABLE.trades}.`),
    equity_points: z
      .int()
      .min(0)
      .max(MOST_POINTS)
      .optional()
      .describe(`How many points at most; default ${READABLE.points}.`),
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
    if (result === null) return unknownBacktest(engine, backtest_id)
    const part = { tradesOffset: args.trades_offset, tradesLimit: args.trades_limit, equityPoints: args.equity_points }
    const progress = runs.find(backtest_id)?.progress?.progress ?? null
    const told = summaryOf(result, progress)
    const trades = detail === 'full' || part.tradesOffset !== undefined || part.tradesLimit !== undefined
    const curve = detail === 'full' || part.equityPoints !== undefined
    if (trades)
      Object.assign(told, tradesOf(result.trades, { tradesLimit: READABLE.trades, ...withoutUndefined(part) }))
    if (curve) Object.assign(told, curveOf(result.timestamps, result.equityCurve, part.equityPoints ?? READABLE.points))
    const whole = detail === 'summary' ? told : { ...wholeResult(result, part), progress: told.progress }
    const chart = result.status === 'completed' ? await chartBlocks(engine, backtest_id, include_chart) : []
    return answer(told, `backtest://${result.backtestId}/results`, whole, chart)
  },
})

function withoutUndefined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>
}
