import type { BacktestFilter } from '@aitradepro/backtesting'
import { z } from 'zod'
import { largestFitting } from '../answers/size.js'
import { summaryRow } from '../answers/summaries.js'
import { toolResult } from '../answers/tool-result.js'
import { renameKeys, toCamelCase } from '../arguments/field-names.js'
import { commonOutput, userId } from '../arguments/schemas.js'
import { defineTool } from '../tool.js'

const DEFAULT_LIMIT = 10

export const listBacktests = defineTool({
  name: 'list_backtests',
  title: 'List the backtests',
  description:
    'Lists backtests, newest first, one row each. Use before to get the next page. Read-only. Not for picking a winner: the more ' +
    'runs there are, the better the best one looks by chance.',
  arguments: z.strictObject({
    strategy_id: z.string().optional(),
    asset_symbol: z.string().optional(),
    status: z.enum(['pending', 'running', 'completed', 'failed', 'cancelled']).optional(),
    user_id: userId.optional(),
    limit: z.int().min(1).max(1000).optional().describe(`Maximum number of backtests. Default: ${DEFAULT_LIMIT}.`),
    before: z.string().optional().describe('Only backtests older than the one with this id.'),
  }),
  result: z.strictObject({ ...commonOutput, backtests: z.array(z.record(z.string(), z.unknown())) }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async call(args, { engine }) {
    const limit = args.limit ?? DEFAULT_LIMIT
    const runs = await engine.listBacktests(renameKeys({ ...args, limit }, toCamelCase) as BacktestFilter)
    const answer = (count: number) => {
      const rows = runs.slice(0, count).map(summaryRow)
      const last = runs[rows.length - 1]?.backtestId
      const hasMore = rows.length === limit || rows.length < runs.length
      const output = {
        headline: `${rows.length} ${rows.length === 1 ? 'backtest' : 'backtests'}, newest first`,
        caveats:
          rows.length > 1
            ? [
                `the best of ${rows.length} runs looks good by chance alone: confirm it on bars that were not used to choose it`,
              ]
            : [],
        next_step:
          last !== undefined && hasMore
            ? `For older ones, call again with before "${last}".`
            : 'For the details of one of them, call get_backtest_results.',
        backtests: rows,
      }
      return toolResult(output, 'backtests://list', rows)
    }
    return args.limit === undefined ? largestFitting(runs.length, answer) : answer(runs.length)
  },
})
