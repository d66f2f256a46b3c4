/** A client that can ask its user is asked for what a call lacks. */

import type { Client, ClientOptions } from '@modelcontextprotocol/client'
import { describe, expect, test } from 'vitest'
import { call, client, RUN, refusal, store } from './support.js'

const { initial_capital: _, end_date: __, ...LACKING } = RUN

describe.each(['2025', '2026-07-28'])('a client of revision %s', (revision) => {
  const mode = revision === '2025' ? 'legacy' : { pin: revision }

  async function asking(
    answer: object,
    capabilities: object = { elicitation: {} },
  ): Promise<{ mcp: Client; asked: unknown[] }> {
    const options = { capabilities, versionNegotiation: { mode } } as ClientOptions
    const mcp = await client({ DATA_DIR: await store() }, { options })
    const asked: unknown[] = []
    if ('elicitation' in capabilities)
      mcp.setRequestHandler('elicitation/create', async ({ params }) => {
        asked.push(params)
        return answer as never
      })
    return { mcp, asked }
  }

  test('asks its user', async () => {
    const content = { initial_capital: 10_000, end_date: '2014-12-31' }
    const { mcp, asked } = await asking({ action: 'accept', content })
    expect(await call(mcp, 'run_backtest', LACKING)).toMatchObject({ status: 'completed', total_return: 39.0549 })
    expect(asked).toMatchObject([
      {
        message: 'The call lacks end_date, initial_capital. Please add them.',
        requestedSchema: {
          type: 'object',
          properties: { initial_capital: { type: 'number' }, end_date: { type: 'string', title: 'end date' } },
          required: ['end_date', 'initial_capital'],
        },
      },
    ])
  })

  test('learns what is missing if the user declines, if something else is wrong, or if it cannot ask', async () => {
    const { mcp, asked } = await asking({ action: 'decline' })
    expect(await refusal(mcp, 'run_backtest', LACKING)).toMatch(/^INVALID_ARGUMENT: 2 problems\n- end_date/)
    expect(asked).toHaveLength(1)
    expect(await refusal(mcp, 'run_backtest', { ...LACKING, banana: 1 })).toContain('banana is not a known field')
    expect(asked).toHaveLength(1)
    const { mcp: mute } = await asking({}, {})
    expect(await refusal(mute, 'run_backtest', LACKING)).toMatch(/^INVALID_ARGUMENT: 2 problems\n- end_date/)
  })
})
