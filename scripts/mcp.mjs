/**
 * Builds the MCP server from mcp/src to mcp/dist.
 *
 * The command, `cli.js`, is one file that contains the SDK and zod, so that the package has no dependencies. The library is
 * bundled twice, as CommonJS and, in `esm`, as ES modules: it contains zod but not the SDK, which is its user's (a peer
 * dependency), and the SDK knows only the classes of its own kind of module.
 */

import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { BUNDLES, bundle, bundledPackages } from './bundle.mjs'
import { fail, installed, ROOT, run } from './lib.mjs'
import { notices } from './notices.mjs'

const dist = join(ROOT, 'mcp', 'dist')
rmSync(dist, { recursive: true, force: true })
declare('tsconfig.json', dist)
declare('tsconfig.esm.json', join(dist, 'esm'))
const chunks = await Promise.all(BUNDLES.map((options) => bundle(options, { write: true })))
const [, library] = chunks
writeFileSync(join(dist, 'index.js'), commonJsEntry())
writeFileSync(join(dist, 'esm', 'index.js'), moduleEntry(library?.exports ?? []))
writeFileSync(join(dist, 'esm', 'package.json'), '{ "type": "module" }\n')
chmodSync(join(dist, 'cli.js'), 0o755)
writeFileSync(
  join(dist, 'THIRD_PARTY_LICENSES.txt'),
  notices('The files of this folder contain parts of the following packages.', bundledPackages(chunks)),
)

/**
 * Checks the sources and writes the declarations that the entry leads to: others name packages that users need not have.
 * @param {string} project
 * @param {string} target
 */
function declare(project, target) {
  const all = mkdtempSync(join(tmpdir(), 'backtesting-types-'))
  const options = ['--emitDeclarationOnly', '--outDir', all]
  run(process.execPath, [installed('typescript/bin/tsc'), '-p', join(ROOT, 'mcp', project), ...options])
  const reached = [join(all, 'index.d.ts')]
  for (const file of reached) {
    const text = readFileSync(file, 'utf8')
    for (const [, name = ''] of text.matchAll(/(?:from|import\()\s*['"]([^'"]+)['"]/g)) {
      const next = join(dirname(file), name.replace(/\.js$/, '.d.ts'))
      if (!name.startsWith('.')) allow(name, file)
      else if (!reached.includes(next)) reached.push(next)
    }
    const copy = join(target, relative(all, file))
    mkdirSync(dirname(copy), { recursive: true })
    copyFileSync(file, copy)
  }
  rmSync(all, { recursive: true, force: true })
}

/**
 * @param {string} name
 * @param {string} file
 */
function allow(name, file) {
  if (!/^(node:|@modelcontextprotocol\/server$|@aitradepro\/backtesting$)/.test(name)) {
    fail(`${file} names ${name}, which users of the package need not have`)
  }
}

function commonJsEntry() {
  return `'use strict'

try {
  module.exports = require('./bundle.js')
} catch (error) {
  throw explained(error)
}

${explanation()}`
}

/**
 * Imports the bundle dynamically: if a static import fails, no code of the file runs. Bundlers get the bundle itself, by
 * the condition `module`, because not all of them can translate a top-level `await`.
 * @param {string[]} names
 */
function moduleEntry(names) {
  return `const loaded = await import('./bundle.js').catch((error) => {
  throw explained(error)
})

export const { ${[...names].sort().join(', ')} } = loaded

${explanation()}`
}

/** What the entries say if the SDK is missing. */
function explanation() {
  return `function explained(error) {
  if (!/MODULE_NOT_FOUND$/.test(error?.code) || !/@modelcontextprotocol\\//.test(error.message)) return error
  const message =
    '@aitradepro/backtesting/mcp needs the MCP SDK, which is not installed here: ' +
    'npm install @modelcontextprotocol/server'
  return Object.assign(new Error(message, { cause: error }), { code: error.code })
}
`
}
