import { z } from 'zod'
import { backtestNotFound } from '../failure.js'
import { backtestId, commonOutput } from '../schemas.js'
import { defineTool } from '../tool.js'
import { toolResult } from '../tool-result.js'

export const deleteBacktest = defineTool({
  name: 'delete_backtest',
  title: 'Delete a backtest',
  description:
    'Permanently deletes a backtest with its trades and equity curve. An active run is stopped first. Call it only if the user ' +
    'asked for it: without the failed runs on record, the successful ones prove nothing.',
  arguments: z.strictObject({ backtest_id: backtestId }),
  result: z.strictObject({ ...commonOutput, backtest_id: z.string(), deleted: z.boolean() }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async call({ backtest_id }, { engine, runs }) {
    const run = runs.find(backtest_id)
    run?.stop()
    await run?.result.catch(() => {})
    const deleted = await engine.deleteBacktest(backtest_id)
    if (!deleted) return backtestNotFound(engine, backtest_id)
    const output = {
      headline: `Backtest ${backtest_id} is deleted.`,
      caveats: ['it still counts as one of the runs tried when you judge the remaining ones'],
      next_step: 'Nothing left to do.',
      backtest_id,
      deleted,
    }
    return toolResult(output, `backtest://${backtest_id}`, { backtest_id, deleted })
  },
})
