/** Active runs: those that a call waits for, and those that continue after the call has returned. */

import type { BacktestRequest, BacktestResult, Progress } from '@aitradepro/backtesting'
import type { Engine } from './engine.js'

/** One active run. */
export interface Run {
  /** The latest progress; undefined before the first report. */
  readonly progress: Progress | undefined
  /** The promise of the engine. */
  readonly result: Promise<BacktestResult>
  /** Resolves when the run has an id or has ended. */
  identified(): Promise<void>
  /** Calls `listener` with each progress report until the run ends. */
  follow(listener: (progress: Progress) => void): void
  /** Stops the run. */
  stop(): void
}

/** Each run keeps its request in memory, and queued runs keep it for a long time. */
const MAX_RUNS = 1000

/** Thrown when too many runs are active. */
export class TooManyRunsError extends Error {
  constructor() {
    super(`${MAX_RUNS} backtests are already running or queued`)
  }
}

/** The active runs of one engine, across all servers of this process. */
export class Runs {
  readonly #engine: Engine
  readonly #byId = new Map<string, Run>()
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

  /** Starts a run. Throws `TooManyRunsError` if too many are active. */
  start(request: BacktestRequest): Run {
    if (this.#count >= MAX_RUNS) throw new TooManyRunsError()
    const controller = new AbortController()
    const listeners: ((progress: Progress) => void)[] = []
    let latest: Progress | undefined
    let hasEnded = false
    let resolveIdentified = () => {}
    const identified = new Promise<void>((resolve) => {
      resolveIdentified = resolve
    })
    const onProgress = (progress: Progress) => {
      // Progress reports have their own queue and may arrive after the end.
      if (hasEnded) return
      if (latest === undefined) {
        this.#byId.set(progress.backtestId, run)
        resolveIdentified()
      }
      latest = progress
      for (const listener of listeners) listener(progress)
    }
    const result = this.#engine.runBacktest(request, { signal: controller.signal, onProgress })
    this.#count += 1
    const onEnd = () => {
      this.#count -= 1
      hasEnded = true
      if (latest) this.#byId.delete(latest.backtestId)
      listeners.length = 0
      resolveIdentified()
    }
    result.then(onEnd, onEnd)
    const run: Run = {
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

  /** Returns a run that is active in this process. */
  find(backtestId: string): Run | undefined {
    return this.#byId.get(backtestId)
  }
}

const runsByEngine = new WeakMap<Engine, Runs>()
