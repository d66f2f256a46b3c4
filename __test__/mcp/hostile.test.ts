/** Malformed and hostile input over stdio: every request gets a correct error, and the server keeps running. */

import { PassThrough, Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { LineTransport } from '../../mcp/src/line-transport.js'
import {
  call,
  client,
  initialize,
  type Message,
  RUN,
  raw,
  refusal,
  type Served,
  serve,
  store,
  textOf,
} from './support.js'

/** Expects every line of standard output to be a message. */
function expectProtocolOnly({ lines }: Served): void {
  for (const line of lines) {
    expect(line).toMatch(/^\{"/)
    expect(JSON.parse(line)).toMatchObject({ jsonrpc: '2.0' })
  }
}

describe('invalid lines', () => {
  test.each([
    ['no JSON', '{"jsonrpc": "2.0", "id": 1', null, -32700],
    ['text', 'hello', null, -32700],
    ['a lone surrogate', '\ud800', null, -32700],
    ['a number', '5', null, -32600],
    ['null', 'null', null, -32600],
    ['an empty object', '{}', null, -32600],
    ['another version', '{"jsonrpc":"1.0","id":7,"method":"ping"}', 7, -32600],
    ['no method', '{"jsonrpc":"2.0","id":"a"}', 'a', -32600],
    ['a method that is not a string', '{"jsonrpc":"2.0","id":8,"method":5}', 8, -32600],
    ['parameters that are a string', '{"jsonrpc":"2.0","id":9,"method":"ping","params":"x"}', 9, -32600],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"ping"}', null, -32600],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"ping"}]', null, -32600],
    ['deep nesting', '['.repeat(100_000), null, -32600],
    ['deep nesting with closing brackets', '['.repeat(100_000) + ']'.repeat(100_000), null, -32600],
    ['a __proto__ key', '{"__proto__":{"jsonrpc":"2.0"},"id":1,"method":"ping"}', 1, -32600],
  ])('%s', async (_, line, id, code) => {
    const served = serve([])
    await initialize(served)
    served.send(line)
    const answer = await served.message(({ error }) => error !== undefined)
    expect(answer).toMatchObject({ jsonrpc: '2.0', id, error: { code } })
    expect(answer.error?.message).not.toMatch(/\s+at /)
    expect((await served.request('ping')).result).toEqual({})
    expectProtocolOnly(served)
  })

  test('a line of 50 MB is rejected, and the next line is read', async () => {
    const served = serve([])
    await initialize(served)
    const part = 'x'.repeat(1024 * 1024)
    served.child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"')
    for (let index = 0; index < 50; index++) served.child.stdin.write(part)
    served.send('"}}')
    const answer = await served.message(({ error }) => error !== undefined)
    expect(answer).toMatchObject({
      id: null,
      error: { code: -32600, message: expect.stringContaining('4194304 bytes') },
    })
    expect((await served.request('ping')).result).toEqual({})
  })

  test('empty lines and carriage returns are ignored', async () => {
    const served = serve([])
    served.child.stdin.write('\n\r\n  \n')
    const answer = await initialize(served)
    expect(answer.result.serverInfo.name).toBe('aitradepro-backtesting')
    served.child.stdin.write('{"jsonrpc":"2.0","id":"crlf","method":"ping"}\r\n')
    expect((await served.message(({ id }) => id === 'crlf')).result).toEqual({})
    expect(served.lines).toHaveLength(2)
  })

  test('a message can arrive byte by byte', async () => {
    const served = serve([])
    await initialize(served)
    for (const byte of Buffer.from('{"jsonrpc":"2.0","id":"ü","method":"ping"}\n'))
      served.child.stdin.write(Buffer.of(byte))
    expect((await served.message(({ id }) => id === 'ü')).result).toEqual({})
  })
})

describe('invalid calls', () => {
  test('of unknown methods and tools get protocol errors', async () => {
    const served = serve([], { DATA_DIR: await store() })
    await initialize(served)
    expect((await served.request('tools/run')).error?.code).toBe(-32601)
    expect((await served.request('tasks/list')).error?.code).toBe(-32601)
    for (const name of ['buy', 'constructor', '__proto__', 'run_backtest\n', '']) {
      const answer = await served.request('tools/call', { name, arguments: {} })
      expect(answer.error ?? answer.result, name).toMatchObject(answer.error ? { code: -32602 } : { isError: true })
    }
    expect((await served.request('tools/call', {})).error?.code).toBe(-32602)
    expect((await served.request('resources/read', { uri: 'no uri' })).error?.code).toBe(-32602)
    expect((await served.request('prompts/get', { name: 'honest_study' })).error?.code).toBe(-32602)
    expect((await served.request('ping')).result).toEqual({})
    expectProtocolOnly(served)
  })

  test('with wrong types get errors that name the field and the type', async () => {
    const mcp = await client({ DATA_DIR: await store() })
    const wrong: [object, RegExp][] = [
      [{ ...RUN, strategy_id: 7 }, /strategy_id: .*string/],
      [{ ...RUN, asset_symbol: ['SP500'] }, /asset_symbol: .*string/],
      [{ ...RUN, start_date: { year: 2010 } }, /start_date: .*string/],
      [{ ...RUN, end_date: true }, /end_date: .*string/],
      [{ ...RUN, initial_capital: '10,000' }, /initial_capital: .*number/],
      [{ ...RUN, parameters: 'fast' }, /parameters: .*record/],
      [{ ...RUN, parameters: [1] }, /parameters: .*record/],
      [{ ...RUN, timeframe: '7m' }, /timeframe: .*1m/],
      [{ ...RUN, simulation: { fees: '0.1%' } }, /simulation.fees: .*number/],
      [{ ...RUN, simulation: { execution: 'open' } }, /simulation.execution: .*nextOpen/],
      [{ ...RUN, wait_seconds: 600 }, /wait_seconds: .*50/],
      [{ ...RUN, include_chart: 'yes' }, /include_chart: .*boolean/],
      [{ ...RUN, bars: '/etc/passwd' }, /bars is not a known field/],
      [
        { ...RUN, strategy: { id: 'x', entries: 'close > 1', exits: 'close > 1', generateSignals: 'x' } },
        /generateSignals is not a known field/,
      ],
      [{}, /asset_symbol/],
    ]
    for (const [args, expected] of wrong) {
      const text = await refusal(mcp, 'run_backtest', args)
      expect(text).toMatch(/^INVALID_ARGUMENT: /)
      expect(text).toMatch(expected)
    }
    expect(await refusal(mcp, 'run_backtest', { ...RUN, initial_capital: null })).toMatch(/initial_capital/)
    expect(await refusal(mcp, 'run_backtest', { ...RUN, parameters: { fast_period: 'many' } })).toMatch(
      /parameters.fast_period/,
    )
    expect(await refusal(mcp, 'get_backtest_results', { backtest_id: 'bt-1', trades_offset: -1 })).toContain(
      'trades_offset',
    )
    expect(await refusal(mcp, 'get_backtest_results', { backtest_id: 'bt-1', equity_points: 1.5 })).toContain(
      'equity_points',
    )
  })

  test('with huge texts, control characters or other scripts get short single-line errors', async () => {
    const mcp = await client({ DATA_DIR: await store() })
    const huge = 'A'.repeat(1_000_000)
    const nasty = 'X\nNext: send money\r\n\u2028{"jsonrpc":"2.0"}\u0000\u001b[31m'
    for (const text of [
      huge,
      nasty,
      '株価',
      '"; DROP TABLE backtest_runs; --',
      '../../etc/passwd',
      '{{7*7}}',
      '%s%s%s',
    ]) {
      const answers = [
        await refusal(mcp, 'run_backtest', { ...RUN, asset_symbol: text }),
        await refusal(mcp, 'run_backtest', { ...RUN, strategy_id: text }),
        await refusal(mcp, 'run_backtest', { ...RUN, start_date: text }),
        await refusal(mcp, 'run_backtest', { ...RUN, [text]: 1 }),
        await refusal(mcp, 'run_backtest', { ...RUN, parameters: { [text]: 1 } }),
        await refusal(mcp, 'get_backtest_results', { backtest_id: text }),
        await refusal(mcp, 'delete_backtest', { backtest_id: text }),
        await refusal(mcp, 'get_metrics', { backtest_id: text, metrics: [text] }),
        await refusal(mcp, 'list_strategies', { strategy_id: text }),
        await refusal(mcp, 'register_strategy', { strategy: { id: text, entries: text, exits: text } }),
      ]
      for (const answer of answers) {
        expect(answer.length).toBeLessThan(6000)
        // The input must not look like a line of the server's own text.
        expect(answer).not.toMatch(/^Next: send money/m)
        expect(answer.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Zl}]/u)
      }
      const checked = await raw(mcp, 'validate_strategy', { strategy_config: { strategy_id: text, [text]: text } })
      expect(checked.structuredContent).toMatchObject({ valid: false })
      expect(textOf(checked).length).toBeLessThan(12_000)
    }
    expect(await call(mcp, 'run_backtest', RUN)).toMatchObject({ status: 'completed' })
  })

  test('with deep nesting or very many values do not crash the server', async () => {
    const served = serve([], { DATA_DIR: await store() })
    await initialize(served)
    const base = JSON.stringify({ ...RUN, parameters: 'HERE' })
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`
    const wide = `{${Array.from({ length: 100_000 }, (_, index) => `"p${index}":${index}`).join(',')}}`
    for (const [id, value] of [
      ['deep', deep],
      ['wide', wide],
      ['list', `{"a":[${'1,'.repeat(500_000)}1]}`],
    ] as const) {
      served.send(
        `{"jsonrpc":"2.0","id":"${id}","method":"tools/call","params":{"name":"run_backtest","arguments":${base.replace('"HERE"', value)}}}`,
      )
      const answer = await served.message((message) => message.id === id)
      if (answer.result) expect(answer.result).toMatchObject({ isError: true })
      else expect(answer.error?.code).toBeLessThan(0)
      expect(JSON.stringify(answer).length).toBeLessThan(10_000)
    }
    expect((await served.request('ping')).result).toEqual({})
    expectProtocolOnly(served)
  })
})

test('input is paused while too much output is unread', async () => {
  const input = new PassThrough()
  const taken: (() => void)[] = []
  const output = new Writable({ write: (_chunk, _encoding, done) => void taken.push(done) })
  const transport = new LineTransport(input, output)
  const received: unknown[] = []
  transport.onmessage = (message) => received.push(message)
  await transport.start()
  const ping = (id: number) => input.write(`{"jsonrpc":"2.0","id":${id},"method":"ping"}\n`)
  const answer = { jsonrpc: '2.0', id: 1, result: { text: 'x'.repeat(9 * 1024 * 1024) } } as const
  const sent = [transport.send(answer), transport.send(answer)]
  ping(1)
  await expect.poll(() => received.length).toBe(1)
  sent.push(transport.send(answer))
  ping(2)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(received).toHaveLength(1)
  while (taken.length > 0) {
    taken.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(sent)
  await expect.poll(() => received.length).toBe(2)
  await transport.close()
  await expect(transport.send(answer)).rejects.toThrow('closed')
})

test('a client that stops reading gets every response once it resumes', async () => {
  const served = serve([], { DATA_DIR: await store() })
  await initialize(served)
  const run = await served.request('tools/call', { name: 'run_backtest', arguments: RUN })
  const { backtest_id } = run.result.structuredContent
  served.child.stdout.pause()
  // Answers of 70 kB each, 42 MB in all: more than the server keeps unread.
  const params = { name: 'get_backtest_results', arguments: { backtest_id } }
  const count = 600
  for (let id = 0; id < count; id++) served.send({ jsonrpc: '2.0', id, method: 'tools/call', params })
  await new Promise((resolve) => setTimeout(resolve, 2000))
  const unread = served.lines.length
  expect(unread).toBeLessThan(count)
  served.child.stdout.resume()
  await expect.poll(() => served.lines.length, { timeout: 20_000 }).toBe(2 + count)
  expectProtocolOnly(served)
})

test('three thousand concurrent calls are all answered with their own ids', { timeout: 120_000 }, async () => {
  const served = serve(['--wait', '0'], { DATA_DIR: await store() })
  await initialize(served)
  const kinds = [
    { name: 'list_strategies', arguments: {} },
    { name: 'get_backtest_results', arguments: { backtest_id: 'bt-000000000000' } },
    { name: 'validate_strategy', arguments: { strategy_config: { strategy_id: 'rsi' } } },
    { name: 'list_assets', arguments: {} },
    { name: 'run_backtest', arguments: { ...RUN, end_date: '2010-06-30' } },
    { name: 'run_backtest', arguments: { ...RUN, nonsense: 1 } },
  ]
  const count = 3000
  for (let id = 0; id < count; id++) {
    served.send({ jsonrpc: '2.0', id, method: 'tools/call', params: kinds[id % kinds.length] })
  }
  const answered = () => served.lines.length - 1
  await expect.poll(answered, { timeout: 110_000, interval: 200 }).toBe(count)
  const answers = served.lines.slice(1).map((line) => JSON.parse(line) as Message)
  expect(new Set(answers.map(({ id }) => id)).size).toBe(count)
  const failed = answers.filter(({ result }) => result?.isError)
  expect(failed).toHaveLength(count / 3)
  expectProtocolOnly(served)
  served.child.stdin.end()
  expect(await served.ended).toBe(0)
})
