import { z } from 'zod'
import { fullStrategy } from '../answers/summaries.js'
import { toolResult } from '../answers/tool-result.js'
import { toStrategyDefinition } from '../arguments/requests.js'
import { commonOutput, definition } from '../arguments/schemas.js'
import { defineTool } from '../tool.js'

export const registerStrategy = defineTool({
  name: 'register_strategy',
  title: 'Register a strategy',
  description:
    'Stores a strategy under its id for all users of this store. Replaces a strategy with the same id; built-in strategies cannot ' +
    'be replaced. Not needed for a single run: run_backtest accepts a definition as strategy. Call validate_strategy first.',
  arguments: z.strictObject({ strategy: definition }),
  result: z.strictObject({ ...commonOutput, strategy: z.record(z.string(), z.unknown()) }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async call({ strategy }, { engine }) {
    const info = fullStrategy(await engine.registerStrategy(toStrategyDefinition(strategy)))
    const output = {
      headline: `Strategy ${strategy.id} is registered.`,
      caveats: ['registration only checks the definition: no run has shown yet whether the strategy earns money'],
      next_step: `Run it with run_backtest and strategy_id "${strategy.id}".`,
      strategy: info,
    }
    return toolResult(output, `strategies://${strategy.id}`, info)
  },
})
