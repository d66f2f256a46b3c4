/** Converts sweeps to results of tools. What speaks against the best combination comes before its figures. */

import type {
  MetricName,
  SweepInfo,
  SweepNeighbours,
  SweepProgress,
  SweepResult,
  SweepTop,
} from '@aitradepro/backtesting'
import { fieldsToSnakeCase, toSnakeCase } from '../arguments/field-names.js'
import { singleLine } from '../single-line.js'
import { rounded } from './summaries.js'
import { renderText, type ToolOutput } from './tool-result.js'

/** Best combinations of a summary. */
export const DEFAULT_TOP = 5

/** Size of a default answer: of its structured content, and of its text. */
const MAX_BYTES = 4000

/** Caveats of a summary, and the length of each. */
const MAX_CAVEATS = 8
const MAX_CAVEAT_LENGTH = 320

/** Length of an expression in a sentence, and names in a list. */
const MAX_EXPRESSION_LENGTH = 60
const MAX_NAMED = 3

/** Metrics of the best combination, and of the others. */
const OF_BEST: MetricName[] = [
  'totalReturn',
  'benchmarkReturn',
  'sharpeRatio',
  'maxDrawdown',
  'closedTrades',
  'winRate',
  'profitFactor',
  'timeInMarket',
]
export const OF_TOP: MetricName[] = ['totalReturn', 'sharpeRatio', 'maxDrawdown', 'closedTrades']

/** Why combinations do not compete, in words. */
const REASONS: Record<string, string> = {
  noTrades: 'without trades',
  fewTrades: 'with too few closed trades',
  nullObjective: 'without a value of the objective',
  failed: 'failed',
}

/** What is known of a sweep besides its result. */
export interface SweepFacts {
  /** The progress, if this process runs it. */
  progress?: SweepProgress | undefined
  /** What the store says of it. */
  info?: SweepInfo | undefined
}

/** Summarizes a sweep: headline, caveats, next step, the best combination, and the best after it. */
export function sweepSummary(result: SweepResult, facts: SweepFacts = {}, top = DEFAULT_TOP): ToolOutput {
  const { sweepId, combinations, plateauChoice } = result
  if (result.status !== 'completed') return unfinishedSummary(result, facts)
  const [best] = result.top
  const bars = result.bars[0]
  const several = severalOf(result)
  return {
    headline: headlineFor(result),
    caveats: caveatsFor(result),
    next_step: nextStepFor(result),
    sweep_id: sweepId,
    status: result.status,
    progress: 100,
    done: combinations,
    combinations,
    excluded: excludedOf(result),
    ...(best && { best: row(best, OF_BEST, several) }),
    ...(plateauChoice &&
      plateauChoice.combination !== best?.combination && { plateau: row(plateauChoice, OF_TOP, several) }),
    top: result.top.slice(0, top).map((of) => row(of, OF_TOP, several)),
    strategy_id: result.strategyId,
    asset_symbols: result.assetSymbols.slice(0, 20),
    timeframes: result.timeframes,
    start_date: bars?.firstBar ?? result.startDate,
    end_date: bars?.lastBar ?? result.endDate,
    objective: objectiveOf(result),
    idle_parameters: result.idleParameters.map(fieldsToSnakeCase),
    elapsed_ms: Math.round(result.elapsedMs),
  }
}

/** Summarizes a sweep that this process runs and that has no result yet. */
export function activeSweepSummary(progress: SweepProgress): ToolOutput {
  const { sweepId, done, total, stage, secondsLeft } = progress
  const status = stage === 'queued' ? 'pending' : 'running'
  const left = secondsLeft === null ? '' : `, about ${Math.ceil(secondsLeft)} s left`
  return {
    headline: `Sweep ${sweepId} is ${status}: ${done} of ${total} combinations are done${left}. There is no result yet.`,
    caveats: [],
    next_step: `Call get_sweep with sweep_id "${sweepId}" ${waiting(secondsLeft)}; cancel_backtest with sweep_id stops it.`,
    sweep_id: sweepId,
    status,
    progress: rounded(progress.progress),
    done,
    combinations: total,
    seconds_left: secondsLeft === null ? null : Math.ceil(secondsLeft),
  }
}

/** Returns a kept sweep as one row of a list. */
export function sweepRow(info: SweepInfo): Record<string, unknown> {
  return {
    sweep_id: info.sweepId,
    status: info.status,
    strategy_id: info.strategyId,
    asset_symbols: info.assetSymbols.slice(0, MAX_NAMED),
    timeframes: info.timeframes,
    start_date: info.startDate.slice(0, 10),
    end_date: info.endDate.slice(0, 10),
    objective: shortened(expressionToSnakeCase(info.objective)),
    combinations: info.combinations,
    done: info.done,
    best: rounded(info.best),
    created_at: info.createdAt,
  }
}

/** Returns the names of the columns of a page. */
export function pageColumns(page: SweepResult): string[] {
  return [
    'combination',
    ...(page.asset ? ['asset_symbol'] : []),
    ...(page.timeframe ? ['timeframe'] : []),
    ...Object.keys(page.parameters).map(axisToSnakeCase),
    'objective',
    ...Object.keys(page.metrics).map(toSnakeCase),
    'excluded',
  ]
}

/** Returns the rows of a page, of which there are at most `limit`. Values are rounded by `convert`. */
export function pageRows(
  page: SweepResult,
  limit: number,
  convert: (value: number | null) => number | null = rounded,
): (number | string | null)[][] {
  const { asset, combination, from, metrics, objective, parameters, standing, timeframe } = page
  const reasons = [null, ...Object.keys(REASONS).map(toSnakeCase)]
  const value = (column: Float64Array, index: number) => {
    const found = column[index] ?? Number.NaN
    return Number.isNaN(found) ? null : found
  }
  return Array.from({ length: Math.min(limit, objective.length) }, (_, index) => [
    combination?.[index] ?? from + index,
    ...(asset ? [asset.symbols[asset.index[index] ?? 0] ?? null] : []),
    ...(timeframe ? [timeframe.timeframes[timeframe.index[index] ?? 0] ?? null] : []),
    ...Object.values(parameters).map((column) => value(column, index)),
    convert(value(objective, index)),
    ...Object.values(metrics).map((column) => convert(value(column, index))),
    reasons[standing[index] ?? 0] ?? null,
  ])
}

/** Drops the end of the list of the best, then details, until the content and its text have the size of a default answer. */
export function fitted(output: ToolOutput): ToolOutput {
  const isTooLarge = () =>
    Buffer.byteLength(JSON.stringify(output)) > MAX_BYTES || Buffer.byteLength(renderText(output)) > MAX_BYTES
  const { top } = output
  while (Array.isArray(top) && top.length > 1 && isTooLarge()) top.pop()
  for (const name of ['plateau', 'top', 'asset_symbols', 'timeframes', 'idle_parameters']) {
    if (!isTooLarge()) return output
    delete output[name]
  }
  while (output.caveats.length > 2 && isTooLarge()) output.caveats.pop()
  const { best } = output as { best?: { metrics?: unknown; parameters: unknown } }
  if (best && isTooLarge()) delete best.metrics
  if (best && isTooLarge()) delete output.best
  return output
}

/** Returns a combination with some of its metrics. */
function row(of: SweepTop, metrics: MetricName[], several: { assets: boolean; timeframes: boolean }) {
  const { combination, assetSymbol, timeframe, parameters, objective, neighbours } = of
  return {
    combination,
    ...(several.assets && { asset_symbol: assetSymbol }),
    ...(several.timeframes && { timeframe }),
    parameters: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [axisToSnakeCase(name), value])),
    objective: rounded(objective),
    metrics: Object.fromEntries(metrics.map((name) => [toSnakeCase(name), rounded(of.metrics[name])])),
    neighbours: {
      count: neighbours.count,
      score: rounded(neighbours.score),
      positive: rounded(neighbours.positive),
    },
  }
}

/** Summarizes a sweep without a ranking: one that another process runs, or that ended early. */
function unfinishedSummary(result: SweepResult, { progress, info }: SweepFacts): ToolOutput {
  if (progress) return activeSweepSummary(progress)
  const { sweepId, status, combinations } = result
  const done = info?.done ?? null
  const isActive = status === 'running' || status === 'pending'
  const count = done === null ? `${combinations} combinations` : `${done} of ${combinations} combinations are kept`
  const error = info?.error ?? null
  const reason = error === null ? '' : ` Reason: ${singleLine(fieldsToSnakeCase(error))}.`
  return {
    headline: `Sweep ${sweepId} is ${status}: ${count}. There is no ranking.${reason}`,
    caveats: isActive ? ['another process runs it, and this server cannot stop it'] : [],
    next_step: isActive
      ? `Call get_sweep with sweep_id "${sweepId}" again later.`
      : `Call run_sweep with only resume "${sweepId}" to go on, or get_sweep with from and to to read what is kept.`,
    sweep_id: sweepId,
    status,
    progress: done === null ? null : rounded((done / Math.max(1, combinations)) * 100),
    done,
    combinations,
    strategy_id: result.strategyId,
    error,
  }
}

function headlineFor(result: SweepResult): string {
  const { combinations, notes, top } = result
  const isSingle = combinations === 1
  const what = `${combinations} ${isSingle ? 'combination' : 'combinations'} of ${result.strategyId} on ${placeOf(result)}`
  const [best] = top
  const marked = notes.some(({ code }) => code === 'LOOK_AHEAD') ? 'LOOKS AHEAD, proves nothing: ' : ''
  const excluded = excludedText(result)
  if (best === undefined) {
    return `${marked}Nothing to choose from ${what}: none competes${excluded === '' ? '' : ` (${excluded})`}.`
  }
  const { closedTrades, totalReturn, benchmarkReturn, maxDrawdown } = best.metrics
  const values = Object.entries(best.parameters).map(([name, value]) => `${axisToSnakeCase(name)} ${value ?? 'off'}`)
  const place = [
    ...(result.assetSymbols.length > 1 ? [best.assetSymbol] : []),
    ...(result.timeframes.length > 1 ? [best.timeframe] : []),
    ...values.slice(0, 6),
    ...(values.length > 6 ? ['…'] : []),
  ]
  return (
    `${marked}${what}: ${isSingle ? '' : `the best of ${combinations} tries in sample; `}` +
    `${neighboursText(best.neighbours, notes)}; ${trades(closedTrades)}` +
    `${excluded === '' ? '' : `; ${excludedCount(result)} do not compete (${excluded})`}. ` +
    `Best: ${place.length === 0 ? 'no parameters' : place.join(', ')}, with ${objectiveOf(result)} ${Number(best.objective.toPrecision(3))}, ` +
    `total return ${percent(totalReturn)}, buy and hold ${percent(benchmarkReturn)}, maximum drawdown ${percent(maxDrawdown)}.`
  )
}

/** Says whether the best combination is a spike, as far as the combinations beside it tell. */
function neighboursText({ count, score }: SweepNeighbours, notes: SweepResult['notes']): string {
  if (count === 0) return 'no combinations beside it'
  const beside = `the ${count} beside it`
  if (score !== null) {
    const spike = notes.some(({ code }) => code === 'BEST_IS_SPIKE') ? 'a spike: ' : ''
    return `${spike}the median objective of ${beside} is ${score.toFixed(2)} of its own`
  }
  return count < 3 ? `only ${count} beside it, too few to tell a plateau from a spike` : 'its objective is not above 0'
}

function caveatsFor({ idleParameters, notes }: SweepResult): string[] {
  const texts = notes.map(({ text }) => fieldsToSnakeCase(text))
  if (idleParameters.length > 0) {
    const names = namedList(idleParameters.map(axisToSnakeCase))
    texts.push(`different values of ${names} change nothing, so the number of different combinations is lower`)
  }
  const shown = texts.slice(0, MAX_CAVEATS).map((text) => shortened(singleLine(text), MAX_CAVEAT_LENGTH))
  const more = texts.length - shown.length
  return more > 0 ? [...shown, `… and ${more} more`] : shown
}

function nextStepFor(result: SweepResult): string {
  const { combinations, notes, plateauChoice, sweepId } = result
  const [best] = result.top
  if (best === undefined) {
    return 'Change the ranges or the period, or lower min_trades, and call run_sweep again. Do not report a result.'
  }
  const isSpike = notes.some(({ code }) => code === 'BEST_IS_SPIKE')
  const hasPlateau = plateauChoice !== null && plateauChoice.combination !== best.combination
  const after = result.bars[0]?.lastBar.slice(0, 10)
  const choice = hasPlateau
    ? isSpike
      ? 'Prefer the combination "plateau" to the spike'
      : 'Decide between "best" and "plateau" before you go on'
    : isSpike
      ? 'Look for a plateau instead of the spike (include_heatmap), with other ranges if need be'
      : 'Take the best combination'
  return (
    `${choice}, then call run_backtest with it once on bars after ${after} that took no part in the choice, and report that ` +
    `${combinations === 1 ? '1 combination was' : `${combinations} combinations were`} tried. For other combinations, call get_sweep with sweep_id "${sweepId}", from, to and where.`
  )
}

/** Names assets, timeframes and the period that the bars cover. */
function placeOf({ assetSymbols, bars, endDate, startDate, timeframes }: SweepResult): string {
  const firsts = bars.map(({ firstBar }) => firstBar).sort()
  const lasts = bars.map(({ lastBar }) => lastBar).sort()
  const [from, to] = [firsts[0] ?? startDate, lasts.at(-1) ?? endDate].map((date) => date.slice(0, 10))
  return `${namedList(assetSymbols)} (${namedList(timeframes)}, ${from} to ${to})`
}

function excludedOf({ excluded }: SweepResult): Record<string, number> {
  return Object.fromEntries(
    Object.entries(excluded)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => [toSnakeCase(reason), count]),
  )
}

function excludedCount({ excluded }: SweepResult): number {
  return Object.values(excluded).reduce((sum, count) => sum + count, 0)
}

function excludedText({ excluded }: SweepResult): string {
  const reasons = Object.entries(excluded).filter(([, count]) => count > 0)
  const text = ([reason, count]: [string, number]) => {
    const words = REASONS[reason] ?? toSnakeCase(reason)
    return reasons.length === 1 ? words : `${count} ${words}`
  }
  return reasons.map(text).join(', ')
}

function severalOf({ assetSymbols, timeframes }: SweepResult) {
  return { assets: assetSymbols.length > 1, timeframes: timeframes.length > 1 }
}

function objectiveOf({ objectiveText }: SweepResult): string {
  return shortened(expressionToSnakeCase(objectiveText))
}

/** Converts the names in an expression over metrics. */
function expressionToSnakeCase(text: string): string {
  return singleLine(text).replace(/[a-z]\w*/gi, toSnakeCase)
}

/** Converts the name of a setting among parameters; the names of parameters stay as they are. */
function axisToSnakeCase(name: string): string {
  return name.startsWith('simulation.') ? toSnakeCase(name) : name
}

function trades(closed: number | null): string {
  return `${closed ?? 0} closed ${closed === 1 ? 'trade' : 'trades'}`
}

function namedList(names: string[]): string {
  const more = names.length - MAX_NAMED
  return `${names.slice(0, MAX_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function percent(value: number | null | undefined): string {
  return value === null || value === undefined ? 'none' : `${value.toFixed(2)} %`
}

function waiting(secondsLeft: number | null): string {
  return secondsLeft === null || secondsLeft < 10 ? 'in a few seconds' : `in about ${Math.ceil(secondsLeft)} s`
}

function shortened(text: string, length = MAX_EXPRESSION_LENGTH): string {
  return text.length > length ? `${text.slice(0, length)}…` : text
}
