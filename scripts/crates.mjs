/** Lists the crates, C libraries and fonts that the addon contains. */

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fail, ROOT } from './lib.mjs'
import { texts } from './notices.mjs'

/** @typedef {import('./notices.mjs').Component} Component */

/**
 * A C library that is part of a crate.
 * @typedef {object} Library
 * @property {string} name
 * @property {string} license
 * @property {string} cpe vendor and name in vulnerability databases
 * @property {(folder: string) => string | undefined} version
 * @property {(folder: string) => string[]} texts
 */

/**
 * The libraries of crates with a `links` key; `null` if the library has no version and license of its own.
 * @type {{ [crate: string]: Library | null }}
 */
const LIBRARIES = {
  'libsqlite3-sys': {
    name: 'sqlite',
    license: 'blessing',
    cpe: 'sqlite:sqlite',
    version: (folder) =>
      /#define SQLITE_VERSION\s+"([\d.]+)"/.exec(readFileSync(join(folder, 'sqlite3', 'sqlite3.h'), 'utf8'))?.[1],
    texts: () => ['SQLite is in the public domain: https://www.sqlite.org/copyright.html'],
  },
  'zstd-sys': {
    name: 'zstd',
    license: 'BSD-3-Clause',
    cpe: 'facebook:zstandard',
    version: (folder) => /\+zstd\.([\d.]+)$/.exec(folder)?.[1],
    texts: (folder) => [readFileSync(join(folder, 'zstd', 'LICENSE'), 'utf8')],
  },
  // Parts of BoringSSL, under the license of the crate.
  ring: null,
  // Has a `links` key only to be linked once.
  'rayon-core': null,
}

/**
 * Returns the crate of this package and everything that is linked into the addon on any published platform.
 * Crates that only run at compile time are excluded.
 * @returns {{ root: string, components: Component[] }} with keys as in `needs`
 */
export function linkedCrates() {
  const { targets } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).napi
  /** @type {Map<string, Set<string>>} */
  const linked = new Map()
  for (const target of targets) {
    const options = ['--locked', '--edges', 'normal,no-proc-macro', '--target', target, '--prefix', 'none']
    for (const line of cargo(['tree', ...options, '--format', '{p}']).split('\n')) {
      const [, name, version] = /^(\S+) v(\S+)/.exec(line) ?? []
      if (name) linked.set(`${name}@${version}`, (linked.get(`${name}@${version}`) ?? new Set()).add(target))
    }
  }
  const { packages, resolve } = JSON.parse(
    cargo([
      'metadata',
      '--locked',
      '--format-version',
      '1',
      ...targets.flatMap((/** @type {string} */ target) => ['--filter-platform', target]),
    ]),
  )
  const checksums = new Map(
    readFileSync(join(ROOT, 'Cargo.lock'), 'utf8')
      .split('[[package]]')
      .map((part) => {
        const value = (/** @type {string} */ name) => new RegExp(`^${name} = "(.+)"$`, 'm').exec(part)?.[1]
        return [`${value('name')}@${value('version')}`, value('checksum')]
      }),
  )
  /** @type {Map<string, string>} */
  const keys = new Map(packages.map((/** @type {any} */ crate) => [crate.id, `${crate.name}@${crate.version}`]))
  /** @type {Map<string, string[]>} */
  const edges = new Map(
    resolve.nodes.map((/** @type {any} */ { id, deps }) => [
      id,
      deps
        .filter((/** @type {any} */ dep) => dep.dep_kinds.some((/** @type {any} */ { kind }) => kind === null))
        .map((/** @type {any} */ { pkg }) => keys.get(pkg))
        .filter((/** @type {string} */ key) => linked.has(key)),
    ]),
  )
  const components = packages
    .filter((/** @type {any} */ { id }) => linked.has(keys.get(id) ?? ''))
    .flatMap((/** @type {any} */ crate) => {
      const { id, name, version, license, links, manifest_path, repository, source } = crate
      const folder = dirname(manifest_path)
      const own = source === null
      const key = `${name}@${version}`
      const within = linked.get(key)?.size === targets.length ? undefined : [...(linked.get(key) ?? [])]
      const component = {
        kind: 'cargo',
        name,
        version,
        // Old syntax for a choice of licenses.
        license: license?.replaceAll('/', ' OR ') ?? fail(`the crate ${name} has no license`),
        checksum: checksums.get(key),
        needs: edges.get(id) ?? [],
        targets: within,
        source: repository ?? undefined,
        texts: licenseTexts(license ?? '', folder),
      }
      if (links === null || own) return [component]
      const library = LIBRARIES[name]
      if (library === undefined)
        fail(`scripts/crates.mjs does not know the library ${links} of the crate ${name}: add it to LIBRARIES`)
      if (library === null) return [component]
      const found = library.version(folder) ?? fail(`cannot find the version of ${library.name} in ${name}`)
      return [
        component,
        {
          kind: 'generic',
          name: library.name,
          version: found,
          license: library.license,
          cpe: `cpe:2.3:a:${library.cpe}:${found}:*:*:*:*:*:*:*`,
          needs: [],
          within: name,
          texts: library.texts(folder),
        },
      ]
    })
  const root = packages.find((/** @type {any} */ { source }) => source === null)
  return { root: `${root.name}@${root.version}`, components: [...components, font()] }
}

/** Returns the built-in font of charts, which is part of the sources. */
function font() {
  const version = /inter-ui@([\d.]+)/.exec(readFileSync(join(ROOT, 'scripts', 'font.py'), 'utf8'))?.[1]
  return {
    kind: /** @type {const} */ ('generic'),
    name: 'inter',
    version: version ?? fail('scripts/font.py does not name the version of the font'),
    license: 'OFL-1.1',
    needs: [],
    source: 'https://rsms.me/inter',
    texts: texts(join(ROOT, 'src', 'chart', 'font')),
  }
}

/**
 * Returns the license texts of a crate. If MIT is one of several choices, returns only its text, which is the shortest.
 * @param {string} license
 * @param {string} folder
 */
function licenseTexts(license, folder) {
  const all = texts(folder)
  if (!/(\/|\bOR\b)/.test(license) || /\bAND\b/.test(license)) return all
  const mit = all.filter((text) => /Permission is hereby granted, free of charge/.test(text))
  return mit.length > 0 ? mit : all
}

/** @param {string[]} args */
function cargo(args) {
  const { status, stdout, stderr, error } = spawnSync('cargo', args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  })
  if (status !== 0) fail(`cargo ${args[0]} failed: ${error?.message ?? stderr}`)
  return stdout
}
