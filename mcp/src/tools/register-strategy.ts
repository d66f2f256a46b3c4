import { z } from 'zod'
import { MAX_TOKENS, sizeOf } from '../answers/size.js'
import { fullStrategy, strategyRow } from '../answers/summaries.js'
import { toolResult } from '../answers/tool-result.js'
import { fullDefinition } from '../arguments/published.js'
import { toStrategyDefinition } from '../arguments/requests.js'
import { commonOutput, definition } from '../arguments/schemas.js'
import { defineTool } from '../tool.js'

export const registerStrategy = defineTool({
  name: 'register_strategy',
  isShared: true,
  title: 'Register a strategy',
  description:
    'Stores a strategy under its id for all users of this store. Replaces a strategy with the same id; built-in strategies cannot ' +
    'be replaced. Not needed for a single run: run_backtest accepts a definition as strategy. Call validate_strategy first.',
  arguments: z.strictObject({ strategy: definition }),
  publishedArguments: z.strictObject({ strategy: fullDefinition }),
  result: z.strictObject({ ...commonOutput, strategy: z.record(z.string(), z.unknown()) }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async call({ strategy }, { engine }) {
    const registered = await engine.registerStrategy(toStrategyDefinition(strategy))
    const output = {
      headline: `Strategy ${strategy.id} is registered.`,
      caveats: ['registration only checks the definition: no run has shown yet whether the strategy earns money'],
      next_step: `Run it with run_backtest and strategy_id "${strategy.id}".`,
    }
    const answer = (info: Record<string, unknown>) =>
      toolResult({ ...output, strategy: info }, `strategies://${strategy.id}`, info)
    const whole = answer(fullStrategy(registered))
    return sizeOf(whole) <= MAX_TOKENS ? whole : answer(strategyRow(registered))
  },
})
