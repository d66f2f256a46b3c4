import { z } from 'zod'
import { answer } from '../answer.js'
import { allInSnake, toCamel } from '../names.js'
import { metricsOf } from '../present.js'
import { backtestId, metrics, opening } from '../schemas.js'
import { tool } from '../tool.js'

export const getMetrics = tool({
  name: 'get_metrics',
  title: 'Get metrics of a backtest',
  description:
    'Reads metrics of a kept backtest, exact and not rounded: those named, or all. null is "has no value" (a ratio ' +
    'without a divisor), not zero. Returns, drawdowns and rates are percent. Changes nothing.',
  arguments: z.strictObject({
    backtest_id: backtestId,
    metrics: z
      .array(z.string())
      .optional()
      .describe('Names: "sharpe_ratio", "max_drawdown", "win_rate" …; none for all.'),
  }),
  result: z.strictObject({ ...opening, backtest_id: z.string(), metrics }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  names: allInSnake,
  async call({ backtest_id, metrics: names = [] }, { engine }) {
    const read = await engine.getMetrics(backtest_id, names.map(toCamel))
    const found = metricsOf(read)
    const values = Object.values(found)
    const none = values.length > 0 && values.every((value) => value === null)
    const told = {
      headline: `${values.length} metrics of ${backtest_id}`,
      caveats: none
        ? ['no metric has a value: the run may not be completed, see get_backtest_results']
        : ['in-sample unless strategy and parameters were fixed before anybody looked at these bars'],
      next_step: 'Read the caveats of the run, too: get_backtest_results with detail "summary".',
      backtest_id,
      metrics: found,
    }
    return answer(told, `backtest://${backtest_id}/metrics`, found)
  },
})
