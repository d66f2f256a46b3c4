import { spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { BacktestEngine } from '../index.js'
import { NOBODY, startPostgres } from '../scripts/postgres.mjs'
import { connect, database } from './postgres.js'
import { failure, newEngine, request, waves } from './support.js'

/** A run that needs a few megabytes, and one that needs almost none. */
const STAKE = { fast_period: 5, slow_period: 20, position_size: 0.001 }
const large = () => request({ bars: waves(300_000, 60_000), parameters: STAKE })
const small = () => request()

/** Checks the behavior of a run on a full disk. */
async function expectRefusal(engine: BacktestEngine, run = large()) {
  const error = await failure(engine.runBacktest(run), 'STORAGE')
  expect(error.message).toContain('no space is left')
  // Once there is free space, the same call succeeds.
  expect(error.retryable).toBe(true)
  return error
}

/** The newest run, of which only the failure was stored. */
async function expectFailed(engine: BacktestEngine) {
  const newest = async () => (await engine.listBacktests({ limit: 1 }))[0]
  await expect.poll(async () => (await newest())?.status, { timeout: 10_000 }).toBe('failed')
  const run = await newest()
  expect(run?.error).toContain('no space is left')
  const kept = await engine.getBacktestResults(run?.backtestId as string)
  expect(kept?.trades).toEqual([])
  expect(kept?.equityCurve).toHaveLength(0)
  return run?.backtestId as string
}

async function expectKept(engine: BacktestEngine, run = large()) {
  const result = await engine.runBacktest(run)
  expect(result.status).toBe('completed')
  expect(await engine.getBacktestResults(result.backtestId)).toEqual(result)
}

describe('a server that reports a full disk', () => {
  const REFUSE = `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$`

  test.each(['backtest_results', 'backtest_trades'])(
    'while results are kept (%s) rejects the run, keeps nothing of it and goes on',
    async (table) => {
      const url = await database()
      const engine = newEngine({ databaseUrl: url })
      await expectKept(engine, small())
      const client = await connect(url)
      await client.query(
        `${REFUSE}; CREATE TRIGGER full_disk BEFORE INSERT ON backtesting.${table} EXECUTE FUNCTION refuse()`,
      )
      await expectRefusal(engine, small())
      const id = await expectFailed(engine)
      const { rows } = await client.query(
        `SELECT (SELECT count(*)::int FROM backtesting.backtest_results WHERE run_id = $1) AS results,
         (SELECT count(*)::int FROM backtesting.backtest_trades WHERE run_id = $1) AS trades`,
        [id],
      )
      expect(rows).toEqual([{ results: 0, trades: 0 }])
      expect(await engine.listBacktests({ status: 'running' })).toEqual([])
      await client.query(`DROP TRIGGER full_disk ON backtesting.${table}`)
      await expectKept(engine, small())
    },
  )

  test('for a new run rejects it and stores nothing', async () => {
    const url = await database()
    const engine = newEngine({ databaseUrl: url })
    await expectKept(engine, small())
    const client = await connect(url)
    await client.query(
      `${REFUSE}; CREATE TRIGGER full_disk BEFORE INSERT ON backtesting.backtest_runs EXECUTE FUNCTION refuse()`,
    )
    await expectRefusal(engine, small())
    expect(await engine.listBacktests()).toHaveLength(1)
    await client.query('DROP TRIGGER full_disk ON backtesting.backtest_runs')
    await expectKept(engine, small())
  })

  test('for everything gets the failure recorded once there is free space', async () => {
    const url = await database()
    const engine = newEngine({ databaseUrl: url })
    await expectKept(engine, small())
    const client = await connect(url)
    await client.query(
      `${REFUSE}; CREATE TRIGGER full_disk BEFORE UPDATE ON backtesting.backtest_runs EXECUTE FUNCTION refuse()`,
    )
    await expectRefusal(engine, small())
    expect(await engine.listBacktests({ status: 'running' })).toHaveLength(1)
    await client.query('DROP TRIGGER full_disk ON backtesting.backtest_runs')
    await expectFailed(engine)
    await expectKept(engine, small())
  })
})

/** Mounts a small file system until the test ends. Returns its folder and a function that enlarges it. */
function mount(size: string) {
  const folder = mkdtempSync(join(tmpdir(), 'backtesting-disk-'))
  const run = (...args: string[]) => spawnSync('mount', ['-t', 'tmpfs', ...args, 'tmpfs', folder], { encoding: 'utf8' })
  const { status, stderr, error } = run('-o', `size=${size}`)
  const unmount = () => {
    if (status === 0) spawnSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  }
  return {
    folder,
    grow: () => run('-o', 'remount,size=256m'),
    unmount,
    problem: status === 0 ? '' : (stderr ?? `${error}`),
  }
}

/** Why this test cannot fill a disk here. */
const obstacle = (() => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root may mount one'
  const { unmount, problem } = mount('1m')
  unmount()
  return problem.trim()
})()

describe.skipIf(obstacle !== '')(`a full disk${obstacle ? `, not possible here (${obstacle})` : ''}`, () => {
  test('under the embedded store', { timeout: 60_000 }, async () => {
    const disk = mount('2m')
    onTestFinished(disk.unmount)
    const engine = newEngine({ dataDir: disk.folder })
    onTestFinished(() => engine.close())
    await expectKept(engine, small())
    await expectRefusal(engine)
    await expectFailed(engine)
    await failure(engine.importBars({ assetSymbol: 'A', timeframe: '1m', bars: waves(300_000, 60_000) }), 'STORAGE')
    expect(await engine.listAssets()).toEqual([])
    await expectKept(engine, small())
    disk.grow()
    await expectKept(engine)
  })

  test('under a table of a server', { timeout: 60_000 }, async () => {
    const disk = mount('1m')
    const own = await startPostgres()
    onTestFinished(async () => {
      await own.remove()
      disk.unmount()
    })
    chownSync(disk.folder, NOBODY, NOBODY)
    const url = await database(own.url)
    const engine = newEngine({ databaseUrl: url })
    await expectKept(engine, small())
    const client = await connect(url)
    await client.query(`CREATE TABLESPACE small LOCATION '${disk.folder}'`)
    await client.query('ALTER TABLE backtesting.backtest_results SET TABLESPACE small')
    await expectRefusal(engine)
    await expectFailed(engine)
    // Rolled-back rows occupy space until the server vacuums them.
    disk.grow()
    await expectKept(engine)
    await engine.close()
  })
})
