import type { BacktestRequest, BacktestResult } from '@aitradepro/backtesting'
import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { chartBlocks } from '../answers/charts.js'
import { failureResult, nextStep, toFailure } from '../answers/failure.js'
import { resultLinks } from '../answers/links.js'
import { runSummary } from '../answers/summaries.js'
import { embeddedResource, type ToolOutput, toolResult } from '../answers/tool-result.js'
import { trialsBefore } from '../answers/trials.js'
import { publishedRequest } from '../arguments/published.js'
import { toBacktestRequest } from '../arguments/requests.js'
import { backtestRequest, includeChart, summary } from '../arguments/schemas.js'
import { sendNotifications } from '../notifications.js'
import { type Run, waitForResult } from '../runs.js'
import { MAX_WAIT_SECONDS } from '../server-options.js'
import { type Context, defineTool } from '../tool.js'

const more = {
  include_chart: includeChart.optional(),
  wait_seconds: z
    .number()
    .min(0)
    .max(MAX_WAIT_SECONDS)
    .optional()
    .describe('How long to wait for the result; 0: do not wait.'),
}

export const runBacktest = defineTool({
  name: 'run_backtest',
  title: 'Run a backtest',
  description:
    'Simulates one strategy on the stored bars of one asset, and stores the run under an id. Returns the result, or status ' +
    '"running" after wait_seconds: then get_backtest_results tells more. Returns are in percent; fees, slippage and stops are ' +
    'fractions. By default, orders are filled at the close of the signal bar, which is optimistic: simulation.execution "nextOpen" is ' +
    'realistic. Places no real orders. Not for trying many parameters: run_sweep does that.',
  arguments: backtestRequest.extend(more),
  publishedArguments: publishedRequest.extend(more),
  result: summary,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  async call({ include_chart, wait_seconds, ...fields }, context, request) {
    return startAndAnswer(toBacktestRequest(fields), { include_chart, wait_seconds }, context, request)
  },
})

/** Starts a run, waits for its result as long as the caller wants, and builds the answer. */
export async function startAndAnswer(
  asked: BacktestRequest,
  options: { include_chart?: boolean | undefined; wait_seconds?: number | undefined },
  context: Context,
  request: ServerContext,
): Promise<CallToolResult> {
  const { signal } = request.mcpReq
  const run = context.runs.start(asked)
  const stop = () => run.stop()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const onAnswered = sendNotifications(run, context, request)
  try {
    const result = await waitForResult(run, options.wait_seconds ?? context.settings.waitSeconds)
    if (result === undefined) return activeRunResult(run, asked.assetSymbol)
    return await completedResult(result, options.include_chart, context)
  } catch (error) {
    return await failedRunResult(error, run, asked, context)
  } finally {
    signal.removeEventListener('abort', stop)
    onAnswered()
  }
}

/** Builds the result for a completed run. If the same request was run before, returns the kept run instead, and drops this one. */
async function completedResult(
  found: BacktestResult,
  includeChart: boolean | undefined,
  context: Context,
): Promise<CallToolResult> {
  const { engine, settings } = context
  const trials = await trialsBefore(engine, found)
  // Hosts that keep runs themselves, by their ids, expect a new one from every call.
  const isNew = trials?.repeated === undefined || settings.fullResources || settings.backtestNotifications
  const kept = isNew ? null : await engine.getBacktestResults(trials.repeated ?? '')
  // If that fails, there are two of the same.
  if (kept !== null) await engine.deleteBacktest(found.backtestId).catch(() => false)
  const result = kept ?? found
  const { backtestId, status } = result
  const output = runSummary(result, { trials: kept === null ? trials : await trialsBefore(engine, kept) })
  if (kept !== null) {
    output.headline = `Run before, at ${kept.createdAt.slice(0, 16).replace('T', ' ')} UTC, and kept: no new try. ${output.headline}`
    output.repeated = true
  }
  const chart = await chartBlocks(engine, backtestId, includeChart)
  return toolResult(
    output,
    `backtest://${backtestId}`,
    { backtest_id: backtestId, status, progress: 100 },
    {
      opening: started(backtestId),
      more: [...chart, ...resultLinks(result, context)],
    },
  )
}

/** Builds the result for a run that continues. */
function activeRunResult(run: Run, assetSymbol: string): CallToolResult {
  const { backtestId = '', progress = 0, stage = '' } = run.progress ?? {}
  const status = stage === 'queued' ? 'pending' : 'running'
  const output: ToolOutput = {
    headline: `Backtest ${backtestId} is ${status}, ${progress.toFixed(0)} % done. There is no result yet.`,
    caveats: [],
    next_step: `Call get_backtest_results with backtest_id "${backtestId}" in a few seconds; cancel_backtest stops the run.`,
    backtest_id: backtestId,
    status,
    progress,
    asset_symbol: assetSymbol,
  }
  return toolResult(
    output,
    `backtest://${backtestId}`,
    { backtest_id: backtestId, status, progress },
    { opening: started(backtestId) },
  )
}

/** The sentence that begins the text. */
function started(backtestId: string): string {
  return `Backtest started successfully with ID: ${backtestId}`
}

/** Builds the error result for a failed run, with its id if it already had one. */
async function failedRunResult(
  error: unknown,
  run: Run,
  asked: BacktestRequest,
  { engine }: Context,
): Promise<CallToolResult> {
  const failure = toFailure(error)
  const result = failureResult(failure, await nextStep(engine, failure, asked))
  if (run.progress) {
    const { backtestId, progress } = run.progress
    const status = failure.code === 'ABORT_ERR' || failure.code === 'CLOSED' ? 'cancelled' : 'failed'
    result.content.push(embeddedResource(`backtest://${backtestId}`, { backtest_id: backtestId, status, progress }))
  }
  return result
}
