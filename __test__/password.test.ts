import { randomInt, randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BacktestEngine, BacktestError, type EngineConfig } from '../index.js'
import { client, refusal, run } from './mcp/support.js'
import { connect, database, server, stored, TICKS } from './postgres.js'
import { failure, inProcess, newEngine, request, untyped } from './support.js'

/** Characters with a meaning in a URL, and their codes. */
const DELIMITERS = { '@': '%40', ':': '%3A', '/': '%2F', '?': '%3F', '#': '%23', '%': '%25' }

/** With these in the password, readers of URLs disagree where it ends. */
const AMBIGUOUS = ['@', '/', '?', '#', '%'] as const

/** The length of a part of a password that must not be shown. */
const PART = 4

/** Returns letters that no message contains in this order. */
function word(): string {
  return Array.from({ length: 8 }, () => 'QXZJKVWY'[randomInt(8)]).join('')
}

/** Expects that a text contains no part of a password. */
function expectHidden(text: string, password: string) {
  for (let start = 0; start + PART <= password.length; start++) {
    expect(text).not.toContain(password.slice(start, start + PART))
  }
}

/** Returns everything that a program could write to a log about an error. */
function everything(error: BacktestError): string {
  return [error.message, error.stack, JSON.stringify(error), inspect(error, { depth: null, showHidden: true })].join(
    '\n',
  )
}

/** Returns the error of an engine that must not be created, which says how to encode a password. */
function rejected(config: EngineConfig): BacktestError {
  let thrown: unknown
  try {
    new BacktestEngine(typeof config === 'object' ? { logLevel: 'off', ...config } : config)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(BacktestError)
  const error = thrown as BacktestError
  expect([error.code, error.retryable]).toEqual(['INVALID_ARGUMENT', false])
  return error
}

/** Creates a role with a password, and returns the URL of an empty database for it without the login. */
async function roleWith(password: string) {
  const admin = await connect(server())
  const role = `role_${randomUUID().slice(0, 8)}`
  // After the database, in which it owns a schema.
  onTestFinished(async () => {
    await admin.query(`DROP ROLE IF EXISTS ${role}`)
  })
  const url = new URL(await database())
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`)
  await admin.query(`GRANT CREATE ON DATABASE ${url.pathname.slice(1)} TO ${role}`)
  return { role, place: `${url.host}${url.pathname}` }
}

describe('a password with a character that must be encoded', () => {
  test.each(AMBIGUOUS)('%s is rejected, with the code and without any part of the password', (delimiter) => {
    for (const place of ['127.0.0.1:1/db', 'h', 'h1,[::1]:6000/db?schema=s', '%2Frun%2Fpostgresql/db', 'h/db?foo=1']) {
      for (const setting of ['databaseUrl', 'marketDataUrl'] as const) {
        const secret = `${word()}${delimiter}${word()}`
        for (const user of ['me', '']) {
          const error = rejected({ [setting]: `postgresql://${user}:${secret}@${place}` })
          expect(error.message).toContain(setting)
          expect(error.message).toContain('encodeURIComponent')
          expect(error.message).toContain(DELIMITERS[delimiter])
          expect(error.issues).toEqual([expect.objectContaining({ path: `config.${setting}`, code: 'format' })])
          expectHidden(everything(error), secret)
        }
      }
    }
  })

  test('is neither in the log nor in the output of a process that reads it from the environment or a file', async () => {
    for (const delimiter of AMBIGUOUS) {
      const secret = `${word()}${delimiter}${word()}`
      const { stdout, stderr } = await inProcess(
        `await backtesting.listBacktests().catch((error) => console.log(error.code, error.retryable, error, error.stack))`,
        { environment: { DATABASE_URL: `postgresql://me:${secret}@127.0.0.1:1/db`, LOG_LEVEL: 'trace' } },
      )
      expect(stdout).toMatch(/^INVALID_ARGUMENT false /)
      expect(stdout).toContain('DATABASE_URL')
      expectHidden(stdout + stderr, secret)
    }
  })

  test('is not in the answers of the MCP server', async () => {
    const secret = `${word()}@${word()}/${word()}`
    const { status, stdout, stderr } = run([], { DATABASE_URL: `postgresql://me:${secret}@h/db`, LOG_LEVEL: 'trace' })
    expect(status).not.toBe(0)
    expect(stdout + stderr).toContain('encodeURIComponent')
    expectHidden(stdout + stderr, secret)
    const other = word()
    const mcp = await client({ DATABASE_URL: `postgresql://${other}:${secret.replace(/\W/g, ':')}@127.0.0.1:9` })
    const text = await refusal(mcp, 'list_backtests')
    expect(text).toContain('127.0.0.1:9')
    expectHidden(text, secret)
  })
})

describe('a password', () => {
  test('is read exactly if it is encoded, and so is a colon that is not', async () => {
    const secret = `${word()}${Object.keys(DELIMITERS).join('')}&=+é ${word()}`
    const { role, place } = await roleWith(secret)
    for (const url of [
      `postgresql://${role}:${encodeURIComponent(secret)}@${place}`,
      `postgresql://${place}?user=${role}&password=${encodeURIComponent(secret)}`,
    ]) {
      expect(await newEngine({ databaseUrl: url }).listBacktests()).toEqual([])
    }
    const colons = await roleWith('a:b:c')
    const engine = newEngine({ databaseUrl: `postgresql://${colons.role}:a:b:c@${colons.place}` })
    expect(await engine.listBacktests()).toEqual([])
    expect(inspect(engine, { depth: null, showHidden: true })).not.toContain('a:b:c')
  })

  test('that is wrong is not shown, and the message says how to encode it', async () => {
    const { role, place } = await roleWith('right')
    const secret = `${word()}%41${word()}`
    for (const url of [
      `postgresql://${role}:${secret}@${place}?foo=1`,
      `postgresql://${role}@${place}?password=${secret}&${word()}`,
    ]) {
      const { stdout, stderr } = await inProcess(
        `const engine = new backtesting.BacktestEngine({ databaseUrl: ${JSON.stringify(url)}, logLevel: 'trace' })
         await engine.listBacktests().catch((error) => console.log(error.code, error.retryable, error, error.stack))`,
      )
      expect(stdout).toMatch(/^STORAGE false /)
      expect(stdout).toContain('percent-encoded')
      expect(stdout).toContain(role)
      expect(stderr).toContain('unknown parameters of databaseUrl (DATABASE_URL) were ignored')
      expectHidden(stdout + stderr, secret)
      expectHidden(stdout + stderr, secret.replace('%41', 'A'))
      expectHidden(stdout + stderr, url.split('&')[1] ?? '')
    }
  })

  test('is not shown if it stands where the user or the host should be', async () => {
    const { host } = new URL(server())
    for (const [url, retryable] of [
      // In a file of variables, an unencoded # ends the URL.
      [(secret: string) => `postgresql://me:x@${secret}`, true],
      [(secret: string) => `postgresql://me:x@${secret.repeat(100)}`, true],
      [(secret: string) => `postgresql://me:x@%2F${secret.repeat(100)}`, true],
      [(secret: string) => `postgresql://me:x@${secret}.invalid:6000/${secret}?connect_timeout=2`, true],
      [(secret: string) => `postgresql://${secret}@127.0.0.1:9`, true],
      [(secret: string) => `postgresql://${secret}@${host}`, false],
      [(secret: string) => `postgresql://${host}?user=${secret}`, false],
      [(secret: string) => `postgresql://${secret}@${host}/postgres?sslmode=disable&pgbouncer=true`, false],
    ] as const) {
      const secret = word()
      const error = await failure(newEngine({ databaseUrl: url(secret) }).listBacktests(), 'STORAGE')
      expect(error.retryable).toBe(retryable)
      expectHidden(everything(error).toUpperCase(), secret)
    }
    for (const url of [
      (secret: string) => `postgresql://me%3A${secret}@h/db`,
      (secret: string) => `postgresql://me:${secret}%40h/db`,
      (secret: string) => `postgresql://me:${secret}/db`,
      (secret: string) => `postgresql://me:${secret}`,
      (secret: string) => `postgresql:me:${secret}@h/db`,
      (secret: string) => `host=h user=me password=${secret}`,
      (secret: string) => `sqlite:postgresql://me:${secret}@h/db`,
      (secret: string) => `"postgresql://me:${secret}@h/db"`,
      (secret: string) => `postgresql://me:${secret}@h/db\nDATA_DIR=x`,
      (secret: string) => `postgresql://me:x@h/db?password=%${secret}`,
      (secret: string) => `postgresql://me:${secret.repeat(100_000)}@${secret}@h/db`,
    ]) {
      const secret = word()
      const error = rejected({ databaseUrl: url(secret) })
      expect(error.message).toContain('postgresql://USER:PASSWORD@HOST:PORT/DATABASE')
      expectHidden(everything(error), secret)
    }
  })

  test('is not shown if its URL is in the wrong setting or field', async () => {
    const secret = word()
    const url = `postgresql://me:${secret}@127.0.0.1:9/db`
    for (const setting of ['dataDir', 'dbSchema', 'marketDataTable', 'logLevel', 'dbPoolSize', url]) {
      expectHidden(everything(rejected(untyped({ [setting]: url }))), secret)
    }
    expectHidden(everything(rejected(untyped(url))), secret)
    for (const value of [[url], { url }, new URL(url), Buffer.from(url)]) {
      expectHidden(everything(rejected(untyped({ databaseUrl: value }))), secret)
    }
    const engine = newEngine()
    for (const field of [
      'strategyId',
      'assetSymbol',
      'startDate',
      'timeframe',
      'initialCapital',
      'databaseUrl',
      'bars',
    ]) {
      const run = engine.runBacktest(untyped({ ...stored(), [field]: url }))
      const error = await run.then(
        () => undefined,
        (error: BacktestError) => error,
      )
      expectHidden(everything(error as BacktestError), secret)
    }
  })

  test('is not in the error of a run that is kept', async () => {
    const secret = word()
    const { role, place } = await roleWith(secret)
    const url = new URL(server())
    url.pathname = place.slice(place.indexOf('/'))
    const admin = await connect(url.href)
    await admin.query(`${TICKS} GRANT SELECT ON market_data, assets TO ${role}`)
    const marketDataUrl = `postgresql://${role}:${secret}@${place}`
    const engine = newEngine({ databaseUrl: url.href, marketDataUrl, maxConcurrentBacktests: 1 })
    await engine.listBacktests()
    const statuses = async () => (await engine.listBacktests()).map(({ status }) => status)
    // Two runs that cannot write their results keep a third one waiting. Meanwhile its password changes.
    await admin.query('BEGIN')
    await admin.query('LOCK TABLE backtesting.backtest_results IN EXCLUSIVE MODE')
    const others = [engine.runBacktest(request()), engine.runBacktest(request())]
    await expect.poll(statuses).toEqual(['running', 'running'])
    const run = failure(engine.runBacktest(stored()), 'STORAGE')
    await expect.poll(statuses).toContain('pending')
    const other = await connect(url.href)
    await other.query(`ALTER ROLE ${role} PASSWORD 'other'`)
    await other.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [role])
    await admin.query('COMMIT')
    await Promise.all(others)
    expectHidden(everything(await run), secret)
    const { rows } = await other.query(`SELECT * FROM backtesting.backtest_runs WHERE status = 'failed'`)
    expect(rows).toEqual([expect.objectContaining({ error: expect.stringContaining(role) })])
    expectHidden(JSON.stringify(rows), secret)
  })
})
