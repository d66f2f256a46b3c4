import { z } from 'zod'
import { answer } from '../answer.js'
import { failed, inLine, nextStep } from '../failure.js'
import { strategyOf, strategyRowOf } from '../present.js'
import { opening } from '../schemas.js'
import { tool } from '../tool.js'

export const listStrategies = tool({
  name: 'list_strategies',
  title: 'List the strategies',
  description:
    'Lists the strategies that run_backtest knows by id, with their parameters, ranges and defaults. With strategy_id, one of ' +
    'them whole: JSON Schema of its parameters and its text, a pattern for strategies of your own. Changes nothing.',
  arguments: z.strictObject({ strategy_id: z.string().optional().describe('Only this one, whole.') }),
  result: z.strictObject({
    ...opening,
    strategies: z.array(z.record(z.string(), z.unknown())),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async call({ strategy_id }, { engine }) {
    const all = await engine.listStrategies()
    const listed = strategy_id === undefined ? all : all.filter(({ id }) => id === strategy_id)
    if (strategy_id !== undefined && listed.length === 0) {
      const message = inLine(`there is no strategy with id ${JSON.stringify(strategy_id)}`)
      const failure = { code: 'UNKNOWN_STRATEGY', message, retryable: false, issues: [] }
      return failed(failure, await nextStep(engine, failure))
    }
    const told = {
      headline: `${listed.length} of ${all.length} strategies`,
      caveats: [],
      next_step: 'Form a hypothesis before you look at results, then run one of them with run_backtest.',
      strategies: listed.map(strategy_id === undefined ? strategyRowOf : strategyOf),
    }
    return answer(told, 'strategies://list', listed.map(strategyOf))
  },
})
