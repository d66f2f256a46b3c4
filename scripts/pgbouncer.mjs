/**
 * Starts a pgbouncer in transaction mode in front of a PostgreSQL server for tests, on a free port of the loopback interface
 * and in a temporary folder.
 *
 * The program comes from PATH or, on Debian and its derivatives, from the packages of the distribution. They are unpacked
 * into node_modules/.cache, which needs no root permissions and installs nothing.
 */

import { spawnSync } from 'node:child_process'
import { chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { installed } from './lib.mjs'
import { answers, freePort, NOBODY } from './postgres.mjs'
import { server } from './server.mjs'

/**
 * @typedef {object} Pooler
 * @property {string} url of the server through the pooler
 * @property {string} version
 * @property {() => Promise<void>} stop kills it with all its connections
 * @property {() => Promise<void>} start starts it again on the same port
 * @property {() => Promise<void>} remove stops it and deletes its folder
 */

/** pgbouncer is missing; the message says why. */
export class NoPgbouncer extends Error {}

/**
 * Starts a pooler.
 * @param {string} database the URL of the server; the pooler has the same user and password
 * @param {Record<string, string | number>} [settings] of the pooler, such as `{ default_pool_size: 2 }`
 * @returns {Promise<Pooler>}
 * @throws {NoPgbouncer} if it is missing and cannot be downloaded
 */
export async function startPgbouncer(database, settings = {}) {
  const found = findPgbouncer()
  const folder = mkdtempSync(join(tmpdir(), 'backtesting-pgbouncer-'))
  // pgbouncer does not run as root, so root runs it as nobody, from a copy that nobody may read.
  const isRoot = process.getuid?.() === 0
  const programs = join(folder, 'programs')
  if (found.folder) cpSync(found.folder, programs, { recursive: true, verbatimSymlinks: true })
  const program = found.folder ? join(programs, 'usr', 'sbin', 'pgbouncer') : found.program

  const { hostname, port: serverPort, username, password, pathname } = new URL(database)
  const port = await freePort()
  const quoted = (/** @type {string} */ text) => `"${decodeURIComponent(text).replaceAll('"', '""')}"`
  const users = join(folder, 'users.txt')
  const ini = join(folder, 'pgbouncer.ini')
  writeFileSync(users, `${quoted(username)} ${quoted(password)}\n`)
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: password ? 'scram-sha-256' : 'trust',
    auth_file: users,
    pool_mode: 'transaction',
    // Few sessions, each transaction in the next one, so that state that one leaves behind affects another.
    default_pool_size: 3,
    server_round_robin: 1,
    max_client_conn: 1000,
    // Reconnect soon after the server was away.
    server_login_retry: 1,
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`)
  writeFileSync(ini, `[databases]\n* = host=${hostname} port=${serverPort || 5432}\n[pgbouncer]\n${lines.join('\n')}\n`)
  if (isRoot) for (const path of [folder, users, ini]) chownSync(path, NOBODY, NOBODY)
  const url = new URL(database)
  url.host = `127.0.0.1:${port}`
  url.pathname = pathname

  const options = {
    cwd: folder,
    env: { ...process.env, ...libraries(found.folder ? programs : undefined) },
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
  }
  const pooler = server('pgbouncer', program, [ini], options, () => answers(url.href))
  const start = pooler.start
  const stop = () => pooler.stop('SIGKILL')
  const remove = async () => {
    await pooler.remove()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    await start()
  } catch (error) {
    await remove()
    throw error
  }
  return { url: url.href, version: found.version, start, stop, remove }
}

/**
 * Finds the program or downloads it from the distribution.
 * @returns {{ program: string, folder?: string, version: string }} the folder contains an unpacked one with its libraries
 */
export function findPgbouncer() {
  const places = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  const onPath = places.map((place) => join(place, 'pgbouncer')).find((program) => existsSync(program))
  if (onPath) {
    const version = versionOf(onPath)
    if (version) return { program: onPath, version }
  }
  const folder = installed('.cache/pgbouncer')
  const program = join(folder, 'usr', 'sbin', 'pgbouncer')
  if (!existsSync(program)) unpack(folder)
  const version = versionOf(program, folder)
  if (!version) throw new NoPgbouncer(`the pgbouncer in ${folder} does not run here`)
  return { program, folder, version }
}

/** @param {string} program @param {string} [folder] */
function versionOf(program, folder) {
  const { stdout } = spawnSync(program, ['--version'], {
    encoding: 'utf8',
    env: { ...process.env, ...libraries(folder) },
  })
  return /PgBouncer ([\d.]+)/i.exec(stdout ?? '')?.[1]
}

/**
 * Returns the environment variables for unpacked libraries.
 * @param {string | undefined} folder
 * @returns {Record<string, string>}
 */
function libraries(folder) {
  if (!folder) return {}
  const lib = join(folder, 'usr', 'lib')
  const multiarch = existsSync(lib) ? readdirSync(lib).map((name) => join(lib, name)) : []
  return { LD_LIBRARY_PATH: [lib, ...multiarch, process.env.LD_LIBRARY_PATH ?? ''].filter(Boolean).join(':') }
}

/**
 * Downloads and unpacks the packages of the distribution.
 * @param {string} folder
 */
function unpack(folder) {
  const run = (/** @type {string} */ name, /** @type {string[]} */ args, cwd = '/') =>
    spawnSync(name, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  if (
    process.platform !== 'linux' ||
    run('apt-get', ['--version']).status !== 0 ||
    run('dpkg', ['--version']).status !== 0
  )
    throw new NoPgbouncer('pgbouncer is not on PATH, and apt-get or dpkg are missing to download it')
  mkdirSync(folder, { recursive: true })
  const downloads = mkdtempSync(join(tmpdir(), 'backtesting-apt-'))
  try {
    const attempt = () => {
      // The names of the libraries depend on the release of the distribution.
      const { stdout } = run('apt-cache', ['depends', '--important', 'pgbouncer'])
      const needed = [...(stdout ?? '').matchAll(/Depends: (lib(?:event|c-?ares)[\w.+-]*)/g)].map(
        ([, name]) => name ?? '',
      )
      return run('apt-get', ['download', 'pgbouncer', ...new Set(needed)], downloads)
    }
    let got = attempt()
    if (got.status !== 0 && process.getuid?.() === 0) {
      // The package lists may be missing on a fresh machine.
      run('apt-get', ['update'])
      got = attempt()
    }
    if (got.status !== 0)
      throw new NoPgbouncer(`pgbouncer is not on PATH, and apt-get cannot download it: ${lastLine(got.stderr)}`)
    for (const file of readdirSync(downloads).filter((name) => name.endsWith('.deb'))) {
      const { status, stderr } = run('dpkg', ['-x', join(downloads, file), folder])
      if (status !== 0) throw new NoPgbouncer(`dpkg cannot unpack ${file}: ${lastLine(stderr)}`)
    }
  } finally {
    rmSync(downloads, { recursive: true, force: true })
  }
}

/** @param {string | null} text */
function lastLine(text) {
  return (text ?? '').trim().split('\n').at(-1) ?? ''
}

/**
 * Starts a pooler for the tests and sets TEST_PGBOUNCER_URL, unless it is set already. If there is no pooler, sets
 * TEST_PGBOUNCER_MISSING to the reason.
 * @param {string} server
 * @returns {Promise<Pooler | undefined>} the pooler that was started
 */
export async function offerPgbouncer(server) {
  if (process.env.TEST_PGBOUNCER_URL) return undefined
  delete process.env.TEST_PGBOUNCER_MISSING
  try {
    const pooler = await startPgbouncer(server)
    process.env.TEST_PGBOUNCER_URL = pooler.url
    return pooler
  } catch (error) {
    process.env.TEST_PGBOUNCER_MISSING = error instanceof Error ? error.message : String(error)
    return undefined
  }
}
