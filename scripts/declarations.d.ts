// Copied into index.d.ts by scripts/build.mjs: what napi's generator cannot say.

/** What went wrong, as a stable code to branch on. */
export type ErrorCode =
  /**
   * A field is missing, unknown, of the wrong type or out of range; `issues` lists every problem. Or an amount of the run
   * leaves the range of numbers: one issue with the code `overflow`, and a message that names the bar.
   */
  | 'INVALID_ARGUMENT'
  /** No strategy has that id; the message names the nearest known ones. */
  | 'UNKNOWN_STRATEGY'
  /** There are no bars for that asset, timeframe and range; the message says what range there is. */
  | 'NO_DATA'
  /** Bars break an invariant (order, duplicates, prices), or a file of bars cannot be read. */
  | 'BAD_DATA'
  /** A configured limit is exceeded; the message says which, the value and the limit. */
  | 'LIMIT_EXCEEDED'
  /** No backtest has that id. */
  | 'NOT_FOUND'
  /** The database or the file system failed; `retryable` says whether trying again can help. */
  | 'STORAGE'
  /** The engine was closed. */
  | 'CLOSED'
  /** A defect of this library. */
  | 'INTERNAL'

/** One problem of a request or of data, at one place. */
export interface Issue {
  /** Where: `parameters.fast_period`, `bars.close[17]`; empty for the whole request. */
  path: string
  /** What kind: `required`, `type`, `range`, `unknown`, `choice`, `conflict`, `overflow`, … */
  code: string
  /** What is wrong, the value found, and what is allowed. */
  message: string
}

/**
 * What every rejected promise of this package carries, apart from a cancelled one (an `AbortError`).
 * `error instanceof BacktestError` holds in plain Node.js, vitest, jest and worker threads.
 */
export declare class BacktestError extends Error {
  readonly name: 'BacktestError'
  /** What went wrong. */
  readonly code: ErrorCode
  /** Whether the same call can succeed later without a change of the request. */
  readonly retryable: boolean
  /** Every problem found in the request or the data; empty for failures from outside. */
  readonly issues: Issue[]
}

/** Bars as columns, or an Arrow IPC stream or file with these column names (as apache-arrow's tableToIPC writes it). */
export type BarsInput = Bars | Uint8Array

/** Metrics by name; null where a metric has no value (a ratio without a divisor, an infinite one among them). */
export type Metrics = Record<string, number | null>

/** The machine itself on your own signals: arrays in, a whole result out, nothing stored. */
export interface SignalsRequest extends SignalsColumns, SimulationOptions {}
