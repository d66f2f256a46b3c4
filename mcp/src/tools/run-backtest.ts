import type { BacktestResult } from '@aitradepro/backtesting'
import type { CallToolResult } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { answer, embedded, type Told } from '../answer.js'
import { chartBlocks } from '../charts.js'
import { failed, failureOf, nextStep } from '../failure.js'
import { announce } from '../notify.js'
import { summaryOf } from '../present.js'
import { requestOf } from '../requests.js'
import type { Run } from '../runs.js'
import { definition, includeChart, parameters, simulation, summary, timeframe, userId } from '../schemas.js'
import { LONGEST_WAIT } from '../settings.js'
import { type Context, tool } from '../tool.js'

export const runBacktest = tool({
  name: 'run_backtest',
  title: 'Run a backtest',
  description:
    'Simulates one strategy on the stored bars of one asset, and keeps the run under an id. Give strategy_id, or strategy for ' +
    'one of your own. Answers with the result if the run ends within wait_seconds; else with status "running": it goes on, and ' +
    'get_backtest_results tells how far it is. Returns are percent; fees, slippage and stops are fractions. By default orders ' +
    'are filled at the close that gave the signal, which is optimistic: simulation.execution "nextOpen" is what can be traded. ' +
    'Places no real orders. Not for trying many parameters and keeping the best: the best of many runs proves nothing.',
  arguments: z.strictObject({
    strategy_id: z.string().optional().describe('A strategy that list_strategies shows. Either this or strategy.'),
    asset_symbol: z.string().describe('An asset that list_assets shows.'),
    start_date: z.string().describe('First day, ISO 8601: "2019-01-01".'),
    end_date: z.string().describe('Last day, included.'),
    initial_capital: z.number().describe('Money at the start.'),
    parameters: parameters.optional(),
    strategy: definition.optional(),
    timeframe: timeframe.optional(),
    simulation: simulation.optional(),
    include_chart: includeChart.optional(),
    wait_seconds: z
      .number()
      .min(0)
      .max(LONGEST_WAIT)
      .optional()
      .describe('How long to wait for the result; 0: not at all.'),
    user_id: userId.optional(),
  }),
  result: summary,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  async call(args, context, request) {
    const { include_chart, wait_seconds = context.settings.waitSeconds, ...asked } = args
    const { signal } = request.mcpReq
    const run = context.runs.start(requestOf(asked))
    const stop = () => run.stop()
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    const answered = announce(run, context, request)
    try {
      const result = await within(run, wait_seconds)
      if (result === undefined) return underWay(run, asked)
      const { backtestId, status } = result
      const chart = await chartBlocks(context.engine, backtestId, include_chart)
      const resource = { backtest_id: backtestId, status, progress: 100 }
      return answer(summaryOf(result, 100), `backtest://${backtestId}`, resource, chart)
    } catch (error) {
      return await failedRun(error, run, context)
    } finally {
      signal.removeEventListener('abort', stop)
      answered()
    }
  },
})

/** Waits for the end of a run; nothing if it takes longer. A run without an id cannot be told of yet and is waited for. */
async function within(run: Run, seconds: number): Promise<BacktestResult | undefined> {
  let timer: NodeJS.Timeout | undefined
  const waited = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000, undefined)
  })
  try {
    return (
      (await Promise.race([run.result, waited])) ?? (await Promise.race([run.result, run.identified()])) ?? undefined
    )
  } finally {
    clearTimeout(timer)
  }
}

/** Answers for a run that goes on. */
function underWay(run: Run, asked: Record<string, unknown>): CallToolResult {
  const { backtestId = '', progress = 0, stage = '' } = run.progress ?? {}
  const status = stage === 'queued' ? 'pending' : 'running'
  const told: Told = {
    headline: `Backtest ${backtestId} is ${status}, ${progress.toFixed(0)} % done. There is no result yet.`,
    caveats: [],
    next_step: `Call get_backtest_results with backtest_id "${backtestId}" in some seconds; cancel_backtest stops the run.`,
    backtest_id: backtestId,
    status,
    progress,
    asset_symbol: asked.asset_symbol,
  }
  return answer(told, `backtest://${backtestId}`, { backtest_id: backtestId, status, progress })
}

/** Answers for a run that failed: with its id, if it had come so far as to have one. */
async function failedRun(error: unknown, run: Run, { engine }: Context): Promise<CallToolResult> {
  const failure = failureOf(error)
  const result = failed(failure, await nextStep(engine, failure))
  if (run.progress) {
    const { backtestId, progress } = run.progress
    const status = failure.code === 'ABORT_ERR' || failure.code === 'CLOSED' ? 'cancelled' : 'failed'
    result.content.push(embedded(`backtest://${backtestId}`, { backtest_id: backtestId, status, progress }))
  }
  return result
}
