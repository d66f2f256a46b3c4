import { z } from 'zod'
import { failureResult, nextStep } from '../answers/failure.js'
import { largestFitting } from '../answers/size.js'
import { briefStrategy, fullStrategy, strategyRow } from '../answers/summaries.js'
import { toolResult } from '../answers/tool-result.js'
import { commonOutput } from '../arguments/schemas.js'
import { singleLine } from '../single-line.js'
import { defineTool } from '../tool.js'

export const listStrategies = defineTool({
  name: 'list_strategies',
  title: 'List the strategies',
  description:
    'Lists the strategies that run_backtest accepts as strategy_id, with parameters, ranges and defaults. With strategy_id, ' +
    'returns one of them in full: its source, a template for your own strategies, and the JSON Schema of its parameters. Read-only.',
  arguments: z.strictObject({
    strategy_id: z.string().optional().describe('Only this strategy, in full.'),
    offset: z.int().min(0).optional().describe('Strategies to skip.'),
  }),
  result: z.strictObject({
    ...commonOutput,
    strategies: z.array(z.record(z.string(), z.unknown())),
    strategies_total: z.int(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async call({ strategy_id, offset = 0 }, { engine, settings }) {
    const all = await engine.listStrategies()
    const listed = strategy_id === undefined ? all : all.filter(({ id }) => id === strategy_id)
    if (strategy_id !== undefined && listed.length === 0) {
      const message = singleLine(`there is no strategy with id ${JSON.stringify(strategy_id)}`)
      const failure = { code: 'UNKNOWN_STRATEGY', message, retryable: false, issues: [] }
      return failureResult(failure, await nextStep(engine, failure))
    }
    const rest = listed.slice(offset)
    const isOne = strategy_id !== undefined
    return largestFitting(rest.length, (count) => {
      const shown = rest.slice(0, count)
      const next = offset + shown.length
      const output = {
        headline: `${shown.length} of ${all.length} strategies`,
        caveats: [],
        next_step:
          next < listed.length
            ? `For more, call again with offset ${next}.`
            : 'State a hypothesis before you look at results, then run one of them with run_backtest.',
        strategies: shown.map(isOne ? fullStrategy : strategyRow),
        strategies_total: all.length,
      }
      const resource = settings.fullResources ? listed.map(fullStrategy) : shown.map(briefStrategy)
      return toolResult(output, 'strategies://list', resource, { opening: `Found ${all.length} available strategies` })
    })
  },
})
