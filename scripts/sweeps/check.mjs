/**
 * Compares a sweep with `runBacktest`: each combination must have the metrics of a run with the same parameters, and the
 * combinations must be those that `runBacktest` accepts.
 *
 * Numbers must agree to a relative error of 1e-9, counts exactly. Where a number is a small difference of large ones, sums that
 * are taken in another order differ in more digits; then the bound of scripts/oracle/noise.mjs applies.
 */

import { BacktestError } from '../../index.js'
import { Compared } from '../oracle/compare.mjs'
import { noise } from '../oracle/noise.mjs'
import { numbersOf } from './random-sweep.mjs'
import { realBars } from './real-bars.mjs'

/** @typedef {import('./random-sweep.mjs').RandomSweep} RandomSweep */
/** @typedef {import('./random-sweep.mjs').Value} Value */
/** @typedef {import('../../index.js').BacktestEngine} BacktestEngine */
/** @typedef {import('../../index.js').BacktestResult} BacktestResult */
/** @typedef {import('../../index.js').MetricName} MetricName */
/** @typedef {import('../../index.js').SweepResult} SweepResult */
/** @typedef {Record<string, Value>} Combination */

/** Metrics that count: they must be equal. */
const COUNTS = new Set([
  'totalTrades',
  'closedTrades',
  'openTrades',
  'winningTrades',
  'losingTrades',
  'longTrades',
  'shortTrades',
  'maxWinStreak',
  'maxLossStreak',
  'unexecutedSignals',
])

/** What was compared in one sweep, or in several. */
export class Checked {
  sweeps = 0
  /** Sweeps that are refused, as all their runs are. */
  refused = 0
  combinations = 0
  /** Combinations that neither the sweep has nor `runBacktest` accepts. */
  excluded = 0
  failed = 0
  trades = 0
  numbers = 0
  equal = 0
  rounded = 0
  unknown = 0
  /** @type {string[]} */
  differences = []

  /** @param {Checked} other */
  add(other) {
    for (const name of /** @type {const} */ (['sweeps', 'refused', 'combinations', 'excluded', 'failed', 'trades']))
      this[name] += other[name]
    for (const name of /** @type {const} */ (['numbers', 'equal', 'rounded', 'unknown'])) this[name] += other[name]
    this.differences.push(...other.differences)
  }
}

/**
 * Runs a sweep and compares it with single runs.
 * @param {BacktestEngine} engine
 * @param {RandomSweep} one
 */
export async function checkSweep(engine, one) {
  const checked = new Checked()
  checked.sweeps++
  const sweep = await attempt(engine.runSweep(one.request))
  if (sweep instanceof BacktestError) {
    checked.refused++
    for (const [at, combination] of combinations(one).entries()) {
      const result = await attempt(
        run(engine, one, combination, one.assets[0] ?? '', one.timeframes[0] ?? '', undefined),
      )
      if (result instanceof BacktestError) continue
      checked.differences.push(`refused: ${sweep.message}, but combination ${at} runs`)
      break
    }
    return checked
  }
  checkShape(one, sweep, checked)
  let row = 0
  const each = sweep.combinations / (one.assets.length * one.timeframes.length)
  for (const [series, [asset, timeframe]] of pairs(one.assets, one.timeframes).entries()) {
    const end = (series + 1) * each
    for (const combination of combinations(one)) {
      const isRow = row < end && isAt(sweep, row, combination)
      if (!isRow && one.request.sample) continue
      const result = await attempt(run(engine, one, combination, asset, timeframe, sweep.bars[series]?.warmupBars))
      const where = `combination ${row} of ${asset} ${JSON.stringify(combination)}`
      if (result instanceof BacktestError) {
        if (!isRow) checked.excluded++
        else if (sweep.standing[row] === 4) checked.failed++
        else checked.differences.push(`${where} has metrics, but runBacktest refuses: ${result.message}`)
      } else if (!isRow) checked.differences.push(`${where} is not in the sweep, but runBacktest accepts it`)
      else await compareRow(engine, one, sweep, row, result, checked, where)
      if (isRow) row++
    }
    if (row !== end) checked.differences.push(`combinations of ${asset} end at ${row} instead of ${end}`)
  }
  checked.combinations += sweep.combinations
  return checked
}

/**
 * Compares the metrics of a row with those of a run.
 * @param {BacktestEngine} engine
 * @param {RandomSweep} one
 * @param {SweepResult} sweep
 * @param {number} row
 * @param {BacktestResult} result
 * @param {Checked} checked
 * @param {string} where
 */
async function compareRow(engine, one, sweep, row, result, checked, where) {
  checked.trades += result.metrics.totalTrades ?? 0
  if (sweep.standing[row] === 4) checked.differences.push(`${where} failed, but runBacktest does not`)
  const compared = new Compared()
  /** @type {ReturnType<typeof noise> | undefined} */
  let bounds
  for (const [name, column] of Object.entries(sweep.metrics)) {
    const value = Number(column[row])
    const found = Number.isNaN(value) ? null : value
    const expected = result.metrics[/** @type {MetricName} */ (name)]
    if (found === expected) {
      checked.equal++
      compared.numbers++
      continue
    }
    if (COUNTS.has(name)) {
      compared.differences.push({ path: name, found, expected })
      continue
    }
    if (!bounds && !isNear(found, expected)) bounds = await boundsOf(engine, one, sweep, row, where)
    compared.number(name, found, expected, () => bounds?.metric(name) ?? 0)
  }
  const top = sweep.top.find(({ combination }) => combination === row)
  for (const [name, value] of Object.entries(top?.metrics ?? {})) {
    const expected = result.metrics[/** @type {MetricName} */ (name)]
    if (value !== expected) compared.differences.push({ path: `top.${name}`, found: value, expected })
  }
  checkObjective(one, sweep, row, checked, where)
  if (sweep.sums) await checkSums(engine, one, sweep, row, checked, where)
  checked.numbers += compared.numbers
  checked.rounded += compared.rounded
  checked.unknown += compared.unknown
  for (const { path, found, expected } of compared.differences)
    checked.differences.push(`${where}: ${path} is ${found}, runBacktest has ${expected}`)
}

/**
 * The objective must follow from the columns, bit by bit, and the standing from the counts.
 * @param {RandomSweep} one
 * @param {SweepResult} sweep
 * @param {number} row
 * @param {Checked} checked
 * @param {string} where
 */
function checkObjective(one, sweep, row, checked, where) {
  const of = (/** @type {MetricName} */ name) => Number(sweep.metrics[name]?.[row] ?? undefined)
  /** @type {Record<string, { reads: MetricName[], value: () => number }>} */
  const known = {
    sharpeRatio: { reads: ['sharpeRatio'], value: () => of('sharpeRatio') },
    totalReturn: { reads: ['totalReturn'], value: () => of('totalReturn') },
    '-maxDrawdown': { reads: ['maxDrawdown'], value: () => -of('maxDrawdown') },
    'sharpeRatio - 0.5 * maxDrawdown / 10': {
      reads: ['sharpeRatio', 'maxDrawdown'],
      value: () => of('sharpeRatio') - (0.5 * of('maxDrawdown')) / 10,
    },
    'if(totalTrades >= 4, totalReturn, 0 - 100)': {
      reads: ['totalTrades', 'totalReturn'],
      value: () => (Number.isNaN(of('totalReturn')) ? NaN : of('totalTrades') >= 4 ? of('totalReturn') : -100),
    },
  }
  const { reads, value } = known[one.request.objective ?? 'sharpeRatio'] ?? { reads: [], value: () => NaN }
  const objective = Number(sweep.objective[row])
  if (reads.every((name) => sweep.metrics[name]) && !Object.is(value() + 0, objective + 0))
    checked.differences.push(`${where}: the objective is ${objective}, its metrics make ${value()}`)
  if (!sweep.metrics.totalTrades || !sweep.metrics.closedTrades) return
  const standing =
    of('totalTrades') === 0
      ? 1
      : of('closedTrades') < (one.request.minTrades ?? 5)
        ? 2
        : Number.isNaN(objective)
          ? 3
          : 0
  if (standing !== sweep.standing[row])
    checked.differences.push(`${where}: the standing is ${sweep.standing[row]} instead of ${standing}`)
}

/**
 * The sums that judging needs must be those over the equity of a run.
 * @param {BacktestEngine} engine
 * @param {RandomSweep} one
 * @param {SweepResult} sweep
 * @param {number} row
 * @param {Checked} checked
 * @param {string} where
 */
async function checkSums(engine, one, sweep, row, checked, where) {
  const { result, close } = await wholeRun(engine, one, sweep, row)
  const { equityCurve: equity, trades } = result
  const bars = equity.length
  /** Of the whole range, and of each of 16 blocks, of which the first ones have one bar more. */
  const sums = { returns: 0, squares: 0, products: 0, exposure: 0 }
  const blocks = Array.from({ length: 16 }, (_, block) => ({
    end: (block + 1) * Math.floor(bars / 16) + Math.min(block + 1, bars % 16),
    returns: 0,
    squares: 0,
  }))
  const size = { returns: 0, squares: 0, products: 0, exposure: 0 }
  /** By how many units more was held at the close before each bar than before that. */
  const changes = new Float64Array(bars + 2)
  for (const { entryBar, exitBar, direction, quantity } of trades) {
    const signed = direction === 'long' ? quantity : -quantity
    changes[entryBar + 1] = Number(changes[entryBar + 1]) + signed
    if (exitBar !== null) changes[exitBar + 1] = Number(changes[exitBar + 1]) - signed
  }
  let units = 0
  let [before, block] = [one.run.initialCapital, 0]
  const share = (/** @type {number} */ amount, /** @type {number} */ of) => (of === 0 ? 0 : amount / Math.abs(of))
  for (let bar = 0; bar < bars; bar++) {
    while (bar >= Number(blocks[block]?.end)) block++
    const value = Number(equity[bar])
    const r = share(value - before, before)
    const m = bar === 0 ? 0 : Number(close[bar]) / Number(close[bar - 1]) - 1
    units += Number(changes[bar])
    const exposure = bar === 0 ? 0 : share(units * Number(close[bar - 1]), before)
    const terms = { returns: r, squares: r * r, products: r * m, exposure: exposure / bars }
    for (const name of /** @type {const} */ (['returns', 'squares', 'products', 'exposure'])) {
      sums[name] += terms[name]
      size[name] += Math.abs(terms[name])
    }
    const own = blocks[block]
    if (own) [own.returns, own.squares] = [own.returns + r, own.squares + r * r]
    before = value
  }
  const compare = (
    /** @type {string} */ name,
    /** @type {unknown} */ found,
    /** @type {number} */ expected,
    /** @type {number} */ of,
  ) => {
    checked.numbers++
    const isNear = Math.abs(Number(found) - expected) <= 1e-9 * Math.abs(expected) + 1e-11 * of + 1e-15 * bars
    if (!isNear) checked.differences.push(`${where}: sums.${name} is ${found}, the equity has ${expected}`)
  }
  const { sums: found } = sweep
  for (const name of /** @type {const} */ (['returns', 'squares', 'products']))
    compare(name, found?.[name][row], sums[name], size[name])
  // Only without partial orders do the trades say what was held.
  if (isWhole(one)) compare('exposure', found?.exposure[row], sums.exposure, size.exposure)
  for (const [index, { returns, squares }] of blocks.entries()) {
    compare(`blockReturns ${index}`, found?.blockReturns[row * 16 + index], returns, size.returns)
    compare(`blockSquares ${index}`, found?.blockSquares[row * 16 + index], squares, size.squares)
  }
}

/**
 * Returns whether every order opens or closes a whole position.
 * @param {RandomSweep} one
 */
function isWhole({ run, request }) {
  const partial = /^(accumulate|size|sizeType|maxSize|sizeGranularity|upon\w+|allowPartial|lockCash)$/
  const swept = Object.keys(request.parameters).map((name) => name.replace('simulation.', ''))
  return ![...Object.keys(run.simulation ?? {}), ...swept].some(
    (name) => partial.test(name) || name === 'position_size',
  )
}

/**
 * Checks what follows from the columns: lengths, counts of what does not compete, the order of the best.
 * @param {RandomSweep} one
 * @param {SweepResult} sweep
 * @param {Checked} checked
 */
function checkShape(one, sweep, checked) {
  const columns = [...Object.values(sweep.parameters), ...Object.values(sweep.metrics), sweep.objective, sweep.standing]
  if (columns.some((column) => column?.length !== sweep.combinations))
    checked.differences.push(`a column does not have ${sweep.combinations} rows`)
  const names = ['competes', 'noTrades', 'fewTrades', 'nullObjective', 'failed']
  for (const [standing, name] of names.entries()) {
    const count = sweep.standing.filter((found) => found === standing).length
    const said = name === 'competes' ? count : (sweep.excluded[name] ?? 0)
    if (said !== count) checked.differences.push(`excluded.${name} is ${said} instead of ${count}`)
  }
  const competing = [...sweep.standing.keys()].filter((row) => sweep.standing[row] === 0)
  const best = competing.map((row) => Number(sweep.objective[row])).sort((a, b) => b - a)
  const expected = best.slice(0, one.request.top ?? 20)
  const found = sweep.top.map(({ objective }) => objective)
  if (JSON.stringify(found) !== JSON.stringify(expected))
    checked.differences.push(`top has the objectives ${found} instead of ${expected}`)
  for (const { combination, objective } of sweep.top)
    if (sweep.objective[combination] !== objective) checked.differences.push(`top names ${combination} wrongly`)
}

/**
 * Returns the bounds of rounding for one row.
 * @param {BacktestEngine} engine
 * @param {RandomSweep} one
 * @param {SweepResult} sweep
 * @param {number} row
 * @param {string} where
 */
async function boundsOf(engine, one, sweep, row, where) {
  const { result, close } = await wholeRun(engine, one, sweep, row)
  const { trades } = result
  const column = (/** @type {(trade: typeof trades[number]) => number} */ of) => Float64Array.from(trades, of)
  // The fills of a trade, at its average prices. Trades are aggregates of orders, so there may be fewer.
  const fills = trades
    .flatMap(({ entryBar, exitBar, quantity, entryPrice, exitPrice, direction, fees }) => {
      const [opens, closes] = direction === 'long' ? [0, 1] : [1, 0]
      const entry = { bar: entryBar, side: opens, size: quantity, price: entryPrice, fees: fees / 2 }
      const exit = { bar: exitBar ?? 0, side: closes, size: quantity, price: exitPrice ?? 0, fees: fees / 2 }
      return exitBar === null ? [entry] : [entry, exit]
    })
    .sort((a, b) => a.bar - b.bar)
  const simulated = /** @type {any} */ ({
    ...result,
    orders: {
      bar: fills.map(({ bar }) => bar),
      side: fills.map(({ side }) => side),
      size: fills.map(({ size }) => size),
      price: fills.map(({ price }) => price),
      fees: fills.map(({ fees }) => fees),
    },
    trades: {
      pnl: column(({ pnl }) => pnl),
      status: column(({ status }) => Number(status === 'closed')),
      size: column(({ quantity }) => quantity),
      entryPrice: column(({ entryPrice }) => entryPrice),
    },
  })
  const options = { yearDays: 365, ...one.run.simulation }
  if (options.yearDays === 'auto') options.yearDays = 365
  const case_ = /** @type {any} */ ({
    case: where,
    initialCapital: one.run.initialCapital,
    options,
    close,
    timestamps: result.timestamps,
  })
  return noise(case_, simulated)
}

/**
 * Returns the run of a row with all its parts, and the closes of its bars.
 * @param {BacktestEngine} engine
 * @param {RandomSweep} one
 * @param {SweepResult} sweep
 * @param {number} row
 */
async function wholeRun(engine, one, sweep, row) {
  const asset = sweep.asset?.symbols[sweep.asset.index[row] ?? 0] ?? one.assets[0] ?? ''
  const timeframe = sweep.timeframe?.timeframes[sweep.timeframe.index[row] ?? 0] ?? one.timeframes[0] ?? ''
  const bars = sweep.bars.find((bars) => bars.assetSymbol === asset && bars.timeframe === timeframe)
  const all = { ...one, run: { ...one.run, outputs: undefined } }
  const result = await run(engine, all, combinationOf(one, sweep, row), asset, timeframe, bars?.warmupBars)
  return { result, close: closes(one, asset, result.timestamps) }
}

/**
 * Returns the closes at these times, also of coarser bars than the files have.
 * @param {RandomSweep} one
 * @param {string} asset
 * @param {Float64Array} timestamps
 */
function closes(one, asset, timestamps) {
  const bars = one.run.bars ?? realBars(/** @type {import('./real-bars.mjs').Asset} */ (asset))
  let end = 0
  return timestamps.map((_, bar) => {
    const next = timestamps[bar + 1] ?? Date.parse(one.run.endDate) + 1
    while (end < bars.timestamps.length && bars.timestamps[end] < next) end++
    return Number(bars.close[end - 1])
  })
}

/**
 * @param {BacktestEngine} engine
 * @param {RandomSweep} one
 * @param {Combination} combination
 * @param {string} assetSymbol
 * @param {string} timeframe
 * @param {number | undefined} warmup
 * @returns {Promise<BacktestResult>}
 */
function run(engine, one, combination, assetSymbol, timeframe, warmup) {
  /** @type {Record<string, Value>} */
  const parameters = {}
  /** @type {Record<string, any>} */
  const simulation = { ...one.run.simulation }
  for (const [name, value] of Object.entries(combination)) {
    if (name.startsWith('simulation.')) simulation[name.slice('simulation.'.length)] = value
    else parameters[name] = value
  }
  const stored = one.run.bars === undefined
  return engine.runBacktest({
    outputs: ['metrics'],
    ...one.run,
    assetSymbol,
    ...(stored && { timeframe, ...(warmup !== undefined && { warmup }) }),
    parameters,
    simulation,
    persist: false,
  })
}

/**
 * Returns the combinations that meet the constraints, the last axis fastest.
 * @param {RandomSweep} one
 * @returns {Combination[]}
 */
function combinations({ axes, constraints, defaults }) {
  /** @type {Combination[]} */
  let all = [{}]
  for (const { name, values } of axes)
    all = all.flatMap((before) => values.map((value) => ({ ...before, [name]: value })))
  const holds = (/** @type {Combination} */ combination) => {
    return constraints.every((constraint) => constraint.holds({ ...defaults, ...numbersOf(combination) }))
  }
  return all.filter(holds)
}

/**
 * Returns a value as columns have it.
 * @param {string} name
 * @param {Value} value
 */
function asNumber(name, value) {
  if (value !== null) return Number(value)
  return name === 'simulation.size' ? Infinity : NaN
}

/**
 * Returns the combination of a row.
 * @param {RandomSweep} one
 * @param {SweepResult} sweep
 * @param {number} row
 * @returns {Combination}
 */
function combinationOf(one, sweep, row) {
  const found = combinations(one).find((combination) => isAt(sweep, row, combination))
  if (!found) throw new Error(`row ${row} is none of the combinations`)
  return found
}

/**
 * @param {SweepResult} sweep
 * @param {number} row
 * @param {Combination} combination
 */
function isAt(sweep, row, combination) {
  return Object.entries(combination).every(([name, value]) =>
    Object.is(sweep.parameters[name]?.[row], asNumber(name, value)),
  )
}

/**
 * @param {number | null} found
 * @param {number | null | undefined} expected
 */
function isNear(found, expected) {
  const [a, b] = [found ?? NaN, expected ?? NaN]
  return Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b))
}

/**
 * @param {string[]} assets
 * @param {string[]} timeframes
 */
function pairs(assets, timeframes) {
  return assets.flatMap((asset) => timeframes.map((timeframe) => /** @type {const} */ ([asset, timeframe])))
}

/**
 * Returns the error of a promise instead of throwing it, if it is one of the request or the data.
 * @template Result
 * @param {Promise<Result>} promise
 * @returns {Promise<Result | BacktestError>}
 */
async function attempt(promise) {
  try {
    return await promise
  } catch (error) {
    if (error instanceof BacktestError && ['INVALID_ARGUMENT', 'NO_DATA', 'BAD_DATA'].includes(error.code)) return error
    throw error
  }
}
