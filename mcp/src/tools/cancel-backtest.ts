import type { CallToolResult } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { backtestNotFound, sweepNotFound, WHO_CAN_STOP } from '../answers/failure.js'
import { toolResult } from '../answers/tool-result.js'
import { backtestId, commonOutput } from '../arguments/schemas.js'
import { sweepId } from '../arguments/sweep-schemas.js'
import { type Context, defineTool, eitherId } from '../tool.js'

export const cancelBacktest = defineTool({
  name: 'cancel_backtest',
  title: 'Stop a backtest or a sweep',
  description:
    'Stops a backtest, or with sweep_id a sweep, that this server runs. A backtest is kept with status "cancelled" and without ' +
    'results; a sweep keeps what is done, and run_sweep with resume goes on. Has no effect on what has ended.',
  arguments: z.strictObject({ backtest_id: backtestId.optional(), sweep_id: sweepId.optional() }),
  result: z.strictObject({
    ...commonOutput,
    backtest_id: z.string().optional(),
    sweep_id: z.string().optional(),
    status: z.string(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async call({ backtest_id, sweep_id }, context) {
    const id = eitherId({ backtest_id, sweep_id })
    return 'backtestId' in id ? cancelRun(id.backtestId, context) : cancelSweep(id.sweepId, context)
  },
})

async function cancelRun(backtest_id: string, { engine, runs }: Context): Promise<CallToolResult> {
  const run = runs.find(backtest_id)
  run?.stop()
  // The run has ended once its promise is settled, either way.
  await run?.result.catch(() => {})
  const result = await engine.getBacktestResults(backtest_id)
  if (result === null) return backtestNotFound(engine, backtest_id)
  const { status } = result
  const output = { ...stateOf(`Backtest ${backtest_id}`, status), backtest_id, status }
  const resource = { backtest_id, status, progress: run?.progress?.progress ?? null }
  return toolResult(output, `backtest://${backtest_id}`, resource)
}

async function cancelSweep(sweep_id: string, { engine, runs }: Context): Promise<CallToolResult> {
  const run = runs.findSweep(sweep_id)
  run?.stop()
  await run?.result.catch(() => {})
  const result = await engine.getSweep(sweep_id, { from: 0, to: 0, metrics: [] })
  if (result === null) return sweepNotFound(engine, sweep_id)
  const { status } = result
  const state = stateOf(`Sweep ${sweep_id}`, status)
  if (status === 'cancelled') state.next_step = `To go on, call run_sweep with only resume "${sweep_id}".`
  const resource = { sweep_id, status, progress: run?.progress?.progress ?? null }
  return toolResult({ ...state, sweep_id, status }, `sweep://${sweep_id}`, resource)
}

function stateOf(what: string, status: string) {
  const isActive = status === 'running' || status === 'pending'
  return {
    headline: isActive
      ? `${what} is ${status} in another process on this store, and was not stopped.`
      : `${what} is ${status}.`,
    caveats: isActive ? ['only the process that runs it can stop it'] : [],
    next_step: isActive ? WHO_CAN_STOP : 'Nothing left to do.',
  }
}
