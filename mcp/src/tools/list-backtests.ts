import type { BacktestFilter } from '@aitradepro/backtesting'
import { z } from 'zod'
import { largestFitting } from '../answers/size.js'
import { summaryRow, withoutUndefined } from '../answers/summaries.js'
import { toolResult } from '../answers/tool-result.js'
import { renameKeys, toCamelCase } from '../arguments/field-names.js'
import { commonOutput, userId } from '../arguments/schemas.js'
import type { Engine } from '../engine.js'
import { defineTool } from '../tool.js'

const DEFAULT_LIMIT = 10

/** Runs that are read at once to count them, and how often. */
const PAGE = 1000
const MAX_PAGES = 5

export const listBacktests = defineTool({
  name: 'list_backtests',
  title: 'List the backtests',
  description:
    'Lists backtests, newest first, one row each, and how many there are in all. Read-only. Not for picking a winner: the more ' +
    'runs there are, the better the best one looks by chance.',
  arguments: z.strictObject({
    strategy_id: z.string().optional(),
    asset_symbol: z.string().optional(),
    status: z.enum(['pending', 'running', 'completed', 'failed', 'cancelled']).optional(),
    user_id: userId.optional(),
    limit: z.int().min(1).max(1000).optional().describe(`Maximum number of backtests. Default: ${DEFAULT_LIMIT}.`),
    before: z.string().optional().describe('Only backtests older than the one with this id.'),
  }),
  result: z.strictObject({
    ...commonOutput,
    backtests: z.array(z.record(z.string(), z.unknown())),
    backtests_total: z.int(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  maxResultChars: 500_000,
  async call(args, { engine }) {
    const { before, limit = DEFAULT_LIMIT, ...given } = args
    const filter = renameKeys(withoutUndefined(given), toCamelCase) as BacktestFilter
    const runs = await engine.listBacktests({ ...filter, limit, ...(before !== undefined && { before }) })
    const isAll = before === undefined && runs.length < limit
    const { total, isLowerBound } = isAll ? { total: runs.length, isLowerBound: false } : await count(engine, filter)
    const all = `${isLowerBound ? 'at least ' : ''}${total}`
    const answer = (shown: number) => {
      const rows = runs.slice(0, shown).map(summaryRow)
      const last = runs[rows.length - 1]?.backtestId
      const hasMore = rows.length === limit || rows.length < runs.length
      const output = {
        headline: `${rows.length} of ${all} ${total === 1 ? 'backtest' : 'backtests'}, newest first`,
        caveats:
          total > 1
            ? [`the best of ${all} runs looks good by chance alone: confirm it on bars that were not used to choose it`]
            : [],
        next_step:
          last !== undefined && hasMore
            ? `For older ones, call again with before "${last}".`
            : 'For the details of one of them, call get_backtest_results; to compare some, compare_backtests.',
        backtests: rows,
        backtests_total: total,
      }
      return toolResult(output, 'backtests://list', rows)
    }
    return args.limit === undefined ? largestFitting(runs.length, answer) : answer(runs.length)
  },
})

/** Counts the runs that match a filter. */
async function count(engine: Engine, filter: BacktestFilter): Promise<{ total: number; isLowerBound: boolean }> {
  let total = 0
  let before: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const runs = await engine.listBacktests({ ...filter, limit: PAGE, ...(before !== undefined && { before }) })
    total += runs.length
    before = runs.at(-1)?.backtestId
    if (runs.length < PAGE) return { total, isLowerBound: false }
  }
  return { total, isLowerBound: true }
}
