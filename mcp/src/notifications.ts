/** Progress and completion notifications of a run. */

import type { Progress } from '@aitradepro/backtesting'
import type { ServerContext } from '@modelcontextprotocol/server'
import { toFailure } from './failure.js'
import { logDefect } from './log.js'
import type { Run } from './runs.js'
import { fullResult } from './summaries.js'
import type { Context } from './tool.js'

/** Shortest time between two progress notifications. */
const MIN_INTERVAL_MS = 1000

/**
 * Sends notifications about a run:
 *
 * - `notifications/progress` until the request is answered, if it carries a progress token;
 * - `backtest/progress`, `backtest/complete` and `backtest/failed` until the run ends, if the settings enable them.
 *
 * Returns a function to call when the request is answered.
 */
export function sendNotifications(run: Run, { server, settings }: Context, request: ServerContext): () => void {
  const token = request.mcpReq._meta?.progressToken
  let isOpen = true
  const send = (method: string, params: Record<string, unknown>) => {
    // While the request is open, its own stream carries the notification; afterwards the connection does, if there is one.
    const sent = isOpen ? request.mcpReq.notify({ method, params }) : server.server.notification({ method, params })
    sent.catch(() => {})
  }
  if (token !== undefined) {
    let last = -1
    throttled(run, ({ progress, stage, currentDate }) => {
      if (!isOpen || progress <= last) return
      last = progress
      const message = currentDate === null ? stage : `${stage}, at ${currentDate.slice(0, 10)}`
      send('notifications/progress', { progressToken: token, progress, total: 100, message })
    })
  }
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
  }
}

/** Follows a run, at most once per interval. */
function throttled(run: Run, listener: (progress: Progress) => void): void {
  let last = Number.NEGATIVE_INFINITY
  run.follow((progress) => {
    const now = performance.now()
    if (now - last < MIN_INTERVAL_MS) return
    last = now
    listener(progress)
  })
}
