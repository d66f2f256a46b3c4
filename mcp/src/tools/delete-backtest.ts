import type { CallToolResult } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { backtestNotFound, failureResult, sweepNotFound, WHO_CAN_STOP } from '../answers/failure.js'
import { toolResult } from '../answers/tool-result.js'
import { backtestId, commonOutput } from '../arguments/schemas.js'
import { sweepId } from '../arguments/sweep-schemas.js'
import { type Context, defineTool, eitherId } from '../tool.js'

export const deleteBacktest = defineTool({
  name: 'delete_backtest',
  title: 'Delete a backtest or a sweep',
  description:
    'Permanently deletes a backtest with its trades and equity curve, or with sweep_id a sweep with all its combinations. An ' +
    'active one is stopped first. Call it only if the user asked for it: without the failed runs on record, the successful ones ' +
    'prove nothing.',
  arguments: z.strictObject({ backtest_id: backtestId.optional(), sweep_id: sweepId.optional() }),
  result: z.strictObject({
    ...commonOutput,
    backtest_id: z.string().optional(),
    sweep_id: z.string().optional(),
    deleted: z.boolean(),
  }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async call({ backtest_id, sweep_id }, context) {
    const id = eitherId({ backtest_id, sweep_id })
    return 'backtestId' in id ? deleteRun(id.backtestId, context) : deleteSweep(id.sweepId, context)
  },
})

async function deleteRun(backtest_id: string, { engine, runs }: Context): Promise<CallToolResult> {
  const run = runs.find(backtest_id)
  run?.stop()
  await run?.result.catch(() => {})
  const elsewhere =
    run === undefined ? (await engine.getBacktestResults(backtest_id, { maxPoints: 4 }))?.status : undefined
  if (isActive(elsewhere)) return runsElsewhere(`backtest ${backtest_id}`, elsewhere)
  const deleted = await engine.deleteBacktest(backtest_id)
  if (!deleted) return backtestNotFound(engine, backtest_id)
  const output = {
    headline: `Backtest ${backtest_id} is deleted.`,
    caveats: ['count it all the same when you judge the remaining runs: this server no longer does'],
    next_step: 'Nothing left to do.',
    backtest_id,
    deleted,
  }
  return toolResult(output, `backtest://${backtest_id}`, { backtest_id, deleted })
}

async function deleteSweep(sweep_id: string, { engine, runs }: Context): Promise<CallToolResult> {
  const run = runs.findSweep(sweep_id)
  run?.stop()
  await run?.result.catch(() => {})
  const elsewhere =
    run === undefined ? (await engine.getSweep(sweep_id, { from: 0, to: 0, metrics: [] }))?.status : undefined
  if (isActive(elsewhere)) return runsElsewhere(`sweep ${sweep_id}`, elsewhere)
  const deleted = await engine.deleteSweep(sweep_id)
  if (!deleted) return sweepNotFound(engine, sweep_id)
  const output = {
    headline: `Sweep ${sweep_id} is deleted.`,
    caveats: ['count its combinations all the same when you judge the remaining runs: this server no longer does'],
    next_step: 'Nothing left to do.',
    sweep_id,
    deleted,
  }
  return toolResult(output, `sweep://${sweep_id}`, { sweep_id, deleted })
}

function isActive(status: string | undefined): status is 'running' | 'pending' {
  return status === 'running' || status === 'pending'
}

/** Builds the error result for what another process runs. */
function runsElsewhere(what: string, status: string): CallToolResult {
  const message = `${what} is ${status} in another process on this store, and cannot be deleted before it has ended`
  return failureResult({ code: 'INVALID_ARGUMENT', message, retryable: false, issues: [] }, WHO_CAN_STOP)
}
