/**
 * Schemas of the arguments and results. They only check types: the engine checks the values and applies the defaults. Schemas of
 * arguments are those that are accepted; `published.ts` has those that models read, if they differ.
 */

import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server'
import { z } from 'zod'

const TIMEFRAMES = ['1m', '3m', '5m', '15m', '30m', '1h', '2h', '4h', '6h', '8h', '12h', '1d', '1w'] as const

export const timeframe = z
  .enum(TIMEFRAMES)
  .describe('Bar length. Default: the finest one stored. Coarser ones are resampled from finer bars.')

export const backtestId = z.string().describe('Backtest id: "bt-" and 12 hex digits.')

export const userId = z.string().describe('Owner of the run.')

export const includeChart = z
  .boolean()
  .describe('Add a chart (PNG): price with trades, equity compared with buy and hold, drawdown.')

const parameter = z.strictObject({
  type: z.enum(['integer', 'number', 'boolean']),
  default: z.union([z.number(), z.boolean()]),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  description: z.string().optional(),
})

/** A strategy definition. */
export const definition = z.strictObject({
  id: z.string().describe('snake_case.'),
  name: z.string().optional(),
  description: z.string().optional(),
  type: z.enum(['trend', 'mean_reversion', 'momentum', 'arbitrage', 'custom']).optional(),
  parameters: z.record(z.string(), parameter).optional(),
  constraints: z.array(z.string()).optional().describe('Conditions on parameters, such as "fast < slow".'),
  entries: z.string().describe('Condition to buy, per bar: "crossed_above(close, sma(close, period))".'),
  exits: z.string().describe('Condition to sell: "rsi(close, 14) > 70 or close < shift(lowest(low, 20), 1)".'),
  short_entries: z.string().optional(),
  short_exits: z.string().optional(),
})

export const parameters = z
  .record(z.string(), z.unknown())
  .describe('Values of strategy parameters; others keep their defaults.')

const conflict = z.enum(['ignore', 'entry', 'exit', 'adjacent', 'opposite']).optional()
const stopExit = z.enum(['close', 'closeReduce', 'reverse', 'reverseReduce']).optional()

/** The simulation settings: the engine's `SimulationOptions` in snake_case. `__test__/settings.test.ts` compares both. */
export const simulation = z
  .strictObject({
    execution: z
      .enum(['close', 'nextOpen'])
      .optional()
      .describe("When a bar's signal is filled: close is optimistic, nextOpen is realistic. Default: close."),
    fees: z.number().optional().describe('Fraction of the traded value. Default: 0.001.'),
    fixed_fees: z.number().optional().describe('Money per order.'),
    slippage: z.number().optional().describe('Fraction of the price. Default: 0.001.'),
    direction: z.enum(['longOnly', 'shortOnly', 'both']).optional(),
    size: z.number().optional().describe('Size of an entry, in units of size_type; all available cash if omitted.'),
    size_type: z.enum(['amount', 'value', 'percent']).optional(),
    sl_stop: z.number().optional().describe('Stop loss as a fraction: 0.1 is 10 %.'),
    sl_trail: z.boolean().optional().describe('Whether the stop loss trails.'),
    tp_stop: z.number().optional().describe('Take profit as a fraction.'),
    year_days: z
      .number()
      .optional()
      .describe('Days per year for annualization. Left out: from the trading days of the bars.'),
    risk_free: z.number().optional().describe('Annual risk-free rate as a fraction.'),
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
  .describe('How orders are sized and filled.')

/** The fields of a backtest request. */
export const backtestRequest = z.strictObject({
  strategy_id: z.string().optional().describe('A strategy id from list_strategies. Pass either this or strategy.'),
  asset_symbol: z.string().describe('An asset from list_assets.'),
  start_date: z.string().describe('First day, ISO 8601: "2019-01-01".'),
  end_date: z.string().describe('Last day, inclusive: intraday bars up to 23:59:59.999 UTC.'),
  initial_capital: z.number().describe('Money at the start.'),
  parameters: parameters.optional(),
  strategy: definition.optional(),
  timeframe: timeframe.optional(),
  warmup: z
    .number()
    .optional()
    .describe('Bars before start_date that only warm up indicators. Left out: as many as the strategy needs.'),
  simulation: simulation.optional(),
  user_id: userId.optional(),
})

/** A strategy with parameters, without data to run it on. */
export const strategyConfig = z.strictObject({
  strategy_id: z.string().optional(),
  strategy: definition.optional(),
  parameters: parameters.optional(),
})

export const metrics = z.record(z.string(), z.number().nullable())

/** The first fields of every result: the outcome in one sentence, what limits its validity, what to do next. */
export const commonOutput = {
  headline: z.string(),
  caveats: z.array(z.string()).describe('Reasons to be careful with the result.'),
  next_step: z.string(),
}

/** The summary of a run. */
export const summary = z.strictObject({
  ...commonOutput,
  backtest_id: z.string(),
  status: z.enum(['pending', 'running', 'completed', 'failed', 'cancelled']),
  progress: z.number().nullable().describe('0 to 100; null if another process executes the run.'),
  sample: z.record(z.string(), z.unknown()).optional(),
  repeated: z.boolean().optional(),
  strategy_id: z.string().optional(),
  asset_symbol: z.string().optional(),
  timeframe: z.string().optional(),
  start_date: z.string().optional(),
  end_date: z.string().optional(),
  requested: z.string().optional(),
  initial_capital: z.number().optional(),
  parameters: z.record(z.string(), z.unknown()).optional(),
  assumptions: z.record(z.string(), z.unknown()).optional(),
  final_capital: z.number().nullable().optional(),
  total_return: z.number().nullable().optional().describe('Percent.'),
  metrics: metrics.optional().describe('Rounded. Returns, drawdowns and rates in percent.'),
  look_ahead: z.boolean().optional().describe('True if the strategy uses bars that were not known yet.'),
  error: z.string().nullable().optional(),
})

/**
 * Publishes a schema of arguments but accepts every value. The SDK would answer invalid arguments with its own text. `defineTool`
 * checks them instead, and returns a code, all issues, and what to do next.
 */
export function inputSchemaOf(schema: z.ZodType): StandardSchemaWithJSON<unknown, unknown> {
  return standard(simplified(z.toJSONSchema(schema, { target: DIALECT, io: 'input' })), (value) => ({ value }))
}

/**
 * Publishes the outline of a schema of results, and enforces the whole schema: a result that violates it is a bug and is not sent.
 */
export function outputSchemaOf(schema: z.ZodType): StandardSchemaWithJSON<unknown, unknown> {
  return standard(outlined(z.toJSONSchema(schema, { target: DIALECT, io: 'output' })), (value) => {
    const { success, data, error } = schema.safeParse(value)
    return success ? { value: data } : { issues: error.issues.map(({ message, path }) => ({ message, path })) }
  })
}

const DIALECT = 'draft-2020-12'

/** Takes a converted schema, because a server over HTTP registers its tools for every request. */
function standard(
  json: Record<string, unknown>,
  validate: (value: unknown) => { value: unknown } | { issues: { message: string; path: PropertyKey[] }[] },
): StandardSchemaWithJSON<unknown, unknown> {
  const jsonSchema = { input: () => json, output: () => json }
  return { '~standard': { version: 1, vendor: 'aitradepro', validate, jsonSchema } }
}

/** Keeps the names and types of the fields of a result, but not what is inside them. docs/mcp.md and the results explain the rest. */
function outlined(json: object): Record<string, unknown> {
  const { properties = {}, required } = json as { properties?: Record<string, { type?: unknown }>; required?: unknown }
  const fields = Object.entries(properties).map(([name, { type }]) => [name, type === undefined ? {} : { type }])
  return { type: 'object', properties: Object.fromEntries(fields), required }
}

/**
 * Removes parts of a JSON Schema that cost tokens without any information, such as the limits of safe integers, and what some
 * providers of models refuse: `additionalProperties` inside, and a null beside a type.
 */
function simplified(json: object): Record<string, unknown> {
  const { additionalProperties, ...rest } = json as Record<string, unknown>
  const inner = JSON.parse(
    JSON.stringify(rest, (key, value) => {
      if (key === '$schema' || key === 'propertyNames' || key === 'additionalProperties') return undefined
      if ((key === 'minimum' || key === 'maximum') && Math.abs(value) === Number.MAX_SAFE_INTEGER) return undefined
      return value
    }),
  )
  return additionalProperties === undefined ? inner : { ...inner, additionalProperties }
}
