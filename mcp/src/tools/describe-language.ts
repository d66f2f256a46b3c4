import { z } from 'zod'
import { failureResult } from '../answers/failure.js'
import { acceptsLinks } from '../answers/links.js'
import { resourceLink } from '../answers/tool-result.js'
import { commonOutput } from '../arguments/schemas.js'
import type { Engine } from '../engine.js'
import { findTopic, TOPICS } from '../language/topics.js'
import { singleLine } from '../single-line.js'
import { defineTool } from '../tool.js'

/** Letters of a word from which on the most similar name is probably what was meant. */
const GUESSED = 6

export const describeLanguage = defineTool({
  name: 'describe_language',
  title: 'Explain the strategy language',
  description:
    'Explains the language of entries and exits, in at most 1,500 tokens: without topic, an overview with examples. Topics: ' +
    `${TOPICS.join(', ')}, or the name of a function or an indicator, also as TA-Lib, Pine Script or pandas call it. Read-only.`,
  arguments: z.strictObject({ topic: z.string().optional().describe('"rules", "settings", "macd", "crossover" …') }),
  result: z.strictObject({ ...commonOutput, text: z.string() }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async call({ topic }, context) {
    const { engine } = context
    const found = findTopic(topic) ?? (await fromOtherLanguage(topic ?? '', engine))
    if (found === undefined) {
      const message = singleLine(`there is no topic ${JSON.stringify(topic)}`)
      const failure = { code: 'NOT_FOUND', message, retryable: false, issues: [] }
      return failureResult(
        failure,
        `call describe_language without topic for an overview, or with one of ${TOPICS.join(', ')}`,
      )
    }
    const output = {
      headline: found.title,
      caveats: [],
      next_step: 'Check what you write with validate_strategy: it names the position of every problem.',
      text: found.text,
    }
    return {
      structuredContent: output,
      content: [
        { type: 'text', text: `${output.headline}\n\n${output.text}\n\nNext: ${output.next_step}` },
        ...(acceptsLinks(context)
          ? [resourceLink('language://reference', 'reference', 'The whole reference.', 'text/markdown')]
          : []),
      ],
    }
  },
})

/** Asks the engine what a word of another language is called here: its errors say so. */
async function fromOtherLanguage(word: string, engine: Engine) {
  const bare = word.trim().replace(/\(.*$/, '')
  if (!/^[\w.]{1,40}$/.test(bare)) return undefined
  for (const entries of [`${bare}(close, 14) > 0`, `${bare} > 0`]) {
    const { errors } = await engine.validateStrategy({ strategy: { id: 'topic', entries, exits: 'close > 0' } })
    const advice = errors.find(
      (error) =>
        (bare.length < GUESSED ? /, write |: an? / : /, write |: an? |did you mean/).test(error) &&
        error.includes(bare),
    )
    if (advice === undefined) continue
    const message = advice.replace(/^.*?at \d+:\d+: /, '')
    const name = /(?:write|did you mean) `?(\w+)/.exec(message)?.[1]
    const topic = findTopic(name === undefined ? bare : name)
    return {
      title: singleLine(message),
      text: name === undefined || topic === undefined ? singleLine(message) : topic.text,
    }
  }
  return undefined
}
