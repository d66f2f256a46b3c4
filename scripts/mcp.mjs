/**
 * Builds mcp/dist from mcp/src.
 *
 * The command, `cli.js`, is one file that includes the SDK and zod, so that the package has no dependencies.
 * The library is bundled as CommonJS and, in `esm`, as ES modules, because the SDK only accepts classes of its own module
 * format. It includes zod but not the SDK, which is a peer dependency.
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
  notices('The files in this folder contain parts of the following packages.', bundledPackages(chunks)),
)

/**
 * Type-checks the sources and writes the declarations that are reachable from the entry point. Others refer to packages that users may not have installed.
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
    fail(`${file} imports ${name}, which users of the package may not have installed`)
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
 * Imports the bundle dynamically, because no code of a file runs if one of its static imports fails. Bundlers use the bundle
 * itself, through the condition `module`, because not all of them support top-level `await`.
 * @param {string[]} names
 */
function moduleEntry(names) {
  return `const loaded = await import('./bundle.js').catch((error) => {
  throw explained(error)
})

export const { ${[...names].sort().join(', ')} } = loaded

${explanation()}`
}

/** Code of the entry points that explains a missing SDK. */
function explanation() {
  return `function explained(error) {
  if (!/MODULE_NOT_FOUND$/.test(error?.code) || !/@modelcontextprotocol\\//.test(error.message)) return error
  const message =
    '@aitradepro/backtesting/mcp requires the MCP SDK, which is not installed: ' +
    'npm install @modelcontextprotocol/server'
  return Object.assign(new Error(message, { cause: error }), { code: error.code })
}
`
}
