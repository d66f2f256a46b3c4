/** Runs of another process on the same store: what can be done about them, and by whom. */

import { expect, test } from 'vitest'
import { call, client, initialize, LONG, refusal, serve, store } from './support.js'

test('a run of another process is followed, neither stopped nor deleted, and run again after that process died', async () => {
  const dataDir = await store({ long: true })
  const one = serve([], { DATA_DIR: dataDir })
  await initialize(one)
  const run = async (args: object) =>
    (await one.request('tools/call', { name: 'run_backtest', arguments: args })).result.structuredContent
  const strategy = { ...LONG.strategy, id: 'kept' }
  await one.request('tools/call', { name: 'register_strategy', arguments: { strategy } })
  const { strategy: _, ...range } = LONG
  const { backtest_id } = await run({
    ...range,
    strategy_id: 'kept',
    parameters: { position_size: 0.5 },
    wait_seconds: 0,
  })

  const other = await client({ DATA_DIR: dataDir })
  const followed = await call(other, 'get_backtest_results', { backtest_id })
  expect(followed).toMatchObject({ status: 'running', progress: null })
  expect(followed.next_step).toContain('Another process on this store runs it, and only that one can stop it')
  expect(await call(other, 'cancel_backtest', { backtest_id })).toMatchObject({
    status: 'running',
    headline: `Backtest ${backtest_id} is running in another process on this store, and was not stopped.`,
    next_step: expect.stringContaining('Stop it where it was started'),
  })
  expect(await refusal(other, 'delete_backtest', { backtest_id })).toMatch(
    /^INVALID_ARGUMENT: backtest \S+ is running in another process.*\nNext: Stop it where it was started/,
  )

  one.child.kill('SIGKILL')
  await one.ended
  const died = await call(other, 'get_backtest_results', { backtest_id })
  expect(died).toMatchObject({ status: 'failed' })
  expect(died.headline).toContain('the process that ran this backtest ended before it was done')
  expect(died.next_step).toContain(`call rerun_backtest with backtest_id "${backtest_id}"`)
  const again = await call(other, 'rerun_backtest', { backtest_id, wait_seconds: 0 })
  expect(again).toMatchObject({ status: 'running', asset_symbol: 'LONG' })
  expect(again.backtest_id).not.toBe(backtest_id)
  const { parameters } = await call(other, 'get_backtest_results', { backtest_id: again.backtest_id })
  expect(parameters).toEqual({ position_size: 0.5 })
  expect(await call(other, 'cancel_backtest', { backtest_id: again.backtest_id })).toMatchObject({
    status: 'cancelled',
  })
  expect(await call(other, 'delete_backtest', { backtest_id })).toMatchObject({ deleted: true })
})
