/** Clients that subscribe to a run receive an update when it proceeds and when it ends. */

import { expect, test, vi } from 'vitest'
import { call, client, initialize, LONG, RUN, type Served, serve, store } from './support.js'

const updates = (served: Served, uri: string) =>
  served.lines.filter((line) => line.includes('"notifications/resources/updated"') && line.includes(uri)).length

async function started(served: Served): Promise<string> {
  const args = { name: 'run_backtest', arguments: { ...LONG, wait_seconds: 0 } }
  const { result } = await served.request('tools/call', args)
  return `backtest://${result.structuredContent.backtest_id}`
}

test('a client of the 2025 revisions receives updates of the runs that it subscribed to', async () => {
  const served = serve([], { DATA_DIR: await store({ long: true }) })
  const { result } = await initialize(served)
  expect(result.capabilities.resources).toEqual({ listChanged: false, subscribe: true })
  expect(result.serverInfo.icons[0]).toMatchObject({ mimeType: 'image/svg+xml' })
  const [one, other, quiet] = [await started(served), await started(served), await started(served)]
  for (const uri of [one, other]) expect((await served.request('resources/subscribe', { uri })).result).toEqual({})
  expect((await served.request('resources/unsubscribe', { uri: other })).result).toEqual({})
  const end = (uri: string) =>
    served.request('tools/call', {
      name: 'cancel_backtest',
      arguments: { backtest_id: uri.slice('backtest://'.length) },
    })
  await end(one)
  await served.message(({ method, params }) => method === 'notifications/resources/updated' && params.uri === one)
  for (const uri of [other, quiet]) await end(uri)
  await served.request('ping')
  expect(updates(served, one)).toBeGreaterThan(0)
  expect([updates(served, other), updates(served, quiet)]).toEqual([0, 0])
})

test('an ended run can be subscribed to, and one that does not exist cannot', async () => {
  const served = serve([], { DATA_DIR: await store() })
  await initialize(served)
  const { result } = await served.request('tools/call', { name: 'run_backtest', arguments: RUN })
  const uri = `backtest://${result.structuredContent.backtest_id}`
  expect((await served.request('resources/subscribe', { uri })).result).toEqual({})
  for (const unknown of [
    'backtest://bt-000000000000',
    'sweep://sw-000000000000',
    'file:///etc/passwd',
    `${uri}/results`,
  ])
    expect((await served.request('resources/subscribe', { uri: unknown })).error?.message, unknown).toContain(
      'not found',
    )
})

test('a client of revision 2026-07-28 receives updates over stdio', async () => {
  const settings = { DATA_DIR: await store({ long: true }) }
  const mcp = await client(settings, { options: { versionNegotiation: { mode: { pin: '2026-07-28' } } } })
  const told: string[] = []
  mcp.setNotificationHandler('notifications/resources/updated', ({ params }) => void told.push(params.uri))
  const [one, other] = await Promise.all([1, 2].map(() => call(mcp, 'run_backtest', { ...LONG, wait_seconds: 0 })))
  const subscription = await mcp.listen({ resourceSubscriptions: [`backtest://${one.backtest_id}`] })
  for (const { backtest_id } of [other, one]) await call(mcp, 'cancel_backtest', { backtest_id })
  await vi.waitFor(() => expect(told.length).toBeGreaterThan(0))
  expect(new Set(told)).toEqual(new Set([`backtest://${one.backtest_id}`]))
  await subscription.close()
})
