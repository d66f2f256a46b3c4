/** What is told of a run while it is under way. */

import type { Progress } from '@aitradepro/backtesting'
import type { ServerContext } from '@modelcontextprotocol/server'
import { failureOf } from './failure.js'
import { noteDefect } from './log.js'
import { wholeResult } from './present.js'
import type { Run } from './runs.js'
import type { Context } from './tool.js'

/** At most one report a second. */
const PAUSE = 1000

/**
 * Tells the caller of a run how far it is: by `notifications/progress`, if the request has a token, until it is answered; and
 * by the notifications of the existing backend, if they are switched on, until the run ends. Returns what is to be called when
 * the request is answered.
 */
export function announce(run: Run, { server, settings }: Context, request: ServerContext): () => void {
  const token = request.mcpReq._meta?.progressToken
  let open = true
  const send = (method: string, params: Record<string, unknown>) => {
    // A notification inside a request goes the way of its answer; later ones go the way of the connection, if there is one.
    const sent = open ? request.mcpReq.notify({ method, params }) : server.server.notification({ method, params })
    sent.catch(() => {})
  }
  if (token !== undefined) {
    let last = -1
    paced(run, ({ progress, stage, currentDate }) => {
      if (!open || progress <= last) return
      last = progress
      const message = currentDate === null ? stage : `${stage}, at ${currentDate.slice(0, 10)}`
      send('notifications/progress', { progressToken: token, progress, total: 100, message })
    })
  }
  if (settings.backtestNotifications) {
    paced(run, ({ backtestId, progress, currentDate, tradesExecuted }) => {
      send('backtest/progress', { backtestId, progress, currentDate, tradesExecuted })
    })
    run.result
      .then(
        (result) => send('backtest/complete', { backtestId: result.backtestId, result: wholeResult(result) }),
        (error: unknown) => {
          const { code, message } = failureOf(error)
          send('backtest/failed', { backtestId: run.progress?.backtestId ?? null, error: `${code}: ${message}` })
        },
      )
      // Nobody else waits for this: what went wrong here must not become an unhandled rejection.
      .catch(noteDefect)
  }
  return () => {
    open = false
  }
}

/** Follows a run without hearing more than one report a pause. */
function paced(run: Run, listener: (progress: Progress) => void): void {
  let last = Number.NEGATIVE_INFINITY
  run.follow((progress) => {
    const now = performance.now()
    if (now - last < PAUSE) return
    last = now
    listener(progress)
  })
}
