import type { CallToolResult } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { heatmapBlocks, variedParameters } from '../answers/charts.js'
import { failureResult, sweepNextStep, toFailure } from '../answers/failure.js'
import { activeSweepSummary, fitted, sweepSummary } from '../answers/sweep-summaries.js'
import { embeddedResource, toolResult } from '../answers/tool-result.js'
import { sweepNamesToSnakeCase } from '../arguments/field-names.js'
import { publishedSweep } from '../arguments/published.js'
import { toSweepRequest } from '../arguments/requests.js'
import { heatmap, sweepOutput, sweepRequest } from '../arguments/sweep-schemas.js'
import { sendSweepProgress } from '../notifications.js'
import { type SweepRun, waitForResult } from '../runs.js'
import { MAX_WAIT_SECONDS } from '../server-options.js'
import { type Context, defineTool } from '../tool.js'

const more = {
  ...heatmap,
  wait_seconds: z
    .number()
    .min(0)
    .max(MAX_WAIT_SECONDS)
    .optional()
    .describe('How long to wait for the result; 0: do not wait.'),
}

export const runSweep = defineTool({
  name: 'run_sweep',
  title: 'Run a parameter sweep',
  description:
    'Runs a strategy with many parameter sets on the same bars, ranks them, and says first what speaks against the best. Needs ' +
    'asset_symbol (or asset_symbols), start_date, end_date, initial_capital, a strategy, and parameters; or only resume. Costs CPU ' +
    'time in proportion to combinations × bars; at most 5,000,000 combinations by default. Returns the result, or status "running" ' +
    'after wait_seconds: then get_sweep tells more. Hold out later bars before you start: the best of many is lucky, and only bars ' +
    'that took no part in the choice can tell.',
  arguments: sweepRequest.extend(more),
  publishedArguments: publishedSweep.extend(more),
  result: sweepOutput,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  names: sweepNamesToSnakeCase,
  async call(args, context, request) {
    const { include_heatmap, x, y, heatmap_metric, aggregate, wait_seconds, ...fields } = args
    const seconds = wait_seconds ?? context.settings.waitSeconds
    const isKept = fields.resume !== undefined || fields.persist !== false
    const asked = fields.resume === undefined ? { ...fields, persist: isKept } : fields
    const { signal } = request.mcpReq
    const run = context.runs.startSweep(toSweepRequest(asked))
    const stop = () => run.stop()
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    const onAnswered = sendSweepProgress(run, context, request)
    try {
      const result = await waitForResult(run, seconds)
      if (result === undefined) return isKept ? activeResult(run) : await stoppedResult(run, seconds)
      const summary = sweepSummary(result, {}, fields.top)
      const shown = { include_heatmap, x, y, heatmap_metric, aggregate }
      const picture = await heatmapBlocks(context.engine, result, shown, async () => variedParameters(result))
      const { sweepId, status, combinations } = result
      const resource = { sweep_id: sweepId, status, progress: 100, done: combinations, combinations }
      return toolResult(
        fields.top === undefined ? fitted(summary) : summary,
        `sweep://${sweepId}`,
        isKept ? resource : { ...resource, persist: false },
        { more: picture },
      )
    } catch (error) {
      return await failedResult(error, run, isKept, context)
    } finally {
      signal.removeEventListener('abort', stop)
      onAnswered()
    }
  },
})

/** Builds the result for a sweep that continues. */
function activeResult({ progress }: SweepRun): CallToolResult {
  if (progress === undefined) throw new Error('a sweep continues without an id')
  return toolResult(activeSweepSummary(progress), `sweep://${progress.sweepId}`, statusOf(progress, 'running'))
}

/** Stops a sweep that nobody could read afterwards, and builds the error result. */
async function stoppedResult(run: SweepRun, seconds: number): Promise<CallToolResult> {
  run.stop()
  await run.result.catch(() => {})
  const { done = 0, total = 0 } = run.progress ?? {}
  const failure = {
    code: 'ABORT_ERR',
    message: `the sweep was stopped after ${seconds} s with ${done} of ${total} combinations done, because persist is false`,
    retryable: false,
    issues: [],
  }
  return failureResult(failure, 'leave out persist, then get_sweep returns the result; or use fewer combinations')
}

/** Builds the error result for a failed sweep, with its id if it already had one. */
async function failedResult(
  error: unknown,
  run: SweepRun,
  isKept: boolean,
  { engine }: Context,
): Promise<CallToolResult> {
  const failure = toFailure(error, sweepNamesToSnakeCase)
  const isStopped = failure.code === 'ABORT_ERR' || failure.code === 'CLOSED'
  const { progress } = run
  if (failure.code === 'ABORT_ERR') failure.message = 'the sweep was stopped'
  const next =
    isStopped && isKept && progress !== undefined
      ? `call run_sweep with only resume "${progress.sweepId}" to go on`
      : await sweepNextStep(engine, failure)
  const result = failureResult(failure, next)
  if (progress) {
    const resource = statusOf(progress, isStopped ? 'cancelled' : 'failed')
    result.content.push(embeddedResource(`sweep://${progress.sweepId}`, resource))
  }
  return result
}

function statusOf({ sweepId, progress, done, total, stage }: NonNullable<SweepRun['progress']>, status: string) {
  const shown = status === 'running' && stage === 'queued' ? 'pending' : status
  return { sweep_id: sweepId, status: shown, progress, done, combinations: total }
}
