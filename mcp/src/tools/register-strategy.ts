import { z } from 'zod'
import { answer } from '../answer.js'
import { strategyOf } from '../present.js'
import { definitionOf } from '../requests.js'
import { definition, opening } from '../schemas.js'
import { tool } from '../tool.js'

export const registerStrategy = tool({
  name: 'register_strategy',
  title: 'Register a strategy',
  description:
    'Keeps a strategy under its id, for everybody on this store; one of the same id is replaced, built-in ones cannot be. Not ' +
    'needed for a single run: run_backtest takes the definition as strategy. Check it with validate_strategy first.',
  arguments: z.strictObject({ strategy: definition }),
  result: z.strictObject({ ...opening, strategy: z.record(z.string(), z.unknown()) }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async call({ strategy }, { engine }) {
    const info = strategyOf(await engine.registerStrategy(definitionOf(strategy)))
    const told = {
      headline: `Strategy ${strategy.id} is registered.`,
      caveats: ['registering checks the text only: whether it earns money, no run has shown yet'],
      next_step: `Run it with run_backtest and strategy_id "${strategy.id}".`,
      strategy: info,
    }
    return answer(told, `strategies://${strategy.id}`, info)
  },
})
