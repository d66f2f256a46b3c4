import { z } from 'zod'
import { answer } from '../answer.js'
import { failed, nextStep } from '../failure.js'
import { strategyOf, strategyRowOf } from '../present.js'
import { opening } from '../schemas.js'
import { inLine } from '../text.js'
import { tool } from '../tool.js'

/** So many strategies a model reads at once. */
const SHOWN = 15

export const listStrategies = tool({
  name: 'list_strategies',
  title: 'List the strategies',
  description:
    'Lists the strategies that run_backtest knows by id, with their parameters, ranges and defaults. With strategy_id, one of ' +
    'them whole: JSON Schema of its parameters and its text, a pattern for strategies of your own. Changes nothing.',
  arguments: z.strictObject({
    strategy_id: z.string().optional().describe('Only this one, whole.'),
    offset: z.int().min(0).optional().describe(`How many to pass over; ${SHOWN} are told at once.`),
  }),
  result: z.strictObject({
    ...opening,
    strategies: z.array(z.record(z.string(), z.unknown())),
    strategies_total: z.int(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async call({ strategy_id, offset = 0 }, { engine }) {
    const all = await engine.listStrategies()
    const listed = strategy_id === undefined ? all : all.filter(({ id }) => id === strategy_id)
    if (strategy_id !== undefined && listed.length === 0) {
      const message = inLine(`there is no strategy with id ${JSON.stringify(strategy_id)}`)
      const failure = { code: 'UNKNOWN_STRATEGY', message, retryable: false, issues: [] }
      return failed(failure, await nextStep(engine, failure))
    }
    const shown = listed.slice(offset, offset + SHOWN)
    const next = offset + shown.length
    const told = {
      headline: `${shown.length} of ${all.length} strategies`,
      caveats: [],
      next_step:
        next < listed.length
          ? `For more, call again with offset ${next}.`
          : 'Form a hypothesis before you look at results, then run one of them with run_backtest.',
      strategies: shown.map(strategy_id === undefined ? strategyRowOf : strategyOf),
      strategies_total: all.length,
    }
    return answer(told, 'strategies://list', listed.map(strategyOf))
  },
})
