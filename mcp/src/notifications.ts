/** Progress and completion notifications of a run. */

import type { ServerContext } from '@modelcontextprotocol/server'
import { toFailure } from './answers/failure.js'
import { fullResult } from './answers/summaries.js'
import { logDefect } from './log.js'
import type { Active, Run, SweepRun } from './runs.js'
import { announce } from './subscriptions.js'
import type { Context } from './tool.js'

/** Shortest time between two progress notifications. */
const MIN_INTERVAL_MS = 1000

/**
 * Sends notifications about a backtest:
 *
 * - `notifications/progress` until the request is answered, if it carries a progress token;
 * - `backtest/progress`, `backtest/complete` and `backtest/failed` until the run ends, if the settings enable them.
 *
 * Returns a function to call when the request is answered.
 */
export function sendNotifications(run: Run, context: Context, request: ServerContext): () => void {
  const { server, settings } = context
  let isOpen = true
  const send = (method: string, params: Record<string, unknown>) => {
    // While the request is open, its own stream carries the notification; afterwards the connection does, if there is one.
    const sent = isOpen ? request.mcpReq.notify({ method, params }) : server.server.notification({ method, params })
    sent.catch(() => {})
  }
  const onAnswered = reportProgress(run, request, ({ stage, currentDate }) =>
    currentDate === null ? stage : `${stage}, at ${currentDate.slice(0, 10)}`,
  )
  announce(run, () => run.progress && `backtest://${run.progress.backtestId}`, context)
  if (settings.backtestNotifications) {
    throttled(run, ({ backtestId, progress, currentDate, tradesExecuted }) => {
      send('backtest/progress', { backtestId, progress, currentDate, tradesExecuted })
    })
    run.result
      .then(
        (result) => send('backtest/complete', { backtestId: result.backtestId, result: fullResult(result) }),
        (error: unknown) => {
          const { code, message } = toFailure(error)
          send('backtest/failed', { backtestId: run.progress?.backtestId ?? null, error: `${code}: ${message}` })
        },
      )
      // No other code awaits this promise, so an error must not become an unhandled rejection.
      .catch(logDefect)
  }
  return () => {
    isOpen = false
    onAnswered()
  }
}

/** Sends `notifications/progress` about a sweep until the request is answered. Returns a function to call then. */
export function sendSweepProgress(run: SweepRun, context: Context, request: ServerContext): () => void {
  announce(run, () => run.progress && `sweep://${run.progress.sweepId}`, context)
  return reportProgress(run, request, ({ stage, done, total, secondsLeft }) => {
    const left = secondsLeft === null ? '' : `, about ${Math.ceil(secondsLeft)} s left`
    return `${stage}, ${done} of ${total} combinations${left}`
  })
}

/** Sends `notifications/progress` with increasing progress, if the request carries a progress token. */
function reportProgress<Report extends { progress: number }>(
  run: Active<Report, unknown>,
  { mcpReq }: ServerContext,
  describe: (progress: Report) => string,
): () => void {
  const progressToken = mcpReq._meta?.progressToken
  let isOpen = true
  if (progressToken !== undefined) {
    let last = -1
    throttled(run, (report) => {
      const { progress } = report
      if (!isOpen || progress <= last) return
      last = progress
      const params = { progressToken, progress, total: 100, message: describe(report) }
      mcpReq.notify({ method: 'notifications/progress', params }).catch(() => {})
    })
  }
  return () => {
    isOpen = false
  }
}

/** Follows a run, at most once per interval. */
function throttled<Report>(run: Active<Report, unknown>, listener: (progress: Report) => void): void {
  let last = Number.NEGATIVE_INFINITY
  run.follow((progress) => {
    const now = performance.now()
    if (now - last < MIN_INTERVAL_MS) return
    last = now
    listener(progress)
  })
}
