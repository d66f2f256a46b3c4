import type { BacktestFilter } from '@aitradepro/backtesting'
import { z } from 'zod'
import { answer } from '../answer.js'
import { renameKeys, toCamel } from '../names.js'
import { rowOf } from '../present.js'
import { opening, userId } from '../schemas.js'
import { tool } from '../tool.js'

/** So many runs a model reads at once. */
const LIMIT = 10

export const listBacktests = tool({
  name: 'list_backtests',
  title: 'List the backtests',
  description:
    'Lists kept backtests, the newest first, one row each; before pages on. Changes nothing. Not for picking a winner: the more ' +
    'runs there are, the better the best of them looks by chance.',
  arguments: z.strictObject({
    strategy_id: z.string().optional(),
    asset_symbol: z.string().optional(),
    status: z.enum(['pending', 'running', 'completed', 'failed', 'cancelled']).optional(),
    user_id: userId.optional(),
    limit: z.int().min(1).max(1000).optional().describe(`At most this many; default ${LIMIT}.`),
    before: z.string().optional().describe('Only runs older than the one with this id.'),
  }),
  result: z.strictObject({ ...opening, backtests: z.array(z.record(z.string(), z.unknown())) }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async call(args, { engine }) {
    const limit = args.limit ?? LIMIT
    const runs = await engine.listBacktests(renameKeys({ ...args, limit }, toCamel) as BacktestFilter)
    const rows = runs.map(rowOf)
    const last = runs.at(-1)?.backtestId
    const told = {
      headline: `${rows.length} ${rows.length === 1 ? 'backtest' : 'backtests'}, the newest first`,
      caveats:
        rows.length > 1
          ? [`the best of ${rows.length} runs looks good by chance alone: it needs bars of its own to prove itself`]
          : [],
      next_step:
        last !== undefined && rows.length === limit
          ? `For older ones, call again with before "${last}".`
          : 'get_backtest_results tells more of one of them.',
      backtests: rows,
    }
    return answer(told, 'backtests://list', rows)
  },
})
