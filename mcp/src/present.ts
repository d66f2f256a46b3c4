/** How runs are told: whole for programs, as a summary of a few kilobytes for models. */

import type { BacktestResult, BacktestSummary, Metrics, StrategyInfo, Trade } from '@aitradepro/backtesting'
import type { Told } from './answer.js'
import { inSnake, renameKeys, toSnake } from './names.js'

/** So much of a result is whole: an answer with more would not get through the clients' limits of 10 MB. */
export const MOST_TRADES = 10_000
export const MOST_POINTS = 100_000

/** So much of a description a list tells. */
const LONGEST_ROW = 160

/** Which part of trades and curve to tell. */
export interface Part {
  tradesOffset?: number | undefined
  tradesLimit?: number | undefined
  equityPoints?: number | undefined
}

/** The settings that decide most of what comes out. */
const ASSUMPTIONS = ['execution', 'fees', 'slippage', 'direction', 'slStop', 'tpStop', 'yearDays'] as const

/** Tells a run whole, as the original plan names it: every key in snake_case. */
export function wholeResult(result: BacktestResult, part: Part = {}): Record<string, unknown> {
  const { trades, timestamps, equityCurve, metrics, simulation, ...rest } = result
  return {
    ...renameKeys(rest, toSnake),
    progress: result.status === 'completed' ? 100 : null,
    metrics: metricsOf(metrics),
    simulation: renameKeys(simulation, toSnake),
    ...tradesOf(trades, { tradesLimit: MOST_TRADES, ...defined(part) }),
    ...curveOf(timestamps, equityCurve, part.equityPoints ?? MOST_POINTS),
  }
}

/** Tells a run as a summary: the headline, what speaks against it, what to do next, and the numbers. */
export function summaryOf(run: BacktestSummary, progress: number | null): Told {
  const completed = run.status === 'completed'
  const { metrics, simulation } = run
  return {
    headline: headlineOf(run, progress),
    caveats: caveatsOf(run),
    next_step: nextStepOf(run),
    backtest_id: run.backtestId,
    status: run.status,
    progress: completed ? 100 : progress,
    strategy_id: run.strategyId,
    asset_symbol: run.assetSymbol,
    timeframe: run.timeframe,
    start_date: run.startDate,
    end_date: run.endDate,
    initial_capital: run.initialCapital,
    parameters: run.parameters,
    assumptions: Object.fromEntries(ASSUMPTIONS.map((name) => [toSnake(name), simulation[name] ?? null])),
    final_capital: rounded(run.finalCapital),
    total_return: rounded(run.totalReturn),
    metrics: metricsOf(metrics, rounded),
    error: run.error,
  }
}

/** Tells a run in one row of a list. */
export function rowOf(run: BacktestSummary): Record<string, unknown> {
  const metric = (name: string) => rounded(run.metrics[name] ?? null)
  return {
    backtest_id: run.backtestId,
    status: run.status,
    strategy_id: run.strategyId,
    asset_symbol: run.assetSymbol,
    timeframe: run.timeframe,
    start_date: day(run.startDate),
    end_date: day(run.endDate),
    total_return: rounded(run.totalReturn),
    benchmark_return: metric('benchmarkReturn'),
    sharpe_ratio: metric('sharpeRatio'),
    max_drawdown: metric('maxDrawdown'),
    total_trades: metric('totalTrades'),
    created_at: run.createdAt,
  }
}

/** Tells a strategy whole. */
export function strategyOf(strategy: StrategyInfo): Record<string, unknown> {
  return renameKeys(strategy, toSnake)
}

/** Tells a strategy in a few words: its parameters as `integer 1..500 = 10`. */
export function strategyRowOf(strategy: StrategyInfo): Record<string, unknown> {
  const properties = (strategy.parametersSchema.properties ?? {}) as Record<string, Record<string, unknown>>
  const parameters = Object.entries(properties)
    .filter(([name]) => name !== 'position_size')
    .map(([name, { type, minimum, maximum }]) => {
      const range = minimum === undefined && maximum === undefined ? '' : ` ${minimum ?? ''}..${maximum ?? ''}`
      return [name, `${type}${range} = ${strategy.defaultParameters[name]}`]
    })
  return {
    id: strategy.id,
    name: strategy.name,
    type: strategy.type,
    description: shortened(strategy.description),
    parameters: Object.fromEntries(parameters),
  }
}

/** Keeps a row of a list short: the whole text is told with the whole strategy. */
function shortened(text: string): string {
  return text.length > LONGEST_ROW ? `${text.slice(0, LONGEST_ROW)}…` : text
}

/** Tells metrics under their names in snake_case. */
export function metricsOf(
  metrics: Metrics,
  as: (value: number | null) => number | null = (value) => value,
): Record<string, number | null> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [toSnake(name), as(value)]))
}

/** Tells a part of the trades, and how many there are. */
export function tradesOf(trades: Trade[], { tradesOffset = 0, tradesLimit = MOST_TRADES }: Part) {
  const shown = trades.slice(tradesOffset, tradesOffset + tradesLimit)
  return {
    trades: shown.map((trade) => renameKeys(trade, toSnake)),
    trades_total: trades.length,
    trades_offset: tradesOffset,
  }
}

/** Tells a curve in at most so many points: a longer one keeps its ends, and the highest and lowest value of each part. */
export function curveOf(timestamps: Float64Array, equity: Float64Array, most: number) {
  const kept = thinned(equity, most)
  return {
    timestamps: kept.map((index) => new Date(timestamps[index] ?? Number.NaN).toISOString()),
    equity_curve: kept.map((index) => equity[index] ?? null),
    equity_points_total: equity.length,
  }
}

/** Returns which points of a curve to keep. */
export function thinned(values: Float64Array, most: number): number[] {
  const count = values.length
  if (count <= most) return Array.from(values, (_, index) => index)
  if (most < 4) return [0, count - 1].slice(0, most)
  const parts = Math.floor((most - 2) / 2)
  const kept = [0]
  for (let part = 0; part < parts; part++) {
    const from = 1 + Math.floor((part * (count - 2)) / parts)
    const to = 1 + Math.floor(((part + 1) * (count - 2)) / parts)
    let low = from
    let high = from
    for (let index = from + 1; index < to; index++) {
      if (Number(values[index]) < Number(values[low])) low = index
      if (Number(values[index]) > Number(values[high])) high = index
    }
    kept.push(Math.min(low, high))
    if (low !== high) kept.push(Math.max(low, high))
  }
  kept.push(count - 1)
  return kept
}

/** Rounds for reading: to six digits, money to the cent. The exact number is in the embedded resource. */
export function rounded(value: number | null): number | null {
  if (value === null) return null
  return Number(Math.abs(value) >= 10_000 ? value.toFixed(2) : value.toPrecision(6))
}

function headlineOf(run: BacktestSummary, progress: number | null): string {
  const what = `${run.strategyId} on ${run.assetSymbol} (${run.timeframe}, ${day(run.startDate)} to ${day(run.endDate)})`
  switch (run.status) {
    case 'completed': {
      const { metrics } = run
      const trades = metrics.totalTrades ?? 0
      return (
        `${what}: total return ${percent(run.totalReturn)}, buy and hold ${percent(metrics.benchmarkReturn)}; ` +
        `Sharpe ratio ${metrics.sharpeRatio?.toFixed(2) ?? 'none'}, deepest drawdown ${percent(metrics.maxDrawdown)}, ` +
        `${trades} ${trades === 1 ? 'trade' : 'trades'}. ${fillsOf(run)}In sample, unless these bars had no part in choosing it.`
      )
    }
    case 'failed':
    case 'cancelled':
      return `${what}: ${run.status}${run.error === null ? '' : `, ${inSnake(run.error)}`}`
    default:
      return `${what}: ${run.status}${progress === null ? '' : `, ${progress.toFixed(0)} % done`}`
  }
}

/** Fills at the close that gave the signal belong into the headline: nobody can trade so. */
function fillsOf({ simulation, metrics }: BacktestSummary): string {
  return simulation.execution === 'close' && metrics.totalTrades !== 0
    ? 'Filled at the close that gave the signal. '
    : ''
}

function caveatsOf(run: BacktestSummary): string[] {
  if (run.status !== 'completed') return []
  return [
    'in-sample: unless strategy and parameters were fixed before anybody looked at these bars, this result is flattered by the choice',
    ...run.warnings,
  ]
}

function nextStepOf(run: BacktestSummary): string {
  switch (run.status) {
    case 'completed':
      return (
        'Check it out of sample: run_backtest with the same strategy and parameters on a period that had no part in choosing ' +
        'them. If this was that check, compare both. Trades and curve: get_backtest_results with detail "full".'
      )
    case 'failed':
      return 'Correct what the error names, and start it again with run_backtest.'
    case 'cancelled':
      return 'Start it again with run_backtest if it is still wanted.'
    default:
      return `Call get_backtest_results with backtest_id "${run.backtestId}" in some seconds; cancel_backtest stops the run.`
  }
}

function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? 'none' : `${value.toFixed(2)} %`
}

function day(moment: string): string {
  return moment.slice(0, 10)
}

function defined(part: Part): Part {
  return Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined))
}
