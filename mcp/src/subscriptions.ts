/** Subscriptions to `backtest://{id}` and `sweep://{id}`: updates while the run proceeds, and one when it has ended. */

import { ResourceNotFoundError } from '@modelcontextprotocol/server'
import type { Active } from './runs.js'
import type { Context } from './tool.js'

/** Shortest time between two updates. */
const MIN_INTERVAL_MS = 1000

/** Subscriptions of one connection. Each follows a run until it ends. */
const MAX_SUBSCRIPTIONS = 1000

const ADDRESS = /^(backtest|sweep):\/\/([a-z]{2}-[0-9a-f]{12})$/

/** From this revision on, the connection itself keeps the subscriptions, and passes on what was subscribed to. */
const KEPT_BY_CONNECTION = '2026-07-28'

/** Handles subscriptions of clients of the 2025 revisions. */
export function registerSubscriptions(context: Context): void {
  const { server } = context.server
  const subscribed = new Set<string>()
  server.setRequestHandler('resources/subscribe', async ({ params: { uri } }) => {
    const [, kind, id = ''] = ADDRESS.exec(uri) ?? []
    const run = kind === 'sweep' ? context.runs.findSweep(id) : context.runs.find(id)
    // What has ended does not change, and what another process runs cannot be followed; both can be read.
    if (run === undefined && !(await exists(context, kind, id))) throw new ResourceNotFoundError(uri)
    if (run !== undefined && !subscribed.has(uri) && subscribed.size < MAX_SUBSCRIPTIONS) {
      subscribed.add(uri)
      follow(run, () => {
        if (subscribed.has(uri)) server.sendResourceUpdated({ uri }).catch(() => {})
      }).finally(() => subscribed.delete(uri))
    }
    return {}
  })
  server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
    subscribed.delete(uri)
    return {}
  })
}

/** Announces the progress of a run that this server started, for connections that keep the subscriptions themselves. */
export function announce(
  run: Active<unknown, unknown>,
  uri: () => string | undefined,
  { server: { server } }: Context,
): void {
  if ((server.getNegotiatedProtocolVersion() ?? '') < KEPT_BY_CONNECTION) return
  void follow(run, () => {
    const known = uri()
    if (known !== undefined) server.sendResourceUpdated({ uri: known }).catch(() => {})
  })
}

async function exists({ engine }: Context, kind: string | undefined, id: string): Promise<boolean> {
  if (kind === 'sweep') return (await engine.getSweep(id, { from: 0, to: 0, metrics: [] })) !== null
  return kind === 'backtest' && (await engine.getBacktestResults(id, { maxPoints: 4 })) !== null
}

/** Calls `update` at most once per interval while a run proceeds, and once when it has ended. Resolves then. */
async function follow(run: Active<unknown, unknown>, update: () => void): Promise<void> {
  let last = performance.now()
  run.follow(() => {
    const now = performance.now()
    if (now - last < MIN_INTERVAL_MS) return
    last = now
    update()
  })
  await run.result.catch(() => {})
  update()
}
