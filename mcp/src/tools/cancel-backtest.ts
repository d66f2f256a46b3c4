import { z } from 'zod'
import { answer } from '../answer.js'
import { unknownBacktest } from '../failure.js'
import { backtestId, opening } from '../schemas.js'
import { tool } from '../tool.js'

export const cancelBacktest = tool({
  name: 'cancel_backtest',
  title: 'Stop a backtest',
  description:
    'Stops a backtest that this server runs; it is kept as "cancelled", without results. Does nothing to one that has ended.',
  arguments: z.strictObject({ backtest_id: backtestId }),
  result: z.strictObject({ ...opening, backtest_id: z.string(), status: z.string() }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async call({ backtest_id }, { engine, runs }) {
    const run = runs.find(backtest_id)
    run?.stop()
    // It has ended when its promise has, whichever way.
    await run?.result.catch(() => {})
    const result = await engine.getBacktestResults(backtest_id)
    if (result === null) return unknownBacktest(engine, backtest_id)
    const { status } = result
    const going = status === 'running' || status === 'pending'
    const told = {
      headline: `Backtest ${backtest_id} is ${status}.`,
      caveats: going ? ['another process runs it, which this server cannot stop'] : [],
      next_step: going ? 'Tell the operator if it has to be stopped.' : 'Nothing is left to do for it.',
      backtest_id,
      status,
    }
    return answer(told, `backtest://${backtest_id}`, { backtest_id, status, progress: run?.progress?.progress ?? null })
  },
})
