import { z } from 'zod'
import { answer } from '../answer.js'
import { unknownBacktest } from '../failure.js'
import { backtestId, opening } from '../schemas.js'
import { tool } from '../tool.js'

export const deleteBacktest = tool({
  name: 'delete_backtest',
  title: 'Delete a backtest',
  description:
    'Deletes a backtest with its trades and its curve, for good; a run under way is stopped first. Only when the user asked for ' +
    'it: a record without the runs that went badly says nothing about those that went well.',
  arguments: z.strictObject({ backtest_id: backtestId }),
  result: z.strictObject({ ...opening, backtest_id: z.string(), deleted: z.boolean() }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async call({ backtest_id }, { engine, runs }) {
    const run = runs.find(backtest_id)
    run?.stop()
    await run?.result.catch(() => {})
    const deleted = await engine.deleteBacktest(backtest_id)
    if (!deleted) return unknownBacktest(engine, backtest_id)
    const told = {
      headline: `Backtest ${backtest_id} is deleted.`,
      caveats: ['count it among the runs tried when you judge those that are left'],
      next_step: 'Nothing is left to do for it.',
      backtest_id,
      deleted,
    }
    return answer(told, `backtest://${backtest_id}`, { backtest_id, deleted })
  },
})
