/**
 * Kills processes that work on one store, and compares the store with what was reported to them.
 *
 * Several processes work on a store concurrently: runs, deletions, aborted runs, sweeps, imports, registrations. They are killed
 * one after the other at random times (SIGKILL) and replaced. After each kill, a surviving process checks the store: everything
 * that was reported as done is stored completely; everything that was started but not reported is stored completely, not at all,
 * or marked as failed; no run and no sweep stays active; a sweep that failed goes on and has the result of one that was not killed. Every few kills hit processes that open an empty store at the same time.
 */

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bars, digest, given, numberOf, random, request, sweepDigest, sweepRequest } from './content.mjs'

/** @type {(name: string) => any} */
const require = createRequire(import.meta.url)
const { BacktestEngine } = require('../../index.js')
/** Modules without types: one of newer Node.js versions, and one of a package. */
const [SQLITE, POSTGRES] = ['sqlite', 'pg']
const WORKER = fileURLToPath(new URL('worker.mjs', import.meta.url))

/** Processes on one store. */
const SLOTS = 3
/** Kills per store, so that no store grows without end. */
const PER_STORE = 60
/** Kills between two tests of opening an empty store. */
const PER_OPENING = 8
/** How long a run of a dead process may be listed as active, milliseconds. */
const SETTLED = 60_000
/** Most bars of a series. */
const BARS = 6000

/** @typedef {import('../../index.js').BacktestEngine} Engine */
/** @typedef {{ begin: number, do: string, symbol?: string, stored?: boolean, id?: string, from?: number, count?: number, number?: number }} Begun */
/** @typedef {{ end: number, id?: string, digest?: string, symbol?: string, deleted?: boolean, error?: string, message?: string }} Ended */
/** @typedef {Begun & { result?: Ended }} Deed */
/** @typedef {{ name: string, config: import('../../index.js').EngineConfig, check: () => Promise<string[]>, remove: () => Promise<void> }} Place */

/** A worker process. */
class Worker {
  constructor() {
    this.tag = ''
    /** @type {Map<number, Deed>} */
    this.deeds = new Map()
    /** @type {string[]} */
    this.problems = []
    this.done = false
    this.child = spawn(process.execPath, [WORKER], { stdio: ['pipe', 'pipe', 'inherit'] })
    let rest = ''
    let onReady = () => {}
    this.ready = new Promise((resolve) => {
      onReady = () => resolve(undefined)
    })
    this.child.stdout.setEncoding('utf8').on('data', (text) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        const said = JSON.parse(line)
        if (said.ready) onReady()
        else if (said.done) this.done = true
        else if (said.broken) this.problems.push(`a process broke: ${said.broken}`)
        else if (said.begin !== undefined) this.deeds.set(said.begin, said)
        else Object.assign(this.deeds.get(said.end) ?? {}, { result: said })
      }
    })
    this.closed = new Promise((resolve) => this.child.once('close', resolve))
  }

  /** @param {import('./worker.mjs').Orders} orders */
  begin(orders) {
    this.tag = orders.tag
    this.child.stdin.write(`${JSON.stringify(orders)}\n`)
  }

  /** Kills the process. Returns what it was doing, as far as it had reported. */
  async kill() {
    if (this.child.exitCode !== null)
      this.problems.push(`a process ended unexpectedly with exit code ${this.child.exitCode}`)
    this.child.kill('SIGKILL')
    await this.closed
    return [...this.deeds.values()].filter(({ result }) => !result)
  }
}

/**
 * @typedef {object} Report
 * @property {number} kills
 * @property {Record<string, number>} byActivity what processes were doing when killed; often several things
 * @property {Record<string, number>} verified
 * @property {number} seconds
 * @property {string[]} problems
 */

/**
 * Kills processes and reports the results.
 * @param {{ kills: number, seed: number, store: 'sqlite' | 'postgres', server?: string | undefined, log?: (line: string) => void }} options
 * @returns {Promise<Report>}
 */
export async function crash({ kills, seed, store, server, log = () => {} }) {
  const start = performance.now()
  const chance = random(seed)
  /** @type {Report} */
  const report = { kills: 0, byActivity: {}, verified: {}, seconds: 0, problems: [] }
  const spare = [new Worker(), new Worker()]
  const hire = () => {
    spare.push(new Worker())
    return /** @type {Worker} */ (spare.shift())
  }
  let places = 0
  const makePlace = () => (store === 'sqlite' ? sqlite() : postgres(server ?? '', `crash_${seed}_${places}`))
  try {
    while (report.kills < kills && report.problems.length < 20) {
      places += 1
      const place = await makePlace()
      try {
        await onOneStore(place, places)
      } finally {
        await place.remove()
      }
      log(`${store}: ${report.kills} kills, ${report.problems.length} problems`)
    }
  } finally {
    for (const worker of spare) await worker.kill()
  }
  report.seconds = (performance.now() - start) / 1000
  return report

  /** @param {Place} place @param {number} round */
  async function onOneStore(place, round) {
    const engine = new BacktestEngine({ logLevel: 'off', maxConcurrentBacktests: 8, ...place.config })
    const books = new Books(engine, place.name, report)
    const slots = Array.from({ length: SLOTS }, (_, slot) => ({ name: `p${slot}`, worker: hire() }))
    let generation = 0
    const begin = async (/** @type {{ name: string, worker: Worker }} */ { name, worker }) => {
      await worker.ready
      generation += 1
      worker.begin({
        config: place.config,
        mode: 'work',
        seed: Math.floor(chance() * 2 ** 32),
        tag: `${name}-${round}-${generation}`,
        slot: name,
        first: generation * 2000,
      })
    }
    try {
      await Promise.all(slots.map(begin))
      for (let kill = 1; kill <= PER_STORE && report.kills < kills && report.problems.length < 20; kill++) {
        if (kill % PER_OPENING === 0 || (kills < PER_OPENING && kill === 2)) {
          await whileOpening()
          continue
        }
        await pause(chance() ** 2 * 1000)
        // Mostly one that is working: opening a store takes a while after others have died.
        const busy = slots.filter(({ worker }) => worker.deeds.size > 1)
        const among = busy.length > 0 && chance() < 0.8 ? busy : slots
        const slot = among[Math.floor(chance() * among.length)]
        if (!slot) break
        const killed = slot.worker
        count(await killed.kill())
        slot.worker = hire()
        // Only after the check: the replacement changes data of its predecessor.
        await books.close(killed, slot.name, slots)
        await begin(slot)
        if (kill % 20 === 0) report.problems.push(...(await place.check()))
      }
      const left = slots.map(({ worker }) => worker)
      for (const [at, worker] of left.entries()) {
        await worker.kill()
        await books.close(worker, slots[at]?.name ?? '', [])
      }
      await books.settle()
      report.problems.push(...(await place.check()))
    } finally {
      for (const { worker } of slots) await worker.kill()
      await engine.close()
    }
    // Check once more with a process that opens the store again.
    const fresh = new BacktestEngine({ logLevel: 'off', ...place.config })
    await books.again(fresh)
    await fresh.close()
  }

  /** Kills one of several processes that open an empty store, then the others after they have worked on it. */
  async function whileOpening() {
    places += 1
    const place = await makePlace()
    const workers = Array.from({ length: SLOTS }, hire)
    try {
      await Promise.all(workers.map(({ ready }) => ready))
      for (const [at, worker] of workers.entries()) {
        worker.begin({
          config: place.config,
          mode: 'open',
          seed: seed + at,
          tag: `o${at}`,
          slot: `o${at}`,
          first: 1 + at,
        })
      }
      await pause(chance() * (store === 'sqlite' ? 60 : 250))
      count((await workers[0]?.kill()) ?? [])
      const late = performance.now() + 60_000
      while (workers.slice(1).some(({ done, problems }) => !done && problems.length === 0)) {
        if (performance.now() > late) {
          report.problems.push(`${place.name}: a store that a process was killed on while it opened it was not opened`)
          break
        }
        await pause(5)
      }
      for (const worker of workers.slice(1)) await worker.kill()
      const engine = new BacktestEngine({ logLevel: 'off', ...place.config })
      const books = new Books(engine, place.name, report)
      for (const [at, worker] of workers.entries()) await books.close(worker, `o${at}`, [])
      await books.settle()
      report.problems.push(...(await place.check()))
      await engine.close()
      add(report.verified, 'openings of an empty store')
    } finally {
      for (const worker of workers) await worker.kill()
      await place.remove()
    }
  }

  /** @param {Deed[]} deeds */
  function count(deeds) {
    report.kills += 1
    const doing = new Set(deeds.map((deed) => deed.do))
    for (const what of doing.size > 0 ? doing : ['nothing']) add(report.byActivity, what)
  }
}

/** What was reported to the processes on one store, and the comparison of the store with it. */
class Books {
  /** @param {Engine} engine @param {string} name @param {Report} report */
  constructor(engine, name, report) {
    this.engine = engine
    this.name = name
    this.report = report
    /** Runs that were reported as done, with their digests. @type {Map<string, string>} */
    this.kept = new Map()
    /** Runs that were reported as deleted. @type {Set<string>} */
    this.deleted = new Set()
    /** Bars by asset: the numbers of the imports that brought them. @type {Map<string, number[]>} */
    this.series = new Map()
    /** Versions of strategies by their ids. @type {Map<string, number>} */
    this.strategies = new Map()
    /** Users whose runs were active at the last check, with the time of death. @type {Map<string, number>} */
    this.unsettled = new Map()
    /** Expected digests of runs on given bars. @type {Map<string, string>} */
    this.expected = new Map()
    /** Numbers of imports into the shared asset. @type {Set<number>} */
    this.shared = new Set()
  }

  /** @param {string} problem */
  complain(problem) {
    this.report.problems.push(`${this.name}: ${problem}`)
  }

  /**
   * Compares the store with what was reported to a process before it was killed.
   * @param {Worker} worker
   * @param {string} slot
   * @param {{ worker: Worker }[]} others that go on working
   */
  async close(worker, slot, others) {
    for (const problem of worker.problems) this.complain(problem)
    const deeds = [...worker.deeds.values()]
    for (const { do: what, stored, result } of deeds) {
      const code = result?.error
      const allowed = { abort: 'ABORT_ERR', fail: 'NO_DATA' }[what] ?? (stored ? 'NO_DATA' : undefined)
      if (code !== undefined && code !== allowed) this.complain(`${what} was refused with ${code}: ${result?.message}`)
    }
    await this.runs(worker.tag, deeds)
    await this.sweeps(worker.tag, deeds)
    await this.imports(slot, deeds)
    for (const one of others) this.noteShared([...one.worker.deeds.values()])
    await this.sharedSeries()
    await this.registrations(deeds)
    await this.settled()
  }

  /** @param {string} tag @param {Deed[]} deeds */
  async runs(tag, deeds) {
    const mine = new Map()
    const vague = new Set()
    for (const { do: what, id = '', result } of deeds) {
      if (what === 'delete') {
        // An unreported deletion may be done or not.
        if (!result) vague.add(id)
        else if (result.deleted) this.deleted.add(id)
        else if (!result.error) this.complain(`run ${id} was reported as kept, and was not there to be deleted`)
      } else if (what !== 'sweep' && result?.id && result.digest) mine.set(result.id, result.digest)
    }
    for (const id of [...this.deleted, ...vague]) {
      mine.delete(id)
      this.kept.delete(id)
    }
    for (const [id, hash] of mine) this.kept.set(id, hash)
    // All of this process, and some of earlier ones.
    const all = [...this.kept]
    const older = Array.from({ length: 5 }, () => all[Math.floor(Math.random() * all.length)] ?? ['', ''])
    const latest = [...mine].slice(-30)
    for (const [id, hash] of [...latest, ...older]) if (id) await this.whole(this.engine, id, hash)
    for (const { id = '', result } of deeds.filter((deed) => deed.do === 'delete').slice(-10)) {
      if (!result?.deleted) continue
      if ((await this.engine.getBacktestResults(id)) !== null) this.complain(`run ${id} was deleted, and is there`)
      add(this.report.verified, 'deletions')
    }

    const listed = await this.list(tag)
    const reported = new Set(mine.keys())
    let unreported = 0
    for (const run of listed) {
      if (this.deleted.has(run.backtestId)) this.complain(`run ${run.backtestId} was deleted, and is listed`)
      if (run.status === 'running' || run.status === 'pending') {
        this.unsettled.set(tag, this.unsettled.get(tag) ?? performance.now())
      } else if (run.status === 'completed' && !reported.has(run.backtestId) && !vague.has(run.backtestId)) {
        unreported += 1
        await this.wholeUnreported(run)
      }
    }
    const open = deeds.filter(({ do: what, result }) => ['run', 'abort'].includes(what) && !result).length
    if (unreported > open)
      this.complain(`${unreported} completed runs of ${tag} were not reported, ${open} were active`)
    const of = (/** @type {string} */ what, /** @type {string} */ code) =>
      deeds.filter(({ do: it, result }) => it === what && result?.error === code).length
    const status = (/** @type {string} */ wanted) => listed.filter((run) => run.status === wanted).length
    const died = listed.filter((run) => run.error?.includes('ended before it was done')).length
    if (status('failed') - died > of('fail', 'NO_DATA')) this.complain(`runs of ${tag} failed without a reason`)
    if (status('cancelled') > of('abort', 'ABORT_ERR') + open)
      this.complain(`runs of ${tag} were cancelled without a request`)
  }

  /** @param {string} userId */
  async list(userId) {
    const found = []
    for (let before; ; ) {
      const page = await this.engine.listBacktests({ userId, limit: 200, ...(before ? { before } : {}) })
      found.push(...page)
      before = page.at(-1)?.backtestId
      if (page.length < 200) return found
    }
  }

  /**
   * A run that was reported is there as it was reported.
   * @param {Engine} engine
   * @param {string} id
   * @param {string} hash
   */
  async whole(engine, id, hash) {
    const found = await engine.getBacktestResults(id)
    if (!found) return this.complain(`run ${id} was reported, and is gone`)
    if (found.status !== 'completed')
      return this.complain(`run ${id} was reported as completed, and is ${found.status}`)
    if (digest(found) !== hash) return this.complain(`run ${id} is not what was reported`)
    add(this.report.verified, 'reported runs')
  }

  /**
   * A run that was completed, and whose process was killed before it could say so, is as whole as any.
   * @param {import('../../index.js').BacktestSummary} run
   */
  async wholeUnreported({ backtestId: id, assetSymbol }) {
    const found = await this.engine.getBacktestResults(id)
    if (!found) return this.complain(`run ${id} is listed, and has no results`)
    if (found.trades.length !== found.metrics.totalTrades || found.timestamps.length !== found.equityCurve.length) {
      return this.complain(`run ${id} has ${found.trades.length} trades of ${found.metrics.totalTrades}`)
    }
    if (assetSymbol.startsWith('G')) {
      let hash = this.expected.get(assetSymbol)
      if (!hash) {
        hash = digest(await this.engine.runBacktest({ ...request(assetSymbol, given(assetSymbol)), persist: false }))
        this.expected.set(assetSymbol, hash)
      }
      if (digest(found) !== hash) {
        return this.complain(
          `run ${id} on ${assetSymbol} was kept in part: ${found.timestamps.length} bars, ${found.trades.length} trades`,
        )
      }
    }
    add(this.report.verified, 'completed runs that were not reported')
  }

  /** @param {string} tag @param {Deed[]} deeds */
  async sweeps(tag, deeds) {
    /** @type {Map<string, string>} */
    const reported = new Map()
    /** Sweeps that were deleted, or may be. @type {Set<string>} */
    const gone = new Set()
    for (const { do: what, id = '', result } of deeds) {
      if (what === 'sweep' && result?.id && result.digest) reported.set(result.id, result.digest)
      if (what !== 'deleteSweep') continue
      gone.add(id)
      if (result && !result.error && !result.deleted)
        this.complain(`sweep ${id} was reported as kept, and was not there to be deleted`)
      if (result?.deleted && (await this.engine.getSweep(id)) !== null)
        this.complain(`sweep ${id} was deleted, and is there`)
    }
    const listed = await this.engine.listSweeps({ userId: tag, limit: 1000 })
    const ids = new Set(listed.map(({ sweepId }) => sweepId))
    for (const id of reported.keys()) {
      if (!ids.has(id) && !gone.has(id)) this.complain(`sweep ${id} was reported, and is gone`)
    }
    const completed = listed.filter(({ status }) => status === 'completed')
    const open = deeds.filter(({ do: what, result }) => what === 'sweep' && !result).length
    const unreported = completed.filter(({ sweepId }) => !reported.has(sweepId) && !gone.has(sweepId)).length
    if (unreported > open)
      this.complain(`${unreported} completed sweeps of ${tag} were not reported, ${open} were active`)
    for (const sweep of completed.slice(0, 10)) await this.wholeSweep(sweep, reported.get(sweep.sweepId))
    if (listed.some(({ status }) => status === 'running' || status === 'pending'))
      this.unsettled.set(tag, this.unsettled.get(tag) ?? performance.now())
    await this.resumed(tag)
  }

  /** Resumes the sweeps of a dead process. @param {string} userId */
  async resumed(userId) {
    for (const { sweepId, assetSymbols, error, ...sweep } of await this.engine.listSweeps({
      userId,
      status: 'failed',
    })) {
      if (!error?.includes('ended before it was done')) {
        this.complain(`sweep ${sweepId} failed: ${error}`)
        continue
      }
      const resumed = await this.engine.runSweep({ resume: sweepId, bars: given(assetSymbols[0] ?? '') })
      await this.wholeSweep({ ...sweep, sweepId, assetSymbols }, sweepDigest(resumed))
      add(this.report.verified, 'resumed sweeps')
    }
  }

  /**
   * A kept sweep is as it was reported, and as one that was not killed.
   * @param {Pick<import('../../index.js').SweepInfo, 'sweepId' | 'assetSymbols'>} sweep
   * @param {string} [hash]
   */
  async wholeSweep({ sweepId: id, assetSymbols: [symbol = ''] }, hash) {
    const found = await this.engine.getSweep(id)
    if (!found) return this.complain(`sweep ${id} is listed, and is gone`)
    if (found.status !== 'completed') return this.complain(`sweep ${id} was completed, and is ${found.status}`)
    let expected = this.expected.get(`sweep ${symbol}`)
    if (!expected) {
      expected = sweepDigest(await this.engine.runSweep({ ...sweepRequest(symbol), persist: false }))
      this.expected.set(`sweep ${symbol}`, expected)
    }
    const digest = sweepDigest(found)
    if (digest !== expected || (hash !== undefined && hash !== expected))
      return this.complain(`sweep ${id} on ${symbol} is not what was reported, or not what a sweep returns`)
    add(this.report.verified, 'sweeps')
  }

  /** @param {Deed[]} deeds */
  noteShared(deeds) {
    for (const deed of deeds) {
      if (deed.do === 'import' && deed.symbol === 'SHARED' && deed.number) this.shared.add(deed.number)
    }
  }

  /** @param {string} slot @param {Deed[]} deeds */
  async imports(slot, deeds) {
    const imports = deeds.filter((deed) => deed.do === 'import')
    this.noteShared(imports)
    for (const symbol of [`${slot}_WHOLE`, `${slot}_MERGED`]) {
      let held = this.series.get(symbol) ?? new Array(BARS).fill(0)
      let open
      for (const deed of imports) {
        if (deed.symbol !== symbol) continue
        if (deed.result && !deed.result.error) held = after(deed, held)
        else open = deed
      }
      const found = await this.digestOf(symbol)
      const without = await this.digestFor(symbol, held)
      if (found === without) {
        this.series.set(symbol, held)
      } else if (open && found === (await this.digestFor(symbol, after(open, held)))) {
        this.series.set(symbol, after(open, held))
      } else {
        this.complain(
          `the bars of ${symbol} are neither those of the last import that was reported nor those of the next`,
        )
        return
      }
      add(this.report.verified, 'imported series')
    }
  }

  /** Returns the digest of a run on stored bars; undefined without bars. @param {string} symbol */
  async digestOf(symbol) {
    try {
      return digest(await this.engine.runBacktest({ ...request(symbol), persist: false }))
    } catch (error) {
      if (/** @type {{ code?: string }} */ (error).code === 'NO_DATA') return ''
      throw error
    }
  }

  /** Returns the digest of a run on bars in memory. @param {string} symbol @param {number[]} numbers */
  async digestFor(symbol, numbers) {
    if (numbers.every((number) => number === 0)) return ''
    return digest(await this.engine.runBacktest({ ...request(symbol, bars(numbers)), persist: false }))
  }

  /** Checks that all bars of the shared asset are from one import. */
  async sharedSeries() {
    let result
    try {
      result = await this.engine.runBacktest({ ...request('SHARED'), persist: false })
    } catch (error) {
      if (/** @type {{ code?: string }} */ (error).code === 'NO_DATA') return
      throw error
    }
    const [trade] = result.trades
    if (!trade || result.timestamps.length !== 3000) {
      return this.complain(`the shared series has ${result.timestamps.length} of 3000 bars`)
    }
    const number = numberOf((Date.parse(trade.entryDate) - Date.UTC(2020, 0, 1)) / 60_000, trade.entryPrice)
    if (digest(result) !== (await this.digestFor('SHARED', new Array(3000).fill(number)))) {
      return this.complain(`the shared series is a mixture of imports`)
    }
    add(this.report.verified, 'shared series')
  }

  /** @param {Deed[]} deeds */
  async registrations(deeds) {
    /** @type {Map<string, number[]>} */
    const open = new Map()
    for (const { do: what, id = '', number = 0, result } of deeds) {
      if (what !== 'register') continue
      if (result && !result.error) {
        this.strategies.set(id, number)
        open.delete(id)
      } else open.set(id, [number])
    }
    const listed = await this.engine.listStrategies()
    for (const id of new Set(deeds.flatMap((deed) => (deed.do === 'register' ? [deed.id ?? ''] : [])))) {
      const found = listed.find((strategy) => strategy.id === id)
      const allowed = [this.strategies.get(id), ...(open.get(id) ?? [])]
      const number = found && Number(found.name.slice(1))
      if (!allowed.includes(number)) {
        this.complain(`strategy ${id} is ${found?.name}, expected v${allowed.join(' or v')}`)
        continue
      }
      if (number === undefined) continue
      this.strategies.set(id, number)
      if (!found?.source?.includes(`sma(close, ${2 + (number % 97)})`)) this.complain(`strategy ${id} is a mixture`)
      add(this.report.verified, 'strategies')
    }
  }

  /** Checks runs and sweeps of dead processes again that were active. */
  async settled() {
    for (const [tag, since] of this.unsettled) {
      const runs = (await this.list(tag)).map(({ backtestId: id, status }) => ({ id, status }))
      const sweeps = await this.engine.listSweeps({ userId: tag, limit: 1000 })
      const all = [...runs, ...sweeps.map(({ sweepId: id, status }) => ({ id, status }))]
      const open = all.filter(({ status }) => status === 'running' || status === 'pending')
      if (open.length === 0) {
        this.unsettled.delete(tag)
        await this.resumed(tag)
        add(this.report.verified, 'processes whose runs were marked as failed')
      } else if (performance.now() - since > SETTLED) {
        this.unsettled.delete(tag)
        this.complain(`${open[0]?.id} of a dead process is still ${open[0]?.status}`)
      }
    }
  }

  /** Waits until nothing of a dead process is active. */
  async settle() {
    while (this.unsettled.size > 0) {
      await this.settled()
      if (this.unsettled.size > 0) await pause(100)
    }
  }

  /** Checks everything once more. @param {Engine} engine */
  async again(engine) {
    for (const [id, hash] of [...this.kept].slice(-300)) await this.whole(engine, id, hash)
    for (const status of /** @type {const} */ (['running', 'pending'])) {
      for (const run of await engine.listBacktests({ status })) {
        this.complain(`run ${run.backtestId} is ${status} at the end`)
      }
      for (const sweep of await engine.listSweeps({ status })) {
        this.complain(`sweep ${sweep.sweepId} is ${status} at the end`)
      }
    }
  }
}

/** @param {Deed} deed @param {number[]} numbers */
function after({ from = 0, count = 0, number = 0 }, numbers) {
  return numbers.map((held, bar) => (bar >= from && bar < from + count ? number : held))
}

/** Finds runs without results, results without runs, lost trades, and sweeps that lack combinations. */
const HALVES = (/** @type {string} */ schema) => `
  SELECT 'completed without results: ' || id FROM ${schema}backtest_runs
    WHERE status = 'completed' AND id NOT IN (SELECT run_id FROM ${schema}backtest_results)
  UNION ALL SELECT 'results of a run that is not completed: ' || run_id FROM ${schema}backtest_results
    WHERE run_id NOT IN (SELECT id FROM ${schema}backtest_runs WHERE status = 'completed')
  UNION ALL SELECT 'trades missing: ' || run_id FROM ${schema}backtest_results AS results WHERE total_trades <>
    (SELECT count(*) FROM ${schema}backtest_trades AS trades WHERE trades.run_id = results.run_id)
  UNION ALL SELECT 'combinations missing: ' || id FROM ${schema}sweeps AS sweeps WHERE done <>
    (SELECT coalesce(sum(kept.combinations), 0) FROM ${schema}sweep_columns AS kept
      WHERE kept.sweep_id = sweeps.id AND kept.name = 'objective')`

/** @returns {Place} */
function sqlite() {
  const folder = mkdtempSync(join(tmpdir(), 'backtesting-crash-'))
  const check = async () => {
    const problems = inSqlite(join(folder, 'backtests.db'), [
      'PRAGMA integrity_check',
      'PRAGMA foreign_key_check',
      HALVES(''),
    ])
    return problems.filter((problem) => problem !== 'ok').map((problem) => `sqlite: ${problem}`)
  }
  const remove = async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  return { name: 'sqlite', config: { databaseUrl: `sqlite:${join(folder, 'backtests.db')}` }, check, remove }
}

/**
 * Returns the first column of query results. Node.js includes SQLite since version 22; before that, Python's is used.
 * @param {string} file
 * @param {string[]} queries
 * @returns {string[]}
 */
function inSqlite(file, queries) {
  const program = `import sqlite3, sys, json
db = sqlite3.connect(sys.argv[1], timeout=30)
print(json.dumps([str(row[0]) for query in json.loads(sys.argv[2]) for row in db.execute(query)]))`
  try {
    const { DatabaseSync } = require(`node:${SQLITE}`)
    const db = new DatabaseSync(file, { timeout: 30_000 })
    const rows = queries.flatMap((query) => db.prepare(query).all())
    db.close()
    return rows.map((/** @type {Record<string, unknown>} */ row) => String(Object.values(row)[0]))
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ERR_UNKNOWN_BUILTIN_MODULE') throw error
  }
  const { status, stdout, stderr, error } = spawnSync('python3', ['-c', program, file, JSON.stringify(queries)], {
    encoding: 'utf8',
  })
  // Without either, the store is still checked through the engine.
  if (error) return []
  return status === 0 ? JSON.parse(stdout) : [stderr]
}

/**
 * @param {string} url
 * @param {string} dbSchema
 * @returns {Promise<Place>}
 */
async function postgres(url, dbSchema) {
  const pg = require(POSTGRES)
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  const check = async () => {
    const { rows } = await client.query(HALVES(`${dbSchema}.`))
    return rows.map((/** @type {object} */ row) => `postgres: ${Object.values(row)[0]}`)
  }
  const remove = async () => {
    await client.query(`SET client_min_messages = warning; DROP SCHEMA IF EXISTS ${dbSchema} CASCADE`)
    await client.end()
  }
  return { name: 'postgres', config: { databaseUrl: url, dbSchema }, check, remove }
}

/** @param {Record<string, number>} counts @param {string} what */
function add(counts, what) {
  counts[what] = (counts[what] ?? 0) + 1
}

/** @param {number} milliseconds */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
