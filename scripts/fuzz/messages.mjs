/** Hostile JSON-RPC: mutated MCP messages, and texts that are barely JSON. */

/** @typedef {import('./random.mjs').Random} Random */

const TOOLS = [
  'run_backtest',
  'get_backtest_results',
  'list_strategies',
  'validate_strategy',
  'get_metrics',
  'list_assets',
  'list_backtests',
  'register_strategy',
  'cancel_backtest',
  'delete_backtest',
  'run_sweep',
  'get_sweep',
]

const RUN = {
  strategy_id: 'sma_crossover',
  asset_symbol: 'SP500',
  start_date: '2010-01-04',
  end_date: '2010-06-30',
  initial_capital: 10_000,
  parameters: { fast_period: 5, slow_period: 20 },
  wait_seconds: 5,
}

/** Meaningful arguments per tool. */
const ARGUMENTS = {
  run_backtest: RUN,
  get_backtest_results: { backtest_id: 'bt-000000000000', detail: 'full', trades_offset: 0, equity_points: 10 },
  list_strategies: { strategy_id: 'rsi', offset: 0 },
  validate_strategy: { strategy_config: { strategy_id: 'rsi', parameters: { period: 14 } } },
  get_metrics: { backtest_id: 'bt-000000000000', metrics: ['sharpe_ratio'] },
  list_assets: { search: 'SP', limit: 10, offset: 0 },
  list_backtests: { limit: 5, status: 'completed' },
  register_strategy: { strategy: { id: 'fuzz', entries: 'close > sma(close, 20)', exits: 'close < sma(close, 20)' } },
  cancel_backtest: { backtest_id: 'bt-000000000000' },
  delete_backtest: { backtest_id: 'bt-000000000000' },
  run_sweep: {
    ...RUN,
    parameters: { fast_period: [5, 10], slow_period: { from: 20, to: 40, step: 10 } },
    min_trades: 1,
  },
  get_sweep: { sweep_id: 'sw-000000000000', from: 0, to: 10, where: 'sharpe_ratio > 0', limit: 5 },
}

const CLIENT = { name: 'fuzz', version: '1' }

/** Metadata of the revision without sessions, in which each request identifies its client. */
const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': CLIENT,
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** Names of inherited properties, and names with a meaning in JSON-RPC and MCP. */
const KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'then',
  'toJSON',
  'id',
  'method',
  'params',
  'result',
  'error',
  'jsonrpc',
  '_meta',
  'progressToken',
  'arguments',
  'name',
  'uri',
  '',
  '\u0000',
  '\u001b[2J',
  'a\nb',
  'ключ',
]

/** @type {readonly unknown[]} */
const VALUES = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  -1e308,
  5e-324,
  2 ** 53,
  '',
  'a',
  '\u0000',
  '\ud800',
  '\u202e\u001b[31mred\r\nNext: send money',
  '__proto__',
  'constructor',
  '../../../etc/passwd',
  'file:///etc/passwd',
  'backtest://bt-000000000000/results',
  'backtest://%/results',
  'backtest://%00%ff',
  'backtest://',
  'backtest://[',
  'strategies://list',
  '%s%n%x',
  'NaN',
  'Infinity',
  '2010-01-04',
  '9999999-99-99',
  '2026-07-28',
  '2025-11-25',
  '1900-01-01',
  {},
  [],
  [[]],
  [null],
  JSON.parse('{"then":1,"__proto__":{"polluted":true}}'),
  { toJSON: 'x' },
  { length: 1e9 },
  { jsonrpc: '2.0', id: 1, method: 'ping' },
]

/**
 * The apparent sender of a message: a client with a session, one of the revision without sessions, or one that mixes both.
 * @typedef {'session' | 'single' | 'mixed'} Era
 */

/**
 * Returns a message that a client could send.
 * @param {Random} random
 * @param {Era} era
 * @returns {Record<string, unknown>}
 */
function message(random, era) {
  const id = random.chance(0.9) ? random.below(1_000_000) : `id ${random.below(100)}`
  const request = (/** @type {string} */ method, /** @type {Record<string, unknown>} */ params = {}) => {
    const single = era === 'single' || (era === 'mixed' && random.chance(0.5))
    const given = single ? { ...params, _meta: structuredClone(META) } : params
    return { jsonrpc: '2.0', id, method, params: given }
  }
  switch (random.below(16)) {
    case 0:
      return request('ping')
    case 1:
      return request('tools/list', random.chance(0.5) ? {} : { cursor: 'x' })
    case 2:
      return request('resources/list')
    case 3:
      return request('resources/templates/list')
    case 4:
      return request('resources/read', { uri: random.pick(['strategies://list', 'backtest://bt-000000000000']) })
    case 5:
      return request('prompts/list')
    case 6:
      return request('prompts/get', { name: 'honest_study', arguments: { asset: 'SP500', idea: 'x' } })
    case 7:
      return request('completion/complete', {
        ref: { type: 'ref/resource', uri: 'backtest://{id}' },
        argument: { name: 'id', value: 'bt' },
      })
    case 8:
      return request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { ...CLIENT } })
    case 9:
      return random.chance(0.5)
        ? { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: random.below(1_000_000) } }
        : { jsonrpc: '2.0', method: 'notifications/initialized' }
    case 10:
      return random.pick([
        request('server/discover'),
        request('subscriptions/listen', { notifications: { toolsListChanged: true } }),
        request('logging/setLevel', { level: 'debug' }),
        request('tasks/list'),
        { jsonrpc: '2.0', id, result: {} },
        { jsonrpc: '2.0', id, error: { code: -32000, message: 'no' } },
      ])
    default: {
      // Runs are expensive: most of them are mutated below so that they are rejected.
      const name = /** @type {keyof typeof ARGUMENTS} */ (random.chance(0.1) ? 'run_backtest' : random.pick(TOOLS))
      return request('tools/call', { name, arguments: structuredClone(ARGUMENTS[name]) })
    }
  }
}

/**
 * Returns an unsuitable value.
 * @param {Random} random
 * @returns {unknown}
 */
function odd(random) {
  // A copy, because values are mutated together with their message.
  if (random.chance(0.9)) return structuredClone(random.pick(VALUES))
  switch (random.below(6)) {
    case 0:
      return 'x'.repeat(random.below(50_000))
    case 1:
      return '\u001b\u0000\u2028'.repeat(random.below(1000))
    case 2:
      return Array.from({ length: random.below(2000) }, () => null)
    case 3:
      return Object.fromEntries(Array.from({ length: random.below(1000) }, (_, index) => [`k${index}`, index]))
    case 4:
      return nested(random.below(200))
    default:
      return random.below(2 ** 31) - 2 ** 30
  }
}

/**
 * @param {number} depth
 * @returns {unknown}
 */
function nested(depth) {
  /** @type {unknown} */
  let value = 1
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value }
  return value
}

/**
 * Mutates a value in place: replaces, adds or removes a part of it.
 * @param {Random} random
 * @param {Record<string, unknown>} root
 */
function change(random, root) {
  /** @type {Record<string, unknown>[]} */
  const objects = []
  const collect = (/** @type {unknown} */ value) => {
    if (typeof value !== 'object' || value === null || objects.length > 100) return
    objects.push(/** @type {Record<string, unknown>} */ (value))
    for (const part of Object.values(value)) collect(part)
  }
  collect(root)
  // Mostly at deeper levels: changes at the top fail the first check.
  const object = random.chance(0.2) ? root : random.pick(objects.length > 1 ? objects.slice(1) : objects)
  const keys = Object.keys(object)
  const key = keys.length > 0 && random.chance(0.8) ? random.pick(keys) : random.pick(KEYS)
  if (random.chance(0.15)) delete object[key]
  // Creates an own property, even for the name __proto__.
  else Object.defineProperty(object, key, { value: odd(random), enumerable: true, writable: true, configurable: true })
}

/**
 * Returns a message or a batch, possibly mutated.
 * @param {Random} random
 * @param {Era} era
 */
function anyMessage(random, era) {
  const one = () => {
    const made = message(random, era)
    for (let changes = random.pick([0, 0, 0, 1, 1, 1, 2, 3]); changes > 0; changes--) change(random, made)
    return made
  }
  if (random.chance(0.93)) return one()
  return Array.from({ length: random.pick([0, 1, 2, 3, 20, 101]) }, one)
}

/**
 * Returns the bytes of a body or a line, mostly JSON, and the message in it.
 * @param {Random} random
 * @param {Era} era
 * @returns {{ bytes: Buffer, message?: unknown }}
 */
export function anyText(random, era) {
  if (random.chance(0.03)) return { bytes: random.pick(TEXTS)(random) }
  const message = anyMessage(random, era)
  let text = JSON.stringify(message)
  if (random.chance(0.02)) text = text.replace(/\d+/, random.pick(['1e999', '-0', '1'.repeat(5000), '0x10', 'NaN']))
  if (random.chance(0.02)) text = text.replace('"2.0"', random.pick(['2.0', '"2"', '"2.0","jsonrpc":"1.0"']))
  const bytes = Buffer.from(text)
  if (random.chance(0.05)) {
    for (let flips = 1 + random.below(3); flips > 0; flips--) bytes[random.below(bytes.length)] = random.below(256)
  }
  return { bytes: random.chance(0.03) ? bytes.subarray(0, random.below(bytes.length)) : bytes, message }
}

/** @type {((random: Random) => Buffer)[]} */
const TEXTS = [
  () => Buffer.alloc(0),
  (random) => random.bytes(random.below(500)),
  (random) => Buffer.from('['.repeat(random.below(100_000))),
  (random) => {
    const depth = random.below(20_000)
    return Buffer.from('['.repeat(depth) + ']'.repeat(depth))
  },
  (random) => {
    const depth = random.below(20_000)
    const deep = '{"a":'.repeat(depth) + 1 + '}'.repeat(depth)
    return Buffer.from(
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_assets","arguments":${deep}}}`,
    )
  },
  (random) =>
    Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":[${'0,'.repeat(random.below(50_000))}0]}}`),
  (random) =>
    Buffer.from(
      `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${JSON.stringify('\u001b'.repeat(random.below(50_000)))}}}`,
    ),
  () => Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping","id":2,"method":"initialize"}'),
  () => Buffer.from([0xff, 0xfe, 0x7b, 0x00]),
  () =>
    Buffer.concat([
      Buffer.from('{"jsonrpc":"2.0","id":"'),
      Buffer.from([0xc3, 0x28, 0xff]),
      Buffer.from('","method":"ping"}'),
    ]),
  () => Buffer.from('\ufeff{"jsonrpc":"2.0","id":1,"method":"ping"}'),
  () => Buffer.from('null'),
  () => Buffer.from('0'),
  () => Buffer.from('"text"'),
]
