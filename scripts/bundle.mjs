/** Bundles the MCP server, and lists the npm packages that the bundles contain. */

import { existsSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { rolldown } from 'rolldown'
import { fail, installed, ROOT } from './lib.mjs'
import { texts } from './notices.mjs'

/**
 * @typedef {object} Bundle
 * @property {string} input
 * @property {string} file
 * @property {'cjs' | 'esm'} format
 * @property {RegExp[]} external packages that are imported at run time instead of being bundled
 */

/** @typedef {import('./notices.mjs').Component} Component */

const OWN = /^@aitradepro\/backtesting$/
const SDK = /^@modelcontextprotocol\//

/** The command first, then the library. */
export const BUNDLES = /** @type {Bundle[]} */ ([
  { input: 'mcp/src/cli.ts', file: 'mcp/dist/cli.js', format: 'cjs', external: [OWN] },
  { input: 'mcp/src/index.ts', file: 'mcp/dist/bundle.js', format: 'cjs', external: [OWN, SDK] },
  { input: 'mcp/src/index.ts', file: 'mcp/dist/esm/bundle.js', format: 'esm', external: [OWN, SDK] },
])

/**
 * Creates one bundle. It is readable, and only depends on the sources and the lock file.
 * @param {Bundle} options
 * @param {{ write: boolean }} mode
 */
export async function bundle({ input, file, format, external }, { write }) {
  const build = await rolldown({
    cwd: ROOT,
    input,
    platform: 'node',
    external,
    tsconfig: join(ROOT, 'mcp', 'tsconfig.json'),
    transform: { target: 'node20' },
    // Warnings are errors: a module that the bundler leaves out would be missing at run time.
    onLog(_, log) {
      fail(`${file}: ${log.message}`)
    },
  })
  const options = { format, file: join(ROOT, file), codeSplitting: false, strict: true }
  const { output } = write ? await build.write(options) : await build.generate(options)
  await build.close()
  const [chunk] = output
  const foreign = chunk.imports.filter(
    (name) => !name.startsWith('node:') && !external.some((known) => known.test(name)),
  )
  if (foreign.length > 0) fail(`${file} needs ${foreign.join(', ')}, which users may not have installed`)
  return chunk
}

/**
 * Returns the packages that bundles contain parts of, sorted by name.
 * @param {{ modules: { [id: string]: unknown } }[]} chunks
 * @returns {Component[]}
 */
export function bundledPackages(chunks) {
  /** @type {Map<string, Component>} */
  const found = new Map()
  const locked = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages
  for (const id of new Set(chunks.flatMap(({ modules }) => Object.keys(modules)))) {
    const folder = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(id)?.[1]
    if (folder === undefined) continue
    const component = add(folder, locked[relative(ROOT, folder).split(sep).join('/')]?.integrity)
    // A package may have been bundled with others by its author. Comments in the code name them.
    for (const [, name = '', version = ''] of readFileSync(id, 'utf8').matchAll(
      /^\/\/#region \S*node_modules\/\.pnpm\/([^/@]+|@[^/@]+)@([^/_]+)/gm,
    )) {
      vendored(name.replace('+', '/'), version, component)
    }
  }
  return [...found.values()].sort((one, other) => (key(one) < key(other) ? -1 : 1))

  /**
   * @param {string} folder
   * @param {string | undefined} integrity
   */
  function add(folder, integrity) {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const { name, version, license, dependencies = {}, homepage, repository } = manifest
    if (integrity === undefined) fail(`package-lock.json has no integrity for ${name}`)
    const component = {
      kind: /** @type {const} */ ('npm'),
      name,
      version,
      license,
      integrity,
      needs: Object.keys(dependencies),
      source: homepage ?? repository?.url,
      texts: texts(folder),
    }
    const known = found.get(key(component))
    if (!known) found.set(key(component), component)
    return known ?? component
  }

  /**
   * @param {string} name
   * @param {string} version
   * @param {Component} within
   */
  function vendored(name, version, within) {
    const component = { kind: /** @type {const} */ ('npm'), name, version }
    if (found.has(key(component))) return
    // The code is inside the other package. Its license is read from the package as installed here, in any version.
    const folder = installed(name)
    if (!existsSync(folder))
      fail(`${within.name} contains ${name}, whose license is unknown: install it as a development dependency`)
    const { license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    found.set(key(component), { ...component, license, needs: [], within: within.name, texts: texts(folder) })
  }
}

/** @param {{ name: string, version: string }} component */
function key({ name, version }) {
  return `${name}@${version}`
}
