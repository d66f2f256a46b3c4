/** Which periods of an asset a run can have: those within the limits that no kept run has touched, split for a study and its check. */

import type { AssetInfo, AssetTimeframe, EngineLimits } from '@aitradepro/backtesting'
import type { Engine } from '../engine.js'

const DAY = 86_400_000

/** Runs and sweeps that are read to find what is free. */
const MAX_READ = 1000

/** Shorter periods than this share of the bars are not worth a study, and not told. */
const MIN_SHARE = 0.05

/** The most free periods listed for each series. */
const MAX_PERIODS = 3

/** Share of the days that a limit on bars allows, because bars are not evenly spread. */
const MARGIN = 0.9

/** Timeframes of a day and longer, for which the limit on days is another one. */
const LONG = ['1d', '1w']

/** A period, days from 00:00 UTC of the first to the end of the last. */
export type Period = [first: string, last: string]

/** What runs have touched, by asset. */
type Touched = Map<string, Period[]>

/** Periods of one series. */
export interface Periods {
  /** The longest run that the limits allow, days; absent without a limit that matters. */
  max_days?: number
  /** The longest periods that no kept run has touched. */
  free: Period[]
  /** Where to develop and where to check, within the limits; absent if nothing is free. */
  split?: { in_sample: Period; held_out: Period }
}

/** Returns what kept runs and sweeps have touched. */
export async function touchedPeriods(engine: Engine): Promise<Touched> {
  const [runs, sweeps] = await Promise.all([
    engine.listBacktests({ limit: MAX_READ, status: 'completed' }),
    engine.listSweeps({ limit: MAX_READ }),
  ])
  const touched: Touched = new Map()
  const add = (asset: string, start: string, end: string) => {
    touched.set(asset, [...(touched.get(asset) ?? []), [start.slice(0, 10), end.slice(0, 10)]])
  }
  for (const { assetSymbol, startDate, endDate } of runs) add(assetSymbol, startDate, endDate)
  for (const { assetSymbols, startDate, endDate, done } of sweeps) {
    if ((done ?? 0) > 0) for (const asset of assetSymbols) add(asset, startDate, endDate)
  }
  return touched
}

/** Returns the periods of a series. */
export function periodsOf(
  { assetSymbol }: Pick<AssetInfo, 'assetSymbol'>,
  series: AssetTimeframe,
  touched: Touched,
  limits: EngineLimits | undefined,
): Periods {
  const whole: Period = [series.first.slice(0, 10), series.last.slice(0, 10)]
  const all = freeOf(whole, touched.get(assetSymbol) ?? [])
  const least = daysOf(whole) * MIN_SHARE
  const free = all
    .filter((period) => daysOf(period) >= least)
    .sort((one, other) => daysOf(other) - daysOf(one))
    .slice(0, MAX_PERIODS)
  const maxDays = longestRun(series, limits)
  const [longest] = free
  return {
    ...(maxDays < daysOf(whole) && { max_days: maxDays }),
    free,
    ...(longest && daysOf(longest) > 2 && { split: splitOf(longest, maxDays) }),
  }
}

/** Returns the longest run on a series that the limits allow, days. */
function longestRun({ bars, first, last, timeframe }: AssetTimeframe, limits: EngineLimits | undefined): number {
  if (limits === undefined) return Number.POSITIVE_INFINITY
  const { maxBars, maxDays, maxIntradayDays } = limits
  const byDays = (LONG.includes(timeframe) ? maxDays : maxIntradayDays) ?? Number.POSITIVE_INFINITY
  const perDay = bars / daysOf([first.slice(0, 10), last.slice(0, 10)])
  const byBars = bars > maxBars ? Math.floor((maxBars / perDay) * MARGIN) : Number.POSITIVE_INFINITY
  return Math.max(1, Math.min(byDays, byBars))
}

/** Splits a period: the last third is held out. Where the limits are shorter, the latest days that they allow. */
export function splitOf(
  [first, last]: Period,
  maxDays = Number.POSITIVE_INFINITY,
): { in_sample: Period; held_out: Period } {
  const days = daysOf([first, last])
  const heldOut = Math.min(Math.max(1, Math.floor(days / 3)), maxDays)
  const start = moved(last, 1 - heldOut)
  const inSample = Math.min(days - heldOut, maxDays)
  return { in_sample: [moved(start, -inSample), moved(start, -1)], held_out: [start, last] }
}

/** Returns the parts of a period that no other one touches. */
function freeOf([first, last]: Period, touched: Period[]): Period[] {
  const free: Period[] = []
  let next = first
  for (const [start, end] of [...touched].sort(([one], [other]) => (one < other ? -1 : 1))) {
    if (end < next) continue
    if (start > last) break
    if (start > next) free.push([next, moved(start, -1)])
    next = moved(end, 1)
  }
  if (next <= last) free.push([next, last])
  return free
}

/** Returns the number of days of a period. */
function daysOf([first, last]: Period): number {
  return Math.round((Date.parse(last) - Date.parse(first)) / DAY) + 1
}

function moved(date: string, days: number): string {
  return new Date(Date.parse(date) + days * DAY).toISOString().slice(0, 10)
}

/** Returns a split of an asset that fits the limits, as the next step after a run that exceeded them; undefined if there is none. */
export async function fittingSplit(
  engine: Engine,
  assetSymbol: string,
  timeframe: string | undefined,
): Promise<string | undefined> {
  const asset = (await engine.listAssets()).find((one) => one.assetSymbol === assetSymbol)
  const series = asset?.timeframes.find((one) => one.timeframe === timeframe) ?? asset?.timeframes[0]
  if (series === undefined) return undefined
  const wanted =
    timeframe === undefined || timeframe === series.timeframe ? series : { ...series, timeframe: timeframe as '1d' }
  const { max_days, split } = periodsOf(
    { assetSymbol },
    wanted as AssetTimeframe,
    await touchedPeriods(engine),
    engine.limits?.(),
  )
  if (split === undefined) return undefined
  const most = max_days === undefined ? '' : `at most ${max_days} days at once; `
  const text = ([from, to]: Period) => `${from} to ${to}`
  return `${most}for example ${text(split.in_sample)}, then ${text(split.held_out)} for the check`
}
