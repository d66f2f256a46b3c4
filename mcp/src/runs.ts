/** Active runs: those that a call waits for, and those that continue after the call has returned. */

import type {
  BacktestRequest,
  BacktestResult,
  Progress,
  SweepProgress,
  SweepRequest,
  SweepResult,
} from '@aitradepro/backtesting'
import type { Engine } from './engine.js'

/** An active backtest or sweep. */
export interface Active<Report, Result> {
  /** The latest progress; undefined before the first report. */
  readonly progress: Report | undefined
  /** The promise of the engine. */
  readonly result: Promise<Result>
  /** Resolves when the run has an id or has ended. */
  identified(): Promise<void>
  /** Calls `listener` with each progress report until the run ends. */
  follow(listener: (progress: Report) => void): void
  /** Stops the run. */
  stop(): void
}

/** An active backtest. */
export type Run = Active<Progress, BacktestResult>

/** An active sweep. */
export type SweepRun = Active<SweepProgress, SweepResult>

/** How a method of the engine is told to stop and where it reports its progress. */
interface Control<Report> {
  signal: AbortSignal
  onProgress: (progress: Report) => void
}

/** Each run keeps its request in memory, and queued runs keep it for a long time. */
const MAX_RUNS = 1000

/** Thrown when too many runs are active. */
export class TooManyRunsError extends Error {
  constructor() {
    super(`${MAX_RUNS} backtests and sweeps are already running or queued`)
  }
}

/** The active runs of one engine, across all servers of this process. */
export class Runs {
  readonly #engine: Engine
  readonly #backtests = new Map<string, Run>()
  readonly #sweeps = new Map<string, SweepRun>()
  #count = 0

  /** Returns the runs of an engine. */
  static of(engine: Engine): Runs {
    const existing = runsByEngine.get(engine)
    if (existing) return existing
    const created = new Runs(engine)
    runsByEngine.set(engine, created)
    return created
  }

  private constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Starts a backtest. Throws `TooManyRunsError` if too many runs are active. */
  start(request: BacktestRequest): Run {
    return this.#start(
      (control: Control<Progress>) => this.#engine.runBacktest(request, control),
      this.#backtests,
      ({ backtestId }) => backtestId,
    )
  }

  /** Starts a sweep. Throws `TooManyRunsError` if too many runs are active. */
  startSweep(request: SweepRequest): SweepRun {
    return this.#start(
      (control: Control<SweepProgress>) => this.#engine.runSweep(request, control),
      this.#sweeps,
      ({ sweepId }) => sweepId,
    )
  }

  /** Returns a backtest that is active in this process. */
  find(backtestId: string): Run | undefined {
    return this.#backtests.get(backtestId)
  }

  /** Returns a sweep that is active in this process. */
  findSweep(sweepId: string): SweepRun | undefined {
    return this.#sweeps.get(sweepId)
  }

  #start<Report, Result>(
    begin: (control: Control<Report>) => Promise<Result>,
    byId: Map<string, Active<Report, Result>>,
    idOf: (progress: Report) => string,
  ): Active<Report, Result> {
    if (this.#count >= MAX_RUNS) throw new TooManyRunsError()
    const controller = new AbortController()
    const listeners: ((progress: Report) => void)[] = []
    let latest: Report | undefined
    let hasEnded = false
    let resolveIdentified = () => {}
    const identified = new Promise<void>((resolve) => {
      resolveIdentified = resolve
    })
    const onProgress = (progress: Report) => {
      // Progress reports have their own queue and may arrive after the end.
      if (hasEnded) return
      if (latest === undefined) {
        byId.set(idOf(progress), run)
        resolveIdentified()
      }
      latest = progress
      for (const listener of listeners) listener(progress)
    }
    const result = begin({ signal: controller.signal, onProgress })
    this.#count += 1
    const onEnd = () => {
      this.#count -= 1
      hasEnded = true
      if (latest !== undefined) byId.delete(idOf(latest))
      listeners.length = 0
      resolveIdentified()
    }
    result.then(onEnd, onEnd)
    const run: Active<Report, Result> = {
      get progress() {
        return latest
      },
      result,
      identified: () => identified,
      follow: (listener) => {
        listeners.push(listener)
      },
      stop: () => controller.abort(),
    }
    return run
  }
}

const runsByEngine = new WeakMap<Engine, Runs>()

/** Waits for a run to end. Returns undefined on timeout, but never before the run has an id. */
export async function waitForResult<Result>(
  run: Active<unknown, Result>,
  seconds: number,
): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined
  const waited = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000, undefined)
  })
  try {
    return (
      (await Promise.race([run.result, waited])) ?? (await Promise.race([run.result, run.identified()])) ?? undefined
    )
  } finally {
    clearTimeout(timer)
  }
}
