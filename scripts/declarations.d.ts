// scripts/build.mjs copies these declarations into index.d.ts: napi cannot generate them.

/**
 * The error of every rejected promise of this package, except for an aborted call, which rejects with an `AbortError`.
 * `error instanceof BacktestError` works in plain Node.js, vitest, jest and worker threads.
 */
export declare class BacktestError extends Error {
  readonly name: 'BacktestError'
  /** Stable code that callers can branch on. */
  readonly code: ErrorCode
  /** Whether the same call can succeed later without a change to the request. */
  readonly retryable: boolean
  /** Every problem found in the request or the data; empty for other failures. */
  readonly issues: Issue[]
}

/** A column of numbers. Those of a `BigInt64Array` are at most 2^53. */
export type NumberColumn = Float64Array | Float32Array | BigInt64Array | readonly number[]

/** A column of UTC milliseconds. */
export type TimestampColumn = Float64Array | BigInt64Array | readonly number[]

/** Bars as columns, or an Arrow IPC stream or file with these column names, such as `tableToIPC` of apache-arrow writes. */
export type BarsInput = BarsColumns | Uint8Array

/**
 * A result after `JSON.parse(JSON.stringify(result))`: its columns are arrays. NaN, which only columns of trades have, is null
 * there.
 */
export type JsonOf<Result> = {
  [Key in keyof Result]: Result[Key] extends Float64Array | Uint32Array | Uint8Array
    ? number[]
    : Result[Key] extends OrderColumns | TradeColumns
      ? JsonOf<Result[Key]>
      : Result[Key]
}

/** Name of a metric. docs/metrics.md describes all of them. */
export type MetricName = 'scripts/build.mjs lists the names'

/**
 * Metrics by name. A metric without a finite value, such as a ratio with a divisor of 0, is null. A backtest that was stored
 * by an earlier version lacks the metrics that were added later.
 */
export type Metrics = Record<MetricName, number | null>

/** A strategy: the id of a built-in or registered one, or an inline definition. */
export type StrategyChoice =
  | {
      /** Id of a built-in or registered strategy. */
      strategyId: string
      strategy?: undefined
    }
  | {
      strategyId?: undefined
      /** Inline definition of a strategy, instead of `strategyId`. */
      strategy: StrategyDefinition
    }

/** A part of the result of a backtest: `equity` is `timestamps`, `equityCurve` and `totalPoints`; `warnings` includes `notes`. */
export type OutputName = 'metrics' | 'trades' | 'equity' | 'warnings'

/** A request for a backtest. */
export type BacktestRequest<Output extends OutputName = OutputName> = BacktestRequestFields &
  StrategyChoice & {
    /**
     * The parts of the result. Fields of parts that are not named are absent, and neither computed nor stored; `finalCapital` and
     * `totalReturn` are always there. Default: everything.
     */
    outputs?: readonly Output[]
  }

/** A result with only some of its parts. */
export type BacktestResultWith<Output extends OutputName> = Omit<
  BacktestResult,
  OutputFields[Exclude<OutputName, Output>]
>

/** The fields of each part of a result. */
export interface OutputFields {
  metrics: 'metrics'
  trades: 'trades'
  equity: 'timestamps' | 'equityCurve' | 'totalPoints'
  warnings: 'warnings' | 'notes'
}

/** A strategy, by its id or as an inline definition, with parameters. */
export type StrategyConfig = StrategyConfigFields & StrategyChoice

/** A part of the result of `simulateSignals`: `equity` is `equityCurve`; `warnings` includes `notes`. */
export type SignalsOutputName = OutputName | 'orders'

/** Prices and signals to simulate, with the settings of the order model. */
export interface SignalsRequest<Output extends SignalsOutputName = SignalsOutputName>
  extends SignalsColumns,
    SimulationOptions {
  /** The parts of the result, as in a `BacktestRequest`. Default: everything. */
  outputs?: readonly Output[]
}

/** The result of simulating signals with only some of its parts. */
export type SimulationResultWith<Output extends SignalsOutputName> = Omit<
  SimulationResult,
  (OutputFields & { orders: 'orders' })[Exclude<SignalsOutputName, Output>]
>

/**
 * A step of a backtest, in this order. Some are left out: `queued` if the backtest need not wait, `storing` if it is not
 * persisted.
 */
export type RunStage = 'queued' | 'loading' | 'signals' | 'simulation' | 'metrics' | 'storing' | 'completed'

/** Kind of strategy. */
export type StrategyType = 'trend' | 'mean_reversion' | 'momentum' | 'arbitrage' | 'custom'

/** Type of a parameter of a strategy. */
export type ParameterType = 'integer' | 'number' | 'boolean'

/** Signals, one per bar: 0 or 1, or booleans. */
export type SignalColumn = Uint8Array | readonly boolean[] | readonly number[]

/** A table of a result. */
export type TableName = 'trades' | 'orders' | 'equity'

/** A result of `runBacktest`, `getBacktestResults` or `simulateSignals`, also after `JSON.parse`. */
export interface TableSource {
  trades?: readonly Trade[] | TradeColumns | JsonOf<TradeColumns>
  orders?: OrderColumns | JsonOf<OrderColumns>
  timestamps?: TimestampColumn
  equityCurve?: NumberColumn
}

/**
 * The values of a swept parameter or setting: a list (also of one value), a range with a step (default 1; `to` is included if it is hit), or a
 * number of values from `from` to `to`, evenly spaced or with a constant ratio. Whole-number parameters are rounded, and values that
 * occur twice count once. In a list for a stop, null is off.
 */
export type ParameterRange =
  | number
  | boolean
  | readonly (number | boolean | null)[]
  | { from: number; to: number; step?: number }
  | { from: number; to: number; count: number; scale?: 'linear' | 'log' }

/** A request for a sweep. `resume` goes on with a kept sweep that was interrupted; it takes no other field except `bars`. */
export type SweepRequest = (SweepRequestFields & StrategyChoice) | SweepResume

/** The fields of a `SweepRequest` besides the strategy. */
export interface SweepRequestFields
  extends Omit<BacktestRequestFields, 'assetSymbol' | 'parameters' | 'maxPoints' | 'persist'> {
  /** The asset. */
  assetSymbol?: string
  /** Several assets of the store, each run by itself; instead of `assetSymbol`. The result has a column for them. */
  assetSymbols?: readonly string[]
  /** Several timeframes, each run by itself; instead of `timeframe`. The result has a column for them. */
  timeframes?: readonly Timeframe[]
  /**
   * The values of parameters of the strategy, of `position_size`, and of settings that are numbers or flags, such as
   * 'simulation.slStop'. What is not named keeps its default. Every combination of the values is run.
   */
  parameters?: Record<string, ParameterRange>
  /** Conditions on parameters and settings, besides those of the strategy: 'slow_period >= 2 * fast_period'. At most 64. */
  constraints?: readonly string[]
  /** Runs this many of the combinations, chosen by the seed (default 0), instead of all. */
  sample?: { count: number; seed?: number }
  /** What ranks combinations, the higher the better: a metric or an expression over metrics. @default 'sharpeRatio' */
  objective?: string
  /** Combinations with fewer closed trades do not compete. @default 5 */
  minTrades?: number
  /**
   * The metrics to keep of every combination. Default: all except `valueAtRisk`, `conditionalValueAtRisk`, `tailRatio`,
   * `maxDrawdownDurationDays` and `avgDrawdownDurationDays`, which cost more.
   */
  metrics?: readonly MetricName[]
  /** How many of the best combinations the result has with all their metrics, at most 1,000. @default 20 */
  top?: number
  /** Whether to keep the sums of the returns of each combination, from which a search can be judged. @default false */
  sums?: boolean
  /** Whether to keep the sweep in the store while it runs and afterwards. @default false */
  persist?: boolean
}

/** A request for a walk-forward: a sweep on one asset and timeframe, and the windows that move through its bars. */
export type WalkForwardRequest = WalkForwardRequestFields & StrategyChoice

/** The fields of a `WalkForwardRequest` besides the strategy. */
export interface WalkForwardRequestFields
  extends Omit<SweepRequestFields, 'assetSymbols' | 'timeframes' | 'metrics' | 'top' | 'sums' | 'persist'> {
  /**
   * The length of the training windows: a number of bars, or a duration such as '2y', '6M' (months), '4w', '90d', '12h' or '30m' (minutes).
   * A window of a duration has the bars that open in it. All lengths are numbers of bars, or none is.
   */
  train: number | string
  /** The length of the tests, at least 5 bars. Each follows its training. */
  test: number | string
  /** From one training to the next, at least `test`. Default: `test`, so that the tests follow each other. */
  step?: number | string
  /** Whether every training begins at the first bar. @default false */
  anchored?: boolean
  /** Number of bars between a training and its test that belong to neither. @default 0 */
  purge?: number
  /** Whether the last test may be shorter than `test`. @default false */
  partial?: boolean
}

/** Goes on with a kept sweep that was interrupted. */
export interface SweepResume {
  /** The id of the sweep. */
  resume: string
  /** The bars, if the sweep was started with bars of the request. They must be the same. */
  bars?: BarsInput
}

/** The options of `runSweep`, `sweep` and `walkForward`. */
export interface SweepOptions {
  /** Stops the sweep. */
  signal?: AbortSignal
  /** Receives the progress, at most ten times per second. */
  onProgress?: (progress: SweepProgress) => void
}

/** The columns of a sweep, or of a part of it. They have one entry per row, in grid order: the last parameter runs fastest. */
export interface SweepColumns {
  /** The values of each swept parameter or setting. Flags are 0 and 1; NaN is a stop that is off. */
  parameters: Record<string, Float64Array>
  /** The metrics of each combination; NaN if a metric has no value. */
  metrics: Partial<Record<MetricName, Float64Array>>
  /** The objective; NaN if it has no value. */
  objective: Float64Array
  /** Whether each combination competes: 0 if it does, 1 without trades, 2 with too few closed trades, 3 without an objective, 4 if it failed. */
  standing: Uint8Array
  /** The assets and the index of each row's asset; only with `assetSymbols`. */
  asset?: { symbols: string[]; index: Uint16Array }
  /** The timeframes and the index of each row's timeframe; only with `timeframes`. */
  timeframe?: { timeframes: Timeframe[]; index: Uint8Array }
  /** Sums of the returns of each combination; only with `sums`. */
  sums?: SweepSums
}

/**
 * Sums over the bars of each combination, from which a search can be judged. `r` is the return of the equity from one bar to the
 * next, `m` that of the close. They are NaN for a combination that failed.
 */
export interface SweepSums {
  /** The sum of r. */
  returns: Float64Array
  /** The sum of r². */
  squares: Float64Array
  /** The sum of r·m. */
  products: Float64Array
  /** The mean signed exposure: value of the position ÷ equity at the close before each bar. */
  exposure: Float64Array
  /** The sum of r in each of 16 blocks of equally many bars, 16 entries per combination; single precision above 100,000 combinations. */
  blockReturns: Float64Array | Float32Array
  /** The sum of r² in each block. */
  blockSquares: Float64Array | Float32Array
}

/** The result of a sweep. */
export interface SweepResult extends SweepColumns {
  /** The id of the sweep. */
  sweepId: string
  /** Whether the sweep is completed. */
  status: BacktestStatus
  /** The strategy. */
  strategyId: string
  /** The source text of the strategy, unless it is built in or a function. */
  strategySource: string | null
  /** The assets. */
  assetSymbols: string[]
  /** The timeframes; `tick` if each tick is a bar. */
  timeframes: (Timeframe | 'tick')[]
  /** Start of the requested range, ISO 8601. */
  startDate: string
  /** End of the requested range, ISO 8601. */
  endDate: string
  /** The objective as in the request: a metric, or an expression over metrics. */
  objectiveText: string
  /** Number of combinations of the sweep. */
  combinations: number
  /** Number of combinations that are done: the first ones in grid order. */
  done: number
  /** Why the sweep failed or was cancelled; null otherwise. */
  error: string | null
  /** The combination of the first row: 0, except in a page of `getSweep`. */
  from: number
  /** The combination of each row; only in a page that `where` selects. */
  combination?: Uint32Array
  /** The best combinations, the best first. */
  top: SweepTop[]
  /** The combination with the best mean over itself and those beside it: often a safer choice than the best. Null if it is not known. */
  plateauChoice: SweepTop | null
  /** The parameters with several values that change nothing. */
  idleParameters: string[]
  /** The number of combinations by how they were computed: `allIn`, `segments` or `plain` (docs/performance.md). All have the same results. */
  paths: Record<string, number>
  /** The number of combinations that do not compete, by reason. */
  excluded: Record<string, number>
  /** The bars of each asset and timeframe. */
  bars: SweepBars[]
  /** Reserved. */
  judgement: null
  /** The texts of `notes`. */
  warnings: string[]
  /** What speaks against the result, the most important first. */
  notes: Note[]
  /** Milliseconds from the call to the result. */
  elapsedMs: number
  /** Returns the result with its columns as arrays, for `JSON.stringify`. */
  toJSON(): SweepJson
}

/** A result of a sweep after `JSON.parse(JSON.stringify(result))`: its columns are arrays, and NaN is null. */
export type SweepJson = Omit<SweepResult, keyof SweepColumns | 'combination' | 'toJSON'> & {
  parameters: Record<string, (number | null)[]>
  metrics: Partial<Record<MetricName, (number | null)[]>>
  objective: (number | null)[]
  standing: number[]
  asset?: { symbols: string[]; index: number[] }
  timeframe?: { timeframes: Timeframe[]; index: number[] }
  combination?: number[]
}

/**
 * Values of parameters of a sweep by their names in the request. Assets and timeframes have their names as values, as in
 * `{ assetSymbol: 'AAPL' }`; null is a stop that is off.
 */
export type FixedParameters = Record<string, number | boolean | string | null>

/** A part of a sweep: `combinations` rows from combination `from` on. */
export interface SweepPart extends SweepColumns {
  /** The combination of the first row. */
  from: number
  /** Number of rows. */
  combinations: number
}
