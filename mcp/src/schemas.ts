/**
 * The shapes of arguments and answers, with what a model needs to know of them. They say of what kind a value is; whether
 * money, dates and strategies make sense is the engine's to say, and defaults are the engine's.
 */

import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server'
import { z } from 'zod'

const TIMEFRAMES = ['1m', '3m', '5m', '15m', '30m', '1h', '2h', '4h', '6h', '8h', '12h', '1d', '1w'] as const

export const timeframe = z
  .enum(TIMEFRAMES)
  .describe('Length of a bar. Default: the finest there is; a coarser one is made from finer bars.')

export const backtestId = z.string().describe('Id of a backtest: "bt-" and 12 hex digits.')

export const userId = z.string().describe('Whose run it is.')

export const includeChart = z
  .boolean()
  .describe('Add a picture (PNG): price with the trades, equity against buy and hold, drawdown.')

const parameter = z.strictObject({
  type: z.enum(['integer', 'number', 'boolean']),
  default: z.union([z.number(), z.boolean()]),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  description: z.string().optional(),
})

/** A strategy as data. */
export const definition = z
  .strictObject({
    id: z.string().describe('snake_case.'),
    name: z.string().optional(),
    description: z.string().optional(),
    type: z.enum(['trend', 'mean_reversion', 'momentum', 'arbitrage', 'custom']).optional(),
    parameters: z.record(z.string(), parameter).optional(),
    constraints: z.array(z.string()).optional().describe('Conditions between parameters: "fast < slow".'),
    entries: z.string().describe('When to buy, as a condition over bars: "crossed_above(close, sma(close, period))".'),
    exits: z.string().describe('When to sell: "rsi(close, 14) > 70 or close < shift(lowest(low, 20), 1)".'),
    short_entries: z.string().optional(),
    short_exits: z.string().optional(),
  })
  .describe(
    'A strategy as text: series open, high, low, close, volume; indicators by the names of TA-Lib (sma, ema, rsi, atr, ' +
      'macd_line, bbands_upper …); and, or, not; shift, highest, lowest, crossed_above, bars_since. Nothing in it can look ahead.',
  )

export const parameters = z
  .record(z.string(), z.unknown())
  .describe(
    "Values of the strategy's parameters; one not given keeps its default. position_size (0 to 1) is always there.",
  )

const conflict = z.enum(['ignore', 'entry', 'exit', 'adjacent', 'opposite']).optional()
const stopExit = z.enum(['close', 'closeReduce', 'reverse', 'reverseReduce']).optional()

/** The order model; the keys are those of the engine's `SimulationOptions` in snake_case. */
export const simulation = z
  .strictObject({
    execution: z
      .enum(['close', 'nextOpen'])
      .optional()
      .describe("When a bar's signal is filled. close (default) is optimistic; nextOpen is what can be traded."),
    fees: z.number().optional().describe('Fraction of the traded value; default 0.001.'),
    fixed_fees: z.number().optional().describe('Money per order.'),
    slippage: z.number().optional().describe('Fraction of the price; default 0.001.'),
    direction: z.enum(['longOnly', 'shortOnly', 'both']).optional(),
    size: z.number().optional().describe('What an entry trades, as size_type counts it; default: all cash.'),
    size_type: z.enum(['amount', 'value', 'percent']).optional(),
    sl_stop: z.number().optional().describe('Stop loss, a fraction: 0.1 is 10 %.'),
    sl_trail: z.boolean().optional().describe('Whether the stop loss trails.'),
    tp_stop: z.number().optional().describe('Take profit, a fraction.'),
    year_days: z.number().optional().describe('Days of a year: 365 (default), 252 for stock exchanges.'),
    risk_free: z.number().optional().describe('Yearly risk-free rate, a fraction.'),
    accumulate: z.enum(['disabled', 'both', 'addOnly', 'removeOnly']).optional(),
    min_size: z.number().optional(),
    max_size: z.number().optional(),
    size_granularity: z.number().optional(),
    upon_long_conflict: conflict,
    upon_short_conflict: conflict,
    upon_dir_conflict: z.enum(['ignore', 'long', 'short', 'adjacent', 'opposite']).optional(),
    upon_opposite_entry: z.enum(['ignore', 'close', 'closeReduce', 'reverse', 'reverseReduce']).optional(),
    stop_entry_price: z.enum(['valPrice', 'price', 'fillPrice', 'close']).optional(),
    stop_exit_price: z.enum(['stopLimit', 'stopMarket', 'price', 'close']).optional(),
    upon_stop_exit: stopExit,
    upon_stop_update: z.enum(['keep', 'override', 'overrideNaN']).optional(),
    lock_cash: z.boolean().optional(),
    allow_partial: z.boolean().optional(),
  })
  .describe('How orders are made and filled.')

export const metrics = z.record(z.string(), z.number().nullable())

/** Every answer begins so: what came out, what speaks against it, what to do next. */
export const opening = {
  headline: z.string(),
  caveats: z.array(z.string()).describe('What an expert would warn of.'),
  next_step: z.string(),
}

/** A run as a summary. */
export const summary = z.strictObject({
  ...opening,
  backtest_id: z.string(),
  status: z.enum(['pending', 'running', 'completed', 'failed', 'cancelled']),
  progress: z.number().nullable().describe('0 to 100; null where another process runs it.'),
  strategy_id: z.string().optional(),
  asset_symbol: z.string().optional(),
  timeframe: z.string().optional(),
  start_date: z.string().optional(),
  end_date: z.string().optional(),
  initial_capital: z.number().optional(),
  parameters: z.record(z.string(), z.unknown()).optional(),
  assumptions: z.record(z.string(), z.unknown()).optional(),
  final_capital: z.number().nullable().optional(),
  total_return: z.number().nullable().optional().describe('Percent.'),
  metrics: metrics.optional().describe('Rounded; returns, drawdowns and rates in percent.'),
  error: z.string().nullable().optional(),
})

/**
 * Advertises a schema and lets every value through. The SDK answers wrong arguments with a text of its own; the server
 * checks them itself, to answer with a code, all issues, and what to do next.
 */
export function advertised(schema: z.ZodType): StandardSchemaWithJSON<unknown, unknown> {
  return standard(schema, 'input', (value) => ({ value }))
}

/** Advertises a schema and holds answers to it: one that breaks it is a defect and does not leave the server. */
export function promised(schema: z.ZodType): StandardSchemaWithJSON<unknown, unknown> {
  return standard(schema, 'output', (value) => {
    const { success, data, error } = schema.safeParse(value)
    return success ? { value: data } : { issues: error.issues.map(({ message, path }) => ({ message, path })) }
  })
}

/** The schema is converted once: a server over HTTP registers its tools for every request. */
function standard(
  schema: z.ZodType,
  io: 'input' | 'output',
  validate: (value: unknown) => { value: unknown } | { issues: { message: string; path: PropertyKey[] }[] },
): StandardSchemaWithJSON<unknown, unknown> {
  const json = withoutNoise(z.toJSONSchema(schema, { target: 'draft-2020-12', io }))
  const jsonSchema = { input: () => json, output: () => json }
  return { '~standard': { version: 1, vendor: 'aitradepro', validate, jsonSchema } }
}

/** Takes out what costs tokens and says nothing: the bounds of what a number in JSON can be, the kind of a name. */
function withoutNoise(json: object): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(json, (key, value) => {
      if (key === '$schema' || key === 'propertyNames') return undefined
      if ((key === 'minimum' || key === 'maximum') && Math.abs(value) === Number.MAX_SAFE_INTEGER) return undefined
      return value
    }),
  )
}
