import type { ValidationResult } from '@aitradepro/backtesting'
import { z } from 'zod'
import { answer } from '../answer.js'
import type { Engine } from '../engine.js'
import { problemsOf } from '../failure.js'
import { inSnake } from '../names.js'
import { requestOf } from '../requests.js'
import { definition, opening, parameters } from '../schemas.js'
import { inLine } from '../text.js'
import { tool, withoutNulls } from '../tool.js'

const config = z.strictObject({
  strategy_id: z.string().optional(),
  strategy: definition.optional(),
  parameters: parameters.optional(),
})

export const validateStrategy = tool({
  name: 'validate_strategy',
  title: 'Check a strategy',
  description:
    'Checks a strategy (by id, or a definition) and its parameters without running it, and tells every problem at once, with ' +
    'positions in expressions and the nearest known names. Changes nothing. Says nothing about whether the strategy earns money.',
  // What is wrong inside the configuration is the answer of this tool, not a failure of the call.
  arguments: z.strictObject({ strategy_config: z.record(z.string(), z.unknown()) }),
  shown: z.strictObject({ strategy_config: config }),
  result: z.strictObject({
    ...opening,
    valid: z.boolean(),
    errors: z.array(z.string()),
    warnings: z.array(z.string()),
    issues: z.array(z.strictObject({ path: z.string(), code: z.string(), message: z.string() })),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async call({ strategy_config }, { engine }) {
    const { valid, errors, warnings, issues } = await check(engine, strategy_config)
    const told = {
      headline: valid ? 'The strategy is valid.' : `The strategy is not valid: ${errors[0] ?? 'see issues'}`,
      caveats: warnings,
      next_step: valid ? 'Run it with run_backtest.' : 'Correct what is named and check again.',
      valid,
      errors,
      warnings,
      issues,
    }
    return answer(told, 'validation://result', { valid, errors, warnings, issues })
  },
})

async function check(engine: Engine, given: unknown): Promise<ValidationResult> {
  const { data, error } = config.safeParse(withoutNulls(given))
  if (error) {
    const issues = problemsOf(error)
    return { valid: false, errors: issues.map(({ message }) => message), warnings: [], issues }
  }
  const found = await engine.validateStrategy(requestOf(data))
  const text = (message: string) => inLine(inSnake(message))
  return {
    valid: found.valid,
    errors: found.errors.map(text),
    warnings: found.warnings.map(text),
    issues: found.issues.map(({ path, code, message }) => ({ path: text(path), code, message: text(message) })),
  }
}
