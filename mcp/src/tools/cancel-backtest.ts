import { z } from 'zod'
import { backtestNotFound } from '../failure.js'
import { backtestId, commonOutput } from '../schemas.js'
import { defineTool } from '../tool.js'
import { toolResult } from '../tool-result.js'

export const cancelBacktest = defineTool({
  name: 'cancel_backtest',
  title: 'Stop a backtest',
  description:
    'Stops a backtest that this server runs. It is kept with status "cancelled" and without results. Has no effect on a ' +
    'backtest that has ended.',
  arguments: z.strictObject({ backtest_id: backtestId }),
  result: z.strictObject({ ...commonOutput, backtest_id: z.string(), status: z.string() }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async call({ backtest_id }, { engine, runs }) {
    const run = runs.find(backtest_id)
    run?.stop()
    // The run has ended once its promise is settled, either way.
    await run?.result.catch(() => {})
    const result = await engine.getBacktestResults(backtest_id)
    if (result === null) return backtestNotFound(engine, backtest_id)
    const { status } = result
    const isActive = status === 'running' || status === 'pending'
    const output = {
      headline: `Backtest ${backtest_id} is ${status}.`,
      caveats: isActive ? ['another process runs it, and this server cannot stop it'] : [],
      next_step: isActive ? 'Inform the operator if it has to be stopped.' : 'Nothing left to do.',
      backtest_id,
      status,
    }
    return toolResult(output, `backtest://${backtest_id}`, {
      backtest_id,
      status,
      progress: run?.progress?.progress ?? null,
    })
  },
})
