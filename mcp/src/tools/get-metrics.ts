import type { MetricName } from '@aitradepro/backtesting'
import { z } from 'zod'
import { namedMetrics } from '../answers/summaries.js'
import { toolResult } from '../answers/tool-result.js'
import { allToSnakeCase, toCamelCase } from '../arguments/field-names.js'
import { backtestId, commonOutput, metrics } from '../arguments/schemas.js'
import { defineTool } from '../tool.js'

export const getMetrics = defineTool({
  name: 'get_metrics',
  title: 'Get metrics of a backtest',
  description:
    'Returns metrics of a backtest, unrounded: the ones named, or all. null means that a metric has no value, such as a ratio ' +
    'with a zero divisor; it does not mean zero. Returns, drawdowns and rates are in percent. Read-only.',
  arguments: z.strictObject({
    backtest_id: backtestId,
    metrics: z
      .array(z.string())
      .optional()
      .describe('Names: "sharpe_ratio", "max_drawdown", "win_rate" …; all if omitted or empty.'),
  }),
  result: z.strictObject({ ...commonOutput, backtest_id: z.string(), metrics }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  names: allToSnakeCase,
  async call({ backtest_id, metrics: names = [] }, { engine }) {
    const read = await engine.getMetrics(backtest_id, names.map(toCamelCase) as MetricName[])
    const found = namedMetrics(read)
    const values = Object.values(found)
    const isEmpty = values.length > 0 && values.every((value) => value === null)
    const output = {
      headline: `${values.length} ${values.length === 1 ? 'metric' : 'metrics'} of ${backtest_id}`,
      caveats: isEmpty
        ? ['no metric has a value: the run may not be completed, see get_backtest_results']
        : ['in-sample unless strategy and parameters were fixed before anyone looked at these bars'],
      next_step: 'Read the caveats of the run as well: call get_backtest_results with detail "summary".',
      backtest_id,
      metrics: found,
    }
    return toolResult(output, `backtest://${backtest_id}/metrics`, found, {
      opening: 'Metrics calculated successfully',
    })
  },
})
