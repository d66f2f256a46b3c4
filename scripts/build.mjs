/**
 * Builds the addon for this platform, completes the files that the napi CLI generates, and compiles the MCP server.
 *
 *   node scripts/build.mjs [--release] [any option of `napi build`]
 *
 * The addon creates the class `BacktestError` when it loads, so napi does not generate its export and its type. This script
 * adds the export to `index.js` and the types of scripts/declarations.d.ts to `index.d.ts`, with the names of the metrics from
 * src/metrics. The result only depends on the sources, so a second build changes nothing.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, installed, ROOT, run } from './lib.mjs'

const MARKER = '// The addon creates this class when it loads.'

run(process.execPath, [
  installed('@napi-rs/cli/dist/cli.js'),
  'build',
  '--platform',
  '--no-const-enum',
  ...process.argv.slice(2),
])
complete('index.js', completeLoader)
complete('index.d.ts', completeTypes)
run(process.execPath, [join(ROOT, 'scripts', 'mcp.mjs')])

/**
 * @param {string} name
 * @param {(text: string) => string} change
 */
function complete(name, change) {
  const file = join(ROOT, name)
  const before = readFileSync(file, 'utf8')
  const after = change(before)
  if (after !== before) writeFileSync(file, after)
}

/**
 * Exports the class by name, so that `import { BacktestError }` works, and removes napi's marker of the loaded artifact, which
 * a package without WebAssembly does not need.
 * @param {string} text
 */
function completeLoader(text) {
  if (text.includes(MARKER)) return text
  const mark = /\/\/ Stamp before the alias[^\n]*\n(?:\/\/[^\n]*\n)*module\.exports\.__napiBindingTarget = [^\n]*\n/
  const alias = 'module.exports = nativeBinding\n'
  if (!mark.test(text) || !text.includes(alias))
    fail('scripts/build.mjs does not recognize index.js: did the napi CLI change?')
  return `${text.replace(mark, '').trimEnd()}\n${MARKER}\nmodule.exports.BacktestError = nativeBinding.BacktestError\n`
}

/**
 * Adds the declarations of scripts/declarations.d.ts that napi did not generate.
 * @param {string} text
 */
function completeTypes(text) {
  const mark = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\nexport declare const __napiBindingTarget: [^\n]*\n+/
  const declared = (/** @type {string} */ name) =>
    new RegExp(`^export (declare )?(class|interface|type) ${name}\\b`, 'm').test(text)
  const missing = readFileSync(join(ROOT, 'scripts', 'declarations.d.ts'), 'utf8')
    .split(/\n(?=\/\*\*)/)
    .filter((declaration) => {
      const name = /^export (?:declare )?(?:class|interface|type) (\w+)/m.exec(declaration)?.[1]
      return name !== undefined && !declared(name)
    })
    .map((declaration) => `\n${declaration.trim()}\n`)
  const names = metricNames().map((name) => `'${name}'`)
  const added = missing.join('').replace("'scripts/build.mjs lists the names'", names.join(' | '))
  return `${text.replace(mark, '').trimEnd()}\n${added}`
}

/** Reads the names of the metrics, in the order of the list `METRICS`. */
function metricNames() {
  const source = (/** @type {string} */ name) => readFileSync(join(ROOT, 'src', 'metrics', `${name}.rs`), 'utf8')
  const list = /const METRICS: [^=]*= &\[([^\]]*)\]/.exec(source('mod'))?.[1] ?? ''
  const modules = [...list.matchAll(/&(\w+)::/g)].map(([, name]) => name ?? '')
  const names = modules.map(
    (name) => /name: "(\w+)"/.exec(source(name))?.[1] ?? fail(`src/metrics/${name}.rs has no name`),
  )
  return names.length > 0 ? names : fail('scripts/build.mjs does not recognize the list of metrics')
}
