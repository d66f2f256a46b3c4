/** The trades and the curve of a run as pages, in JSON or CSV (RFC 4180). */

import type { BacktestResult } from '@aitradepro/backtesting'
import { renameKeys, toSnakeCase } from '../arguments/field-names.js'

/** Rows of a page: about 4,000 tokens of JSON, and half of that as CSV. */
export const PAGE_ROWS = { trades: 25, equity: 120 } as const

/** Rows of a whole table: more would exceed the 10 MB that clients accept. */
export const MAX_ROWS = { trades: 10_000, equity: 100_000 } as const

export type Table = keyof typeof PAGE_ROWS

type Row = Record<string, unknown>

/** Returns the number of rows of a table. */
export function rowCount({ trades, equityCurve }: BacktestResult, table: Table): number {
  return (table === 'trades' ? trades : equityCurve)?.length ?? 0
}

/** Returns some rows of a table. */
export function tableRows(
  { trades, timestamps, equityCurve }: BacktestResult,
  table: Table,
  from: number,
  to: number,
): Row[] {
  if (table === 'trades') return (trades ?? []).slice(from, to).map((trade) => renameKeys(trade, toSnakeCase))
  const times = timestamps?.subarray(from, to) ?? []
  return Array.from(times, (time, index) => ({
    timestamp: new Date(time).toISOString(),
    equity: equityCurve[from + index] ?? null,
  }))
}

/** Writes rows as CSV. They have numbers, times and words of this package, none of which needs quotes. */
export function toCsvText(rows: Row[]): string {
  const names = Object.keys(rows[0] ?? {})
  const lines = rows.map((row) => names.map((name) => String(row[name] ?? '')).join(','))
  return [names.join(','), ...lines, ''].join('\r\n')
}
