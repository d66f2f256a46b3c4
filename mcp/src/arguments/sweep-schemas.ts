/** Schemas of the arguments and results of the tools for sweeps. As in `schemas.ts`, the engine checks the values. */

import { z } from 'zod'
import { backtestRequest, commonOutput, timeframe, userId } from './schemas.js'

export const sweepId = z.string().describe('Sweep id: "sw-" and 12 hex digits.')

/** The arguments that select the heat map of a sweep. */
export const heatmap = {
  include_heatmap: z.boolean().optional().describe('Add a heat map (PNG) of two parameters; of one, a line.'),
  x: z
    .string()
    .optional()
    .describe(
      'Parameter of the horizontal axis, or asset_symbol, or timeframe. Default: the first with several values.',
    ),
  y: z
    .string()
    .optional()
    .describe('Parameter of the vertical axis. Default: the second with several values, if x is left out.'),
  heatmap_metric: z.string().optional().describe('Metric to show. Default: the objective.'),
  aggregate: z
    .enum(['median', 'mean', 'max'])
    .optional()
    .describe('What a cell shows if other parameters vary: median is honest, max flatters.'),
}

const { asset_symbol, strategy_id, strategy, start_date, end_date, initial_capital, warmup, simulation } =
  backtestRequest.shape

/** The fields of a request for a sweep. */
export const sweepRequest = z.strictObject({
  strategy_id,
  asset_symbol: asset_symbol.optional(),
  asset_symbols: z
    .array(z.string())
    .optional()
    .describe('Several assets, each run by itself, instead of asset_symbol.'),
  start_date: start_date.optional(),
  end_date: end_date.optional(),
  initial_capital: initial_capital.optional(),
  parameters: z.record(z.string(), z.unknown()).optional(),
  constraints: z
    .array(z.string())
    .optional()
    .describe('Conditions on parameters, besides those of the strategy: "slow_period >= 2 * fast_period".'),
  sample: z.record(z.string(), z.unknown()).optional(),
  objective: z
    .string()
    .optional()
    .describe('What ranks, the higher the better: "sharpe_ratio - 0.5 * max_drawdown / 10". Default: sharpe_ratio.'),
  min_trades: z.number().optional().describe('Combinations with fewer closed trades do not compete. Default: 5.'),
  metrics: z.array(z.string()).optional().describe('Metrics to keep of every combination. Default: nearly all.'),
  top: z.number().optional().describe('Number of best combinations. Default: 20 kept, 5 shown.'),
  strategy,
  timeframe: timeframe.optional(),
  timeframes: z.array(z.string()).optional().describe('Several bar lengths, each run by itself.'),
  warmup,
  simulation,
  user_id: userId.optional(),
  persist: z
    .boolean()
    .optional()
    .describe('Whether to keep the sweep. Default here: true, so that get_sweep can read it.'),
  resume: sweepId
    .optional()
    .describe(
      'Go on with a sweep that was stopped or failed, from what is kept of it; leave out all other fields of the request.',
    ),
})

const cell = z.union([z.number(), z.string(), z.null()])

const combination = z.strictObject({
  combination: z.int(),
  asset_symbol: z.string().optional(),
  timeframe: z.string().optional(),
  parameters: z.record(z.string(), z.unknown()),
  objective: z.number().nullable(),
  metrics: z.record(z.string(), z.number().nullable()).optional(),
  neighbours: z
    .strictObject({
      count: z.int(),
      score: z
        .number()
        .nullable()
        .describe('Median objective of the neighbours relative to its own: near 1 is a plateau.'),
      positive: z.number().nullable(),
    })
    .optional(),
})

/** The result of a tool for sweeps: a summary, a page of combinations, or a list of sweeps. */
export const sweepOutput = z.strictObject({
  ...commonOutput,
  sweep_id: z.string().optional(),
  status: z.enum(['pending', 'running', 'completed', 'failed', 'cancelled']).optional(),
  progress: z.number().nullable().optional(),
  done: z.int().nullable().optional().describe('Combinations done.'),
  combinations: z.int().optional().describe('All combinations.'),
  seconds_left: z.number().nullable().optional(),
  excluded: z.record(z.string(), z.int()).optional().describe('Combinations that do not compete, by reason.'),
  best: combination.optional(),
  plateau: combination
    .optional()
    .describe('The best together with its neighbours: often a safer choice than the best.'),
  top: z.array(combination).optional(),
  strategy_id: z.string().optional(),
  asset_symbols: z.array(z.string()).optional(),
  timeframes: z.array(z.string()).optional(),
  start_date: z.string().optional(),
  end_date: z.string().optional(),
  objective: z.string().optional(),
  idle_parameters: z.array(z.string()).optional().describe('Parameters that change nothing.'),
  elapsed_ms: z.number().optional(),
  error: z.string().nullable().optional(),
  columns: z.array(z.string()).optional().describe('Names of the values in each row.'),
  rows: z.array(z.array(cell)).optional(),
  next_from: z.int().nullable().optional().describe('Where the next page begins; null after the last one.'),
  sweeps: z.array(z.record(z.string(), z.unknown())).optional(),
})
