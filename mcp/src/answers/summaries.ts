/** Converts runs and strategies to results of tools: complete for programs, a summary of a few kilobytes for models. */

import type { BacktestResult, BacktestSummary, MetricName, Metrics, StrategyInfo, Trade } from '@aitradepro/backtesting'
import { fieldsToSnakeCase, renameKeys, toSnakeCase } from '../arguments/field-names.js'
import type { ToolOutput } from './tool-result.js'
import { type Trials, trialsCaveat, trialsText } from './trials.js'

/** Limits of a full result: a larger one would exceed the 10 MB that clients accept. */
export const MAX_TRADES = 10_000
export const MAX_POINTS = 100_000

/** Parameters that a summary names, those of a row of a list, and the length of a source text. */
const MAX_PARAMETERS = 30
const MAX_PARAMETERS_OF_ROW = 12
const MAX_SOURCE_LENGTH = 600

/** Length of a description in a list. */
const MAX_DESCRIPTION_LENGTH = 160

/** Which trades and how many points of the equity curve to return. */
export interface ResultRange {
  tradesOffset?: number | undefined
  tradesLimit?: number | undefined
  equityPoints?: number | undefined
}

/** The settings with the largest effect on a result. */
const ASSUMPTIONS = ['execution', 'fees', 'slippage', 'direction', 'slStop', 'tpStop', 'yearDays'] as const

/** Returns the full result of a run, with all keys in snake_case. A run may lack parts that its request left out. */
export function fullResult(result: BacktestResult, range: ResultRange = {}): Record<string, unknown> {
  const { trades, timestamps, equityCurve, totalPoints, metrics, simulation, assumptions, ...rest } = result
  return {
    ...renameKeys(rest, toSnakeCase),
    progress: result.status === 'completed' ? 100 : null,
    ...(metrics && { metrics: namedMetrics(metrics) }),
    simulation: renameKeys(simulation, toSnakeCase),
    assumptions: assumptions && renameKeys(assumptions, toSnakeCase),
    ...tradePage(trades, { tradesLimit: MAX_TRADES, ...withoutUndefined(range) }),
    ...curvePoints({ timestamps, equityCurve, totalPoints }, range.equityPoints ?? MAX_POINTS),
  }
}

/** Returns the full result for an answer of limited size: long texts and lists of names are cut. */
export function boundedResult(result: BacktestResult, range: ResultRange): Record<string, unknown> {
  const { strategySource: source, parameters } = result
  const isLong = source !== null && source.length > MAX_SOURCE_LENGTH
  return fullResult(
    {
      ...result,
      strategySource: isLong ? `${source.slice(0, MAX_SOURCE_LENGTH)}…` : source,
      parameters: shownParameters(parameters),
    },
    range,
  )
}

/** Returns the parameters of a run, cut if there are very many. */
export function shownParameters(parameters: Record<string, unknown>): Record<string, unknown> {
  const all = Object.entries(parameters)
  if (all.length <= MAX_PARAMETERS) return parameters
  return Object.fromEntries([...all.slice(0, MAX_PARAMETERS), ['…', `${all.length - MAX_PARAMETERS} more`]])
}

/** What is known of a run besides its result. */
export interface RunFacts {
  /** How far it is, if this process runs it. */
  progress?: number | null | undefined
  /** What was tried before it. */
  trials?: Trials | undefined
}

/** Summarizes a run: headline, caveats, next step, and the rounded numbers. */
export function runSummary(run: BacktestResult, { progress = null, trials }: RunFacts = {}): ToolOutput {
  const completed = run.status === 'completed'
  const { assumptions, metrics } = run
  return {
    headline: headlineFor(run, { progress, trials }),
    caveats: caveatsFor(run, trials),
    next_step: nextStepFor(run, { progress, trials }),
    backtest_id: run.backtestId,
    status: run.status,
    progress: completed ? 100 : progress,
    ...(trials && { sample: { kind: trials.kind, earlier_tries: trials.runs + trials.combinations } }),
    strategy_id: run.strategyId,
    asset_symbol: run.assetSymbol,
    timeframe: run.timeframe,
    // The period that was run. That of the request is only told if the bars do not cover it.
    start_date: assumptions?.firstBar ?? run.startDate,
    end_date: assumptions?.lastBar ?? run.endDate,
    ...(isPartlyCovered(run) && { requested: `${day(run.startDate)} to ${day(run.endDate)}` }),
    initial_capital: run.initialCapital,
    parameters: shownParameters(run.parameters),
    assumptions: assumptionsOf(run),
    final_capital: rounded(run.finalCapital),
    total_return: rounded(run.totalReturn),
    ...(metrics && { metrics: namedMetrics(metrics, rounded) }),
    ...lookAheadMark(run),
    error: run.error,
  }
}

/** Returns what a result rests on most: settings, bars, and how they were annualized. */
function assumptionsOf({ assumptions, simulation }: BacktestResult): Record<string, unknown> {
  const settings = ASSUMPTIONS.map((name) => [toSnakeCase(name), simulation[name] ?? null])
  return {
    ...Object.fromEntries(settings),
    ...(assumptions && {
      bars: assumptions.bars,
      missing_bars: assumptions.missingBars,
      warmup_bars: assumptions.warmupBars,
      bars_per_year: assumptions.barsPerYear,
    }),
  }
}

/** Marks a run whose strategy looked ahead; other runs have no mark, which saves tokens. */
function lookAheadMark({ lookAhead }: Pick<BacktestSummary, 'lookAhead'>): { look_ahead?: true } {
  return lookAhead === true ? { look_ahead: true } : {}
}

/** Returns a run as one row of a list. */
export function summaryRow(run: BacktestSummary): Record<string, unknown> {
  const metric = (name: MetricName) => rounded(run.metrics?.[name] ?? null)
  return {
    backtest_id: run.backtestId,
    status: run.status,
    strategy_id: run.strategyId,
    asset_symbol: run.assetSymbol,
    timeframe: run.timeframe,
    start_date: day(run.startDate),
    end_date: day(run.endDate),
    parameters: shownParameters(run.parameters),
    total_return: rounded(run.totalReturn),
    benchmark_return: metric('benchmarkReturn'),
    sharpe_ratio: metric('sharpeRatio'),
    max_drawdown: metric('maxDrawdown'),
    closed_trades: metric('closedTrades'),
    ...lookAheadMark(run),
    created_at: run.createdAt,
  }
}

/** Returns all fields of a strategy. */
export function fullStrategy(strategy: StrategyInfo): Record<string, unknown> {
  return renameKeys(strategy, toSnakeCase)
}

/**
 * Returns the fields of a strategy that existing backends read, for an answer of limited size: the schema lacks the descriptions,
 * and all but the first parameters if there are very many.
 */
export function briefStrategy(strategy: StrategyInfo): Record<string, unknown> {
  const { id, name, description, defaultParameters } = strategy
  const { all, shown } = propertiesOf(strategy)
  const properties = shown.map(([name, { description: _, ...property }]) => [name, property])
  return {
    id,
    name,
    description: shortened(description),
    parameters_schema: {
      type: 'object',
      properties: Object.fromEntries(properties),
      ...(shown.length < all.length && { $comment: `${shown.length} of ${all.length} parameters` }),
    },
    default_parameters: Object.fromEntries(shown.map(([name]) => [name, defaultParameters[name]])),
  }
}

/** Returns a strategy as one row of a list, with parameters in the form `integer 1..500 = 10`. */
export function strategyRow(strategy: StrategyInfo): Record<string, unknown> {
  const { all, shown } = propertiesOf(strategy)
  const parameters = shown
    .filter(([name]) => name !== 'position_size')
    .map(([name, { type, minimum, maximum }]) => {
      const range = minimum === undefined && maximum === undefined ? '' : ` ${minimum ?? ''}..${maximum ?? ''}`
      return [name, `${type}${range} = ${strategy.defaultParameters[name]}`]
    })
  const more = all.length - shown.length
  return {
    id: strategy.id,
    name: strategy.name,
    type: strategy.type,
    description: shortened(strategy.description),
    parameters: Object.fromEntries([...parameters, ...(more > 0 ? [['…', `${more} more`]] : [])]),
  }
}

/** Returns the schemas of the parameters of a strategy: all, and those that a list shows. */
function propertiesOf({ parametersSchema }: StrategyInfo) {
  const properties = (parametersSchema.properties ?? {}) as Record<string, Record<string, unknown>>
  const all = Object.entries(properties)
  return { all, shown: all.slice(0, MAX_PARAMETERS_OF_ROW) }
}

/** Truncates a description for a list. */
function shortened(text: string): string {
  return text.length > MAX_DESCRIPTION_LENGTH ? `${text.slice(0, MAX_DESCRIPTION_LENGTH)}…` : text
}

/** Returns metrics with snake_case names. `convert` is applied to every value. */
export function namedMetrics(
  metrics: Metrics,
  convert: (value: number | null) => number | null = (value) => value,
): Record<string, number | null> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [toSnakeCase(name), convert(value)]))
}

/** Returns one page of the trades, and their total number; nothing for a run that was asked for no trades. */
export function tradePage(trades: Trade[] | undefined, { tradesOffset = 0, tradesLimit = MAX_TRADES }: ResultRange) {
  if (trades === undefined) return {}
  const shown = trades.slice(tradesOffset, tradesOffset + tradesLimit)
  return {
    trades: shown.map((trade) => renameKeys(trade, toSnakeCase)),
    trades_total: trades.length,
    trades_offset: tradesOffset,
  }
}

/** A curve, of which the engine may have returned only some points. */
type Curve = Partial<Pick<BacktestResult, 'timestamps' | 'equityCurve' | 'totalPoints'>>

/**
 * Returns a curve with at most `max` points; nothing for a run that was asked for no curve. Downsampling keeps both ends, and the
 * minimum and maximum of each section.
 */
export function curvePoints({ timestamps, equityCurve, totalPoints }: Curve, max: number) {
  if (timestamps === undefined || equityCurve === undefined) return {}
  const kept = downsampledIndices(equityCurve, max)
  return {
    timestamps: kept.map((index) => new Date(timestamps[index] ?? Number.NaN).toISOString()),
    equity_curve: kept.map((index) => equityCurve[index] ?? null),
    equity_points_total: totalPoints ?? equityCurve.length,
  }
}

/** Returns the indices of the points to keep. */
function downsampledIndices(values: Float64Array, max: number): number[] {
  const count = values.length
  if (count <= max) return Array.from(values, (_, index) => index)
  if (max < 4) return [0, count - 1].slice(0, max)
  const sections = Math.floor((max - 2) / 2)
  const kept = [0]
  for (let section = 0; section < sections; section++) {
    const from = 1 + Math.floor((section * (count - 2)) / sections)
    const to = 1 + Math.floor(((section + 1) * (count - 2)) / sections)
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

/** Rounds for display: to six significant digits, or to cents above 10,000. The embedded resource has the exact number. */
export function rounded(value: number | null): number | null {
  if (value === null) return null
  return Number(Math.abs(value) >= 10_000 ? value.toFixed(2) : value.toPrecision(6))
}

function headlineFor(run: BacktestResult, { progress = null, trials }: RunFacts): string {
  const what = whatWasRun(run)
  switch (run.status) {
    case 'completed': {
      const metrics: Partial<Metrics> = run.metrics ?? {}
      const trades = metrics.totalTrades ?? 0
      return (
        `${run.lookAhead === true ? 'LOOKS AHEAD, proves nothing: ' : ''}${what}: ${reservations(run, trials)}. ` +
        `Total return ${percent(run.totalReturn)}, buy and hold ${percent(metrics.benchmarkReturn)}; ` +
        `Sharpe ratio ${metrics.sharpeRatio?.toFixed(2) ?? 'none'}, maximum drawdown ${percent(metrics.maxDrawdown)}, ` +
        `${trades} ${trades === 1 ? 'trade' : 'trades'}. ${conventions(run)}`
      )
    }
    case 'failed':
    case 'cancelled':
      return `${what}: ${run.status}${run.error === null ? '' : `, ${fieldsToSnakeCase(run.error)}`}`
    default:
      return `${what}: ${run.status}${progress === null ? '' : `, ${progress.toFixed(0)} % done`}`
  }
}

/** Names strategy, asset and the period that the bars covered, and that of the request if it is another one. */
function whatWasRun(run: BacktestResult): string {
  const { assumptions, assetSymbol, endDate, startDate, strategyId, timeframe } = run
  const [first, last] = [assumptions?.firstBar ?? startDate, assumptions?.lastBar ?? endDate]
  const bars = assumptions ? `, ${assumptions.bars} ${assumptions.bars === 1 ? 'bar' : 'bars'}` : ''
  const warmup = (assumptions?.warmupBars ?? 0) > 0 ? ` after ${assumptions?.warmupBars} to warm up` : ''
  const requested = isPartlyCovered(run) ? `; ${day(startDate)} to ${day(endDate)} was requested` : ''
  return `${strategyId} on ${assetSymbol} (${timeframe}, ${day(first)} to ${day(last)}${bars}${warmup}${requested})`
}

/** What speaks against a result: which try it is, how few trades it has, how its orders were filled. */
function reservations({ metrics, notes, simulation }: BacktestResult, trials: Trials | undefined): string {
  const closed = metrics?.closedTrades ?? 0
  return [
    trials === undefined ? 'in sample, unless these bars were not used to choose it' : trialsText(trials),
    ...(hasNote(notes, 'NO_ENTRIES') || metrics?.totalTrades === 0 ? ['no trade'] : []),
    ...(hasNote(notes, 'FEW_TRADES') && metrics?.totalTrades !== 0
      ? [`only ${closed} closed ${closed === 1 ? 'trade' : 'trades'}`]
      : []),
    // Nobody can trade at the close of the bar that gives the signal.
    ...(simulation.execution === 'close' && metrics?.totalTrades !== 0
      ? ['filled at the close of the signal bar, which is optimistic']
      : []),
  ].join('; ')
}

/** Says which costs were paid, how orders were filled, and by which calendar the figures are annual. */
function conventions({ assumptions, simulation }: BacktestResult): string {
  const { execution, fees, slippage } = simulation
  const costs =
    fees === 0 && slippage === 0
      ? 'No fees, no slippage'
      : `Fees ${percent(fees * 100)} and slippage ${percent(slippage * 100)} per order`
  const fills = execution === 'nextOpen' ? ', filled at the next open' : ''
  const year = assumptions?.barsPerYear ? `, ${assumptions.barsPerYear} bars a year` : ''
  return `${costs}${fills}${year}.`
}

function isPartlyCovered({ notes }: BacktestResult): boolean {
  return hasNote(notes, 'RANGE_NOT_COVERED')
}

function hasNote(notes: BacktestResult['notes'] | undefined, code: string): boolean {
  return notes?.some((note) => note.code === code) ?? false
}

function caveatsFor(run: BacktestResult, trials: Trials | undefined): string[] {
  if (run.status !== 'completed') return []
  return [
    trials === undefined
      ? 'in-sample: unless strategy and parameters were fixed before anyone looked at these bars, selection bias flatters this result'
      : trialsCaveat(trials),
    ...(run.lookAhead === true
      ? ['the signals look ahead or change from call to call: nobody could have traded like this']
      : []),
    ...(run.warnings ?? []).map(fieldsToSnakeCase),
    ...(run.barsStatus === 'changed'
      ? ['the stored bars have changed since this run: repeating it may give another result']
      : []),
  ]
}

/** What the store says of a run whose process ended. */
const PROCESS_ENDED = /^the process that ran this backtest ended/

function nextStepFor(run: BacktestResult, { progress, trials }: RunFacts): string {
  const again = `call rerun_backtest with backtest_id "${run.backtestId}"`
  switch (run.status) {
    case 'completed': {
      const details = 'For trades and equity curve, call get_backtest_results with detail "full".'
      if (trials?.sameElsewhere !== undefined && trials.kind === 'out_of_sample') {
        return `Compare it with ${trials.sameElsewhere}: call compare_backtests with both ids, and report both. ${details}`
      }
      return (
        'Check it out of sample: call run_backtest with the same strategy and parameters on a period that no run has touched ' +
        `(free in list_assets). If this was that check, compare both runs with compare_backtests. ${details}`
      )
    }
    case 'failed':
      return PROCESS_ENDED.test(run.error ?? '')
        ? `Nothing is wrong with the request: to run it again, ${again}.`
        : 'Correct the error, then start it again with run_backtest.'
    case 'cancelled':
      return `To run it again, ${again}.`
    default:
      return progress === null
        ? `Another process on this store runs it, and only that one can stop it: call get_backtest_results with backtest_id "${run.backtestId}" again in a few seconds.`
        : `Call get_backtest_results with backtest_id "${run.backtestId}" in a few seconds; cancel_backtest stops the run.`
  }
}

function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? 'none' : `${value.toFixed(2)} %`
}

function day(timestamp: string): string {
  return timestamp.slice(0, 10)
}

/** Drops undefined fields, so that they do not override defaults. */
export function withoutUndefined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>
}
