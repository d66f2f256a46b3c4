/**
 * Worker process of the crash tests: waits for one line of orders, works on a store until it is killed, and prints a line
 * when it starts something and when it is reported as done.
 */

import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { bars, digest, given, random, request, strategy, sweepDigest, sweepRequest } from './content.mjs'

const { BacktestEngine } = createRequire(import.meta.url)('../../index.js')

/**
 * @typedef {object} Orders
 * @property {import('../../index.js').EngineConfig} config
 * @property {'work' | 'open'} mode
 * @property {number} seed
 * @property {string} tag the user of the runs and sweeps
 * @property {string} slot identifies data of this process and its replacements
 * @property {number} first the number of the first import and strategy
 */

/** Writes synchronously, so that no line is lost with the process. @param {object} line */
function say(line) {
  const text = Buffer.from(`${JSON.stringify(line)}\n`)
  for (let at = 0; at < text.length; ) {
    try {
      at += writeSync(1, text, at)
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EAGAIN') throw error
    }
  }
}

let next = 0

/**
 * Performs an operation, and prints when it starts and its outcome.
 * @param {object} what
 * @param {() => Promise<object>} work
 */
async function reported(what, work) {
  const key = next++
  say({ begin: key, ...what })
  try {
    say({ end: key, ...(await work()) })
  } catch (error) {
    const {
      code = '',
      message = '',
      retryable,
    } = /** @type {{ code?: string, message?: string, retryable?: boolean }} */ (error ?? {})
    say({ end: key, error: code, message, retryable })
  }
}

/** @param {Orders} orders */
async function work({ config, mode, seed, tag, slot, first }) {
  const engine = new BacktestEngine({ logLevel: 'off', maxConcurrentBacktests: 3, ...config })
  const chance = random(seed)
  const below = (/** @type {number} */ limit) => Math.floor(chance() * limit)
  let number = first
  /** @type {string[]} */
  const kept = []

  const run = (symbol = `G${1 + below(1000)}-${below(20) ? 200 + below(2000) : 20_000}`) =>
    reported({ do: 'run', symbol }, async () => {
      const result = await engine.runBacktest({ ...request(symbol, given(symbol)), userId: tag })
      kept.push(result.backtestId)
      return { id: result.backtestId, digest: digest(result) }
    })
  const runStored = (/** @type {string} */ symbol) =>
    reported({ do: 'run', symbol, stored: true }, async () => {
      const result = await engine.runBacktest({ ...request(symbol), userId: tag })
      kept.push(result.backtestId)
      return { id: result.backtestId, digest: digest(result) }
    })
  const abort = () =>
    reported({ do: 'abort' }, async () => {
      const symbol = `G${1 + below(1000)}-20000`
      let id = ''
      const signal = AbortSignal.timeout(1 + below(30))
      const onProgress = (/** @type {{ backtestId: string }} */ { backtestId }) => {
        id = backtestId
      }
      const result = await engine.runBacktest(
        { ...request(symbol, given(symbol)), userId: tag },
        { signal, onProgress },
      )
      return { id: result.backtestId || id, digest: digest(result), symbol }
    })
  const fail = () =>
    reported({ do: 'fail' }, async () => {
      await engine.runBacktest({ ...request('NOBODY'), userId: tag })
      return {}
    })
  const remove = () => {
    const id = kept.splice(below(kept.length), 1)[0] ?? ''
    return reported({ do: 'delete', id }, async () => ({ deleted: await engine.deleteBacktest(id) }))
  }
  const take = (/** @type {string} */ symbol, /** @type {number} */ from, /** @type {number} */ count) => {
    const mine = number++
    return reported({ do: 'import', symbol, from, count, number: mine }, async () => {
      const summary = await engine.importBars({
        assetSymbol: symbol,
        timeframe: '1m',
        bars: bars(new Array(count).fill(mine), from),
      })
      return { imported: summary.imported }
    })
  }
  const register = () => {
    const [id, mine] = [`s_${slot}_${below(3)}`, number++]
    return reported({ do: 'register', id, number: mine }, async () => {
      const { name } = await engine.registerStrategy(strategy(id, mine))
      return { name }
    })
  }
  /** @type {string[]} */
  const keptSweeps = []
  const sweep = () => {
    const symbol = `G${1 + below(1000)}-${200 + below(600)}`
    return reported({ do: 'sweep', symbol }, async () => {
      const result = await engine.runSweep({ ...sweepRequest(symbol), userId: tag })
      keptSweeps.push(result.sweepId)
      return { id: result.sweepId, digest: sweepDigest(result) }
    })
  }
  const removeSweep = () => {
    const id = keptSweeps.splice(below(keptSweeps.length), 1)[0] ?? ''
    return reported({ do: 'deleteSweep', id }, async () => ({ deleted: await engine.deleteSweep(id) }))
  }

  const sweeps = async () => {
    for (;;) {
      if (below(5) > 0 || keptSweeps.length < 2) await sweep()
      else await removeSweep()
      await new Promise((resolve) => setTimeout(resolve, below(100)))
    }
  }
  const runs = async () => {
    for (;;) {
      const dice = below(100)
      if (dice < 55 || kept.length < 3) await run()
      else if (dice < 65) await runStored('SHARED')
      else if (dice < 75) await abort()
      else if (dice < 80) await fail()
      else await remove()
    }
  }
  const imports = async () => {
    for (;;) {
      const dice = below(10)
      if (dice < 4) await take(`${slot}_MERGED`, below(8) * 500, 300 + below(1700))
      else if (dice < 7) await take(`${slot}_WHOLE`, 0, 6000)
      else await take('SHARED', 0, 3000)
    }
  }
  const strategies = async () => {
    for (;;) {
      await register()
      await new Promise((resolve) => setTimeout(resolve, below(50)))
    }
  }

  await reported({ do: 'open' }, async () => ({ runs: (await engine.listBacktests({ limit: 1 })).length }))
  if (mode === 'open') {
    await Promise.all([take(`${slot}_WHOLE`, 0, 500), run(`G${1 + below(1000)}-300`), register()])
    say({ done: true })
    return
  }
  await Promise.all([runs(), runs(), sweeps(), imports(), strategies()])
}

// Alive until it is killed, or until who started it is gone.
const input = createInterface({ input: process.stdin })
input.once('line', (line) => {
  work(JSON.parse(line)).catch((error) => say({ broken: String(error?.stack ?? error) }))
})
input.once('close', () => process.exit())
say({ ready: true })
