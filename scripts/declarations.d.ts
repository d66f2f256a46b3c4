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
