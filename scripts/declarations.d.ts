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

/** Bars as columns, or an Arrow IPC stream or file with these column names, such as `tableToIPC` of apache-arrow writes. */
export type BarsInput = Bars | Uint8Array

/** Metrics by name. A metric without a finite value, such as a ratio with a divisor of 0, is null. */
export type Metrics = Record<string, number | null>

/** Prices and signals to simulate, with the settings of the order model. */
export interface SignalsRequest extends SignalsColumns, SimulationOptions {}
