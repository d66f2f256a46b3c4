// Declarations that napi's generator cannot express. scripts/build.mjs copies them into index.d.ts.

/** Stable error code to branch on. */
export type ErrorCode =
  /**
   * A field is missing, unknown, of the wrong type or out of range; `issues` lists all problems. Or an amount of the run
   * overflows: one issue with code `overflow`, and a message that names the bar.
   */
  | 'INVALID_ARGUMENT'
  /** There is no strategy with this id; the message suggests the nearest one. */
  | 'UNKNOWN_STRATEGY'
  /** There are no bars for this asset, timeframe and range; the message names the available range. */
  | 'NO_DATA'
  /** Bars break an invariant (order, duplicates, prices), or a file is corrupt. */
  | 'BAD_DATA'
  /** A limit is exceeded; the message names the limit and the value. */
  | 'LIMIT_EXCEEDED'
  /** There is no backtest with this id. */
  | 'NOT_FOUND'
  /** The database or the file system failed; `retryable` tells whether a retry can help. */
  | 'STORAGE'
  /** The engine was closed. */
  | 'CLOSED'
  /** A bug in this library. */
  | 'INTERNAL'

/** One problem of a request or of data, with its location. */
export interface Issue {
  /** Location: `parameters.fast_period`, `bars.close[17]`; empty for the whole request. */
  path: string
  /** Kind of problem: `required`, `type`, `range`, `unknown`, `choice`, `conflict`, `overflow`, … */
  code: string
  /** The problem, the value, and what is allowed. */
  message: string
}

/**
 * The error of every rejected promise of this package, except for cancelled ones (`AbortError`).
 * `error instanceof BacktestError` works in plain Node.js, vitest, jest and worker threads.
 */
export declare class BacktestError extends Error {
  readonly name: 'BacktestError'
  /** Stable error code. */
  readonly code: ErrorCode
  /** Whether the same call can succeed later without changing the request. */
  readonly retryable: boolean
  /** All problems of the request or the data; empty for external failures. */
  readonly issues: Issue[]
}

/** Bars as columns, or an Arrow IPC stream or file with the same column names, as written by apache-arrow's `tableToIPC`. */
export type BarsInput = Bars | Uint8Array

/** Metrics by name; null if a metric has no value, such as a ratio with a zero divisor or an infinite one. */
export type Metrics = Record<string, number | null>

/** Simulates your own signals: takes arrays, returns the full result, stores nothing. */
export interface SignalsRequest extends SignalsColumns, SimulationOptions {}
