import type { BacktestRequest, BacktestResult } from '@aitradepro/backtesting'
import { z } from 'zod'
import { backtestNotFound, failureResult } from '../answers/failure.js'
import { withoutUndefined } from '../answers/summaries.js'
import { backtestId, summary } from '../arguments/schemas.js'
import { MAX_WAIT_SECONDS } from '../server-options.js'
import { defineTool } from '../tool.js'
import { startAndAnswer } from './run-backtest.js'

/** What `warmupFrom` says if the request set a number of bars. */
const AS_SET = /setting/

export const rerunBacktest = defineTool({
  name: 'rerun_backtest',
  title: 'Run a backtest again',
  description:
    'Runs the request of a stored backtest again: one that was cancelled, whose process ended, or whose bars have changed. Returns ' +
    'what run_backtest returns, under a new id; if nothing changed, the kept run. Not possible for an own strategy that was not registered.',
  arguments: z.strictObject({
    backtest_id: backtestId,
    wait_seconds: z.number().min(0).max(MAX_WAIT_SECONDS).optional().describe('As in run_backtest.'),
  }),
  result: summary,
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  async call({ backtest_id, wait_seconds }, context, request) {
    const { engine } = context
    const stored = await engine.getBacktestResults(backtest_id, { maxPoints: 4 })
    if (stored === null) return backtestNotFound(engine, backtest_id)
    const { strategyId, strategySource } = stored
    if (strategySource !== null) {
      const registered = (await engine.listStrategies()).find(({ id }) => id === strategyId)
      if (registered?.source !== strategySource) {
        const what = registered === undefined ? 'is not registered' : 'was registered again with other rules'
        const failure = {
          code: 'UNKNOWN_STRATEGY',
          message: `the strategy ${strategyId} of this run ${what}`,
          retryable: false,
          issues: [],
        }
        return failureResult(
          failure,
          'call run_backtest with the definition as strategy; get_backtest_results has its source',
        )
      }
    }
    return startAndAnswer(requestOf(stored), { wait_seconds }, context, request)
  },
})

/** Returns the request of a stored run. */
function requestOf(run: BacktestResult): BacktestRequest {
  const {
    assetSymbol,
    assumptions,
    endDate,
    initialCapital,
    parameters,
    simulation,
    startDate,
    strategyId,
    timeframe,
  } = run
  // A share of the cash became the size, and both together would be refused.
  const isSized = parameters.position_size !== undefined && parameters.position_size !== 1
  const set = Object.entries(simulation).filter(
    ([name, value]) => value !== null && !(isSized && (name === 'size' || name === 'sizeType')),
  )
  const { warmupBars = null, warmupFrom = null } = assumptions ?? {}
  return withoutUndefined({
    strategyId,
    assetSymbol,
    startDate,
    endDate,
    initialCapital,
    parameters,
    timeframe: timeframe === 'tick' ? undefined : timeframe,
    simulation: Object.fromEntries(set),
    warmup: warmupBars !== null && AS_SET.test(warmupFrom ?? '') ? warmupBars : undefined,
    userId: run.userId ?? undefined,
  }) as unknown as BacktestRequest
}
