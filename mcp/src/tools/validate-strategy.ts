import type { ValidationResult } from '@aitradepro/backtesting'
import { z } from 'zod'
import { issuesOf } from '../answers/failure.js'
import { largestFitting } from '../answers/size.js'
import { toolResult } from '../answers/tool-result.js'
import { fieldsToSnakeCase } from '../arguments/field-names.js'
import { publishedConfig } from '../arguments/published.js'
import { readArguments } from '../arguments/reading.js'
import { toBacktestRequest } from '../arguments/requests.js'
import { commonOutput, strategyConfig } from '../arguments/schemas.js'
import type { Engine } from '../engine.js'
import { singleLine } from '../single-line.js'
import { defineTool } from '../tool.js'

export const validateStrategy = defineTool({
  name: 'validate_strategy',
  title: 'Check a strategy',
  description:
    'Checks a strategy (an id or a definition) and its parameters without running it. Reports all problems at once, with ' +
    'positions in expressions and suggestions for unknown names. Read-only. Does not tell whether the strategy earns money.',
  // Problems inside the configuration are the result of this tool, not an error of the call.
  arguments: z.strictObject({ strategy_config: z.record(z.string(), z.unknown()) }),
  publishedArguments: z.strictObject({ strategy_config: publishedConfig }),
  result: z.strictObject({
    ...commonOutput,
    valid: z.boolean(),
    errors: z.array(z.string()),
    warnings: z.array(z.string()),
    issues: z.array(z.strictObject({ path: z.string(), code: z.string(), message: z.string() })),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async call({ strategy_config }, { engine, settings }) {
    const { valid, errors, warnings, issues } = await check(engine, strategy_config)
    const whole = { valid, errors, warnings, issues }
    return largestFitting(Math.max(issues.length, warnings.length), (count) => {
      const shown = {
        valid,
        errors: errors.slice(0, count),
        warnings: warnings.slice(0, count),
        issues: issues.slice(0, count),
      }
      const more = issues.length - shown.issues.length
      const output = {
        headline: valid ? 'The strategy is valid.' : `The strategy is invalid: ${errors[0] ?? 'see issues'}`,
        caveats: shown.warnings,
        next_step: valid
          ? 'Run it with run_backtest.'
          : `Correct the problems and check again.${more > 0 ? ` There are ${more} more.` : ''}`,
        ...shown,
      }
      const resource = settings.fullResources ? whole : shown
      return toolResult(output, 'validation://result', resource, { opening: 'Strategy validation complete' })
    })
  },
})

async function check(engine: Engine, given: unknown): Promise<ValidationResult> {
  const { data, error } = strategyConfig.safeParse(readArguments(strategyConfig, given))
  if (error) {
    const issues = issuesOf(error)
    return { valid: false, errors: issues.map(({ message }) => message), warnings: [], issues }
  }
  const found = await engine.validateStrategy(toBacktestRequest(data))
  const text = (message: string) => singleLine(fieldsToSnakeCase(message))
  return {
    valid: found.valid,
    errors: found.errors.map(text),
    warnings: found.warnings.map(text),
    issues: found.issues.map(({ path, code, message }) => ({ path: text(path), code, message: text(message) })),
  }
}
