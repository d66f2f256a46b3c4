/** What was tried before a run on the same bars, as far as it is kept: a result of the 51st try means less than one of the first. */

import type { BacktestResult, BacktestSummary } from '@aitradepro/backtesting'
import type { Engine } from '../engine.js'

/** Runs and sweeps that are read. Reading more would take longer than most runs. */
const MAX_READ = 500

/** What was tried before a run. */
export interface Trials {
  /**
   * - `first`: no earlier run on this asset is kept, or none with the same strategy;
   * - `out_of_sample`: no earlier run touched these bars, and one on other bars had the same strategy, parameters and settings;
   * - `new_bars`: no earlier run touched these bars, but those on other bars differ;
   * - `in_sample`: earlier runs touched these bars.
   */
  kind: 'first' | 'out_of_sample' | 'new_bars' | 'in_sample'
  /** Earlier runs on these bars. */
  runs: number
  /** Combinations of earlier sweeps on these bars. */
  combinations: number
  /** Whether there may be more than were read. */
  isLowerBound: boolean
  /** An earlier run with the same strategy, parameters and settings on other bars. */
  sameElsewhere: string | undefined
  /** An earlier run of the same request with the same result. */
  repeated: string | undefined
}

/** Finds out what was tried before a completed run; undefined for any other run. */
export async function trialsBefore(engine: Engine, run: BacktestResult): Promise<Trials | undefined> {
  const { assetSymbol, assumptions, backtestId, createdAt, userId } = run
  if (run.status !== 'completed' || assumptions === null) return undefined
  const filter = { assetSymbol, limit: MAX_READ, ...(userId !== null && { userId }) }
  const lists = Promise.all([engine.listBacktests({ ...filter, before: backtestId }), engine.listSweeps(filter)])
  // Without the lists, or if the run is deleted meanwhile, the result is returned without them.
  const read = await lists.catch(() => undefined)
  if (read === undefined) return undefined
  const [kept, sweeps] = read
  const { firstBar, lastBar } = assumptions
  const touches = ({ startDate, endDate }: { startDate: string; endDate: string }) =>
    startDate <= lastBar && endDate >= firstBar
  const earlier = kept.filter(({ status }) => status === 'completed')
  const combinations = sweeps
    .filter((sweep) => sweep.createdAt <= createdAt && touches(sweep))
    .reduce((sum, { done }) => sum + (done ?? 0), 0)
  const runs = earlier.filter(touches).length
  const elsewhere = earlier.filter((one) => !touches(one))
  const sameElsewhere = elsewhere.find((one) => isSameStrategy(one, run))?.backtestId
  const isNew = runs + combinations === 0
  return {
    kind: !isNew
      ? 'in_sample'
      : sameElsewhere !== undefined
        ? 'out_of_sample'
        : elsewhere.length > 0
          ? 'new_bars'
          : 'first',
    runs,
    combinations,
    isLowerBound: kept.length === MAX_READ || sweeps.length === MAX_READ,
    sameElsewhere,
    // The oldest: a later one of several at the same time may be about to be dropped for it.
    repeated: earlier.findLast((one) => isRepeated(one, run))?.backtestId,
  }
}

/** Says which try a run was, in words that begin a sentence about its result. */
export function trialsText({ kind, runs, combinations, isLowerBound, sameElsewhere }: Trials): string {
  switch (kind) {
    case 'first':
      return 'the first run on these bars'
    case 'out_of_sample':
      return `out of sample: no earlier run touched these bars, and ${sameElsewhere} had the same parameters on others`
    case 'new_bars':
      return 'no earlier run touched these bars, but none on other bars had these parameters'
    case 'in_sample': {
      const number = `${isLowerBound ? 'at least ' : ''}${runs + combinations + 1}`
      return `in sample: try ${number} on these bars${combinations > 0 ? `, ${combinations} of them in sweeps` : ''}`
    }
  }
}

/** Says what the number of tries means for the result. */
export function trialsCaveat({ kind, runs, combinations }: Trials): string {
  switch (kind) {
    case 'first':
      return 'first kept run on these bars: in sample if anyone chose strategy or parameters by looking at them'
    case 'out_of_sample':
      return 'out of sample only if nobody looked at these bars elsewhere before the parameters were fixed'
    case 'new_bars':
      return 'new bars, but the parameters were not fixed by a run on others: in sample if anyone chose them by looking at these'
    case 'in_sample': {
      const tries = runs + combinations
      return (
        `in sample: ${tries} earlier ${tries === 1 ? 'try' : 'tries'} touched these bars, so that selection flatters this result; ` +
        'only bars that no try touched can confirm it'
      )
    }
  }
}

type Compared = Pick<
  BacktestSummary,
  'strategyId' | 'strategySource' | 'timeframe' | 'parameters' | 'simulation' | 'userId'
>

function isSameStrategy(one: Compared, other: Compared): boolean {
  const of = ({ strategyId, strategySource, timeframe, parameters, simulation }: Compared) =>
    JSON.stringify([strategyId, strategySource, timeframe, sorted(parameters), sorted(simulation)])
  return of(one) === of(other)
}

/** Returns whether a kept run is that of the same request: same user, bars and engine version, and the same numbers. */
function isRepeated(kept: BacktestSummary, run: BacktestResult): boolean {
  return (
    run.barsFingerprint !== null &&
    kept.barsFingerprint === run.barsFingerprint &&
    kept.userId === run.userId &&
    kept.engineVersion === run.engineVersion &&
    kept.startDate === run.startDate &&
    kept.endDate === run.endDate &&
    kept.initialCapital === run.initialCapital &&
    isSameStrategy(kept, run) &&
    kept.lookAhead === run.lookAhead &&
    JSON.stringify(sorted(kept.metrics)) === JSON.stringify(sorted(run.metrics))
  )
}

function sorted(object: object): [string, unknown][] {
  return Object.entries(object).sort(([one], [other]) => (one < other ? -1 : 1))
}
