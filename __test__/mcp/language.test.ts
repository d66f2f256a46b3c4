/** The strategy language can be learned over MCP. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '@modelcontextprotocol/client'
import { getEncoding } from 'js-tiktoken'
import { beforeEach, describe, expect, test } from 'vitest'
import { PAGE } from '../../mcp/src/language/page.js'
import { findTopic, TOPICS } from '../../mcp/src/language/topics.js'
import { folder, ROOT } from '../support.js'
import { call, client, raw, refusal, textOf } from './support.js'

const encoding = getEncoding('o200k_base')

test('the copy of the page for the server is current: run `npm run docs`', () => {
  expect(PAGE).toBe(readFileSync(join(ROOT, 'docs', 'strategy-language.md'), 'utf8'))
})

describe('a topic', () => {
  const indicators = [...PAGE.matchAll(/^- `(\w+)\(/gm)].map(([, name = '']) => name)
  const rows = [...PAGE.slice(PAGE.indexOf('### Arithmetic')).matchAll(/^\| `(\w+)\(/gm)].map(([, name = '']) => name)

  test('exists for every function and indicator of the page', () => {
    expect(indicators.length).toBeGreaterThan(50)
    expect(rows).toContain('crossed_above')
    for (const name of [...indicators, ...rows]) expect(findTopic(name)?.text, name).toContain(`${name}(`)
  })

  test.each([undefined, ...TOPICS, 'macd', 'bbands', 'supertrend', 'close'])('has at most 1,500 tokens: %s', (name) => {
    const topic = findTopic(name)
    expect(topic?.text.length).toBeGreaterThan(20)
    expect(encoding.encode(`${topic?.title}\n${topic?.text}`).length).toBeLessThanOrEqual(1450)
  })

  test('without a name is the overview, which names every indicator', () => {
    const words = findTopic(undefined)?.text.split(/\W+/)
    for (const name of indicators) expect(words).toContain(name)
  })

  test('lists the settings of a run', () => {
    expect(findTopic('settings')?.text).toMatch(/^- execution: close \| nextOpen\./m)
    expect(findTopic('settings')?.text).toMatch(/^- upon_opposite_entry: ignore/m)
  })
})

describe('describe_language', () => {
  let mcp: Client
  beforeEach(async () => {
    mcp = await client({ DATA_DIR: folder() })
  })

  test('returns a topic, once as text and once structured', async () => {
    const result = await raw(mcp, 'describe_language')
    const { headline, text } = result.structuredContent as { headline: string; text: string }
    expect(textOf(result)).toBe(
      `${headline}\n\n${text}\n\nNext: Check what you write with validate_strategy: it names the position of every problem.`,
    )
    expect(encoding.encode(textOf(result)).length).toBeLessThanOrEqual(1500)
    expect(result.content.at(-1)).toMatchObject({ type: 'resource_link', uri: 'language://reference' })
    expect((await mcp.readResource({ uri: 'language://reference' })).contents[0]).toMatchObject({ text: PAGE })
    expect(await refusal(mcp, 'describe_language', { topic: 'banana split' })).toMatch(
      /^NOT_FOUND.*\nNext: call describe_language/,
    )
  })

  test('gives examples that are valid', async () => {
    const { text } = await call(mcp, 'describe_language')
    const examples = [...text.matchAll(/^- entries: (.*); exits: (.*)$/gm)]
    expect(examples.length).toBeGreaterThan(4)
    for (const [, entries, exits] of examples)
      expect(await call(mcp, 'validate_strategy', { strategy_config: { id: 'x', entries, exits } })).toMatchObject({
        valid: true,
        warnings: [],
      })
  })

  // What TA-Lib, Pine Script, pandas-ta and others call what exists here.
  test.each([
    ['linearreg', 'linreg('],
    ['LINEARREG', 'linreg('],
    ['linearreg_slope', 'linreg_slope('],
    ['stddev', 'stdev('],
    ['bb_upper', 'bbands_upper('],
    ['bb_lower', 'bbands_lower('],
    ['bbands', 'bbands_upper('],
    ['macd_signal', 'macd_signal('],
    ['macdsignal', 'macd_signal('],
    ['MACD', 'macd_line('],
    ['macdhist', 'macd_hist('],
    ['ta.sma', 'sma('],
    ['ta.crossover', 'crossed_above('],
    ['crossunder', 'crossed_below('],
    ['ta.barssince', 'bars_since('],
    ['ta.highest', 'highest('],
    ['rolling_max', 'highest('],
    ['stochastic', 'stoch_k('],
    ['williams_r', 'willr('],
    ['parabolic_sar', 'sar('],
    ['hull', 'hma('],
    ['percentrank', 'rank('],
    ['ref', 'shift('],
    ['AROON', 'aroon_up('],
    ['donchian', 'donchian_upper('],
    ['keltner', 'keltner_upper('],
    ['tsi', ''],
  ])('knows the word of another language: %s', async (topic, expected) => {
    if (expected === '') expect(await refusal(mcp, 'describe_language', { topic })).toMatch(/^NOT_FOUND/)
    else expect(JSON.stringify(await call(mcp, 'describe_language', { topic }))).toContain(expected)
  })
})
