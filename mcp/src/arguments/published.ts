/**
 * The schemas of arguments that models read, where they differ from what is accepted. They have no unions, no objects without
 * named properties and no references, which some providers refuse, and only the settings that matter most: all of them together
 * cost every conversation tokens.
 */

import { z } from 'zod'
import { backtestRequest, definition, simulation } from './schemas.js'
import { sweepRequest } from './sweep-schemas.js'

const { execution, fees, slippage, direction, size, size_type, sl_stop, sl_trail, tp_stop, year_days } =
  simulation.shape

/** The settings that are used most. The others are accepted, too. */
const settings = z
  .looseObject({ execution, fees, slippage, direction, size, size_type, sl_stop, sl_trail, tp_stop, year_days })
  .describe('How orders are sized and filled. More settings: describe_language "settings".')

/** Values by name, of which every strategy has one. */
export const values = z
  .looseObject({ position_size: z.number().optional().describe('0 to 1.') })
  .describe('Values of strategy parameters by name, such as {"period": 20}; others keep their defaults.')

const declared = z.strictObject({
  name: z.string(),
  type: z.enum(['integer', 'number', 'boolean']),
  default: z.number(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
})

const { id, entries, exits, short_entries, short_exits, constraints, name, description, type } = definition.shape

const rules = {
  id,
  entries,
  exits,
  short_entries,
  short_exits,
  parameters: z.array(declared).optional(),
}

/** A definition for one run. */
const inlineDefinition = z
  .strictObject(rules)
  .describe('Own strategy instead of strategy_id. describe_language explains the expressions.')

/** The same, where the descriptions of `run_backtest` are known. */
const bareDefinition = z
  .strictObject({
    id: z.string(),
    entries: z.string(),
    exits: z.string(),
    short_entries: z.string().optional(),
    short_exits: z.string().optional(),
    parameters: z.array(declared).optional(),
  })
  .describe('As in run_backtest.')

/** A definition to register. */
export const fullDefinition = z
  .strictObject({ ...rules, constraints, name, description, type })
  .describe('describe_language explains the expressions.')

/** A request for a backtest. */
export const publishedRequest = backtestRequest.extend({
  parameters: values.optional(),
  strategy: inlineDefinition.optional(),
  simulation: settings.optional(),
})

/** A strategy with parameters. */
export const publishedConfig = z.strictObject({
  strategy_id: z.string().optional(),
  strategy: bareDefinition.optional(),
  parameters: values.optional(),
})

const range = z.strictObject({
  name: z.string().describe('A parameter, position_size, or a setting such as "simulation.sl_stop".'),
  from: z.number().optional(),
  to: z.number().optional(),
  step: z.number().optional(),
  count: z.number().optional().describe('Number of values, instead of step.'),
  values: z.array(z.number()).optional().describe('Instead of from and to.'),
  off: z.boolean().optional().describe('With values of a stop: also try without it.'),
})

/** A request for a sweep. */
export const publishedSweep = sweepRequest.extend({
  parameters: z.array(range).optional().describe('What to vary. The numbers of values multiply.'),
  strategy: bareDefinition.optional(),
  simulation: z.looseObject({ execution: z.string().optional() }).optional().describe('As in run_backtest.'),
  sample: z
    .strictObject({ count: z.number(), seed: z.number() })
    .optional()
    .describe('This many random combinations instead of all.'),
})
