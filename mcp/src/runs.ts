/** The runs under way: those that a call waits for, and those that went on after it had been answered. */

import type { BacktestRequest, BacktestResult, Progress } from '@aitradepro/backtesting'
import type { Engine } from './engine.js'

/** One run under way. */
export interface Run {
  /** What the engine told last; nothing before its first word. */
  readonly progress: Progress | undefined
  /** Ends as the engine's promise does. */
  readonly result: Promise<BacktestResult>
  /** Waits until the run has an id or has ended. */
  identified(): Promise<void>
  /** Hears progress until the run ends. */
  follow(listener: (progress: Progress) => void): void
  /** Stops the run. */
  stop(): void
}

/** So many runs may be under way: each holds its request, and those that wait for their turn hold it for long. */
const MOST = 1000

/** There are too many runs under way. */
export class TooManyRuns extends Error {
  constructor() {
    super(`${MOST} backtests are under way or waiting for their turn already`)
  }
}

/** The runs of one engine, whichever server of this process started them. */
export class Runs {
  readonly #engine: Engine
  readonly #byId = new Map<string, Run>()
  #count = 0

  /** Returns the runs of an engine. */
  static of(engine: Engine): Runs {
    const known = RUNS.get(engine)
    if (known) return known
    const made = new Runs(engine)
    RUNS.set(engine, made)
    return made
  }

  private constructor(engine: Engine) {
    this.#engine = engine
  }

  /** Starts a run, or throws `TooManyRuns`. */
  start(request: BacktestRequest): Run {
    if (this.#count >= MOST) throw new TooManyRuns()
    const controller = new AbortController()
    const listeners: ((progress: Progress) => void)[] = []
    let last: Progress | undefined
    let ended = false
    let identify = () => {}
    const named = new Promise<void>((resolve) => {
      identify = resolve
    })
    const onProgress = (progress: Progress) => {
      // Reports travel by a queue of their own and may come after the end.
      if (ended) return
      if (last === undefined) {
        this.#byId.set(progress.backtestId, run)
        identify()
      }
      last = progress
      for (const listener of listeners) listener(progress)
    }
    const result = this.#engine.runBacktest(request, { signal: controller.signal, onProgress })
    this.#count += 1
    const end = () => {
      this.#count -= 1
      ended = true
      if (last) this.#byId.delete(last.backtestId)
      listeners.length = 0
      identify()
    }
    result.then(end, end)
    const run: Run = {
      get progress() {
        return last
      },
      result,
      identified: () => named,
      follow: (listener) => {
        listeners.push(listener)
      },
      stop: () => controller.abort(),
    }
    return run
  }

  /** Returns a run that is under way in this process. */
  find(backtestId: string): Run | undefined {
    return this.#byId.get(backtestId)
  }
}

const RUNS = new WeakMap<Engine, Runs>()
