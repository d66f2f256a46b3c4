/** Functions shared by the scripts. */

import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root folder of the repository. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

/**
 * Prints a message and exits.
 * @param {string} message
 * @param {number} status
 * @returns {never}
 */
export function fail(message, status = 1) {
  console.error(message)
  process.exit(status)
}

/**
 * Runs a program in the root folder. If it fails, exits with its exit code.
 * @param {string} program
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 */
export function run(program, args, options = {}) {
  const { error, signal, status } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit', ...options })
  if (error) fail(`${program} cannot be run: ${error.message}`)
  if (status !== 0) fail(`${program} ${args.join(' ')} failed with ${signal ?? `status ${status}`}`, status ?? 1)
}

/**
 * Runs npm: the one that runs this script, if there is one.
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 */
export function npm(args, options = {}) {
  const running = process.env.npm_execpath
  if (running?.endsWith('.js')) run(process.execPath, [running, ...args], options)
  else run('npm', args, { shell: process.platform === 'win32', ...options })
}

/**
 * Returns the path of a file in node_modules.
 * @param {string} file
 */
export function installed(file) {
  return join(ROOT, 'node_modules', ...file.split('/'))
}

/** Returns Rust's default target. */
export function hostTarget() {
  const { stdout } = spawnSync('rustc', ['-vV'], { encoding: 'utf8' })
  return /^host: (.+)$/m.exec(stdout ?? '')?.[1] ?? fail('rustc -vV prints no host')
}

/**
 * Returns a Markdown code block.
 * @param {string} language
 * @param {string} text
 */
export function block(language, text) {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``
}

/**
 * Replaces the content between `<!-- name -->` and `<!-- end -->` in a document.
 * @param {string} text
 * @param {string} name
 * @param {string} content
 */
export function fill(text, name, content) {
  const start = `<!-- ${name} -->\n`
  const from = text.indexOf(start)
  const to = text.indexOf('<!-- end -->', from)
  if (from < 0 || to < 0) fail(`the document lacks the marker ${start.trim()} or its <!-- end -->`)
  return `${text.slice(0, from + start.length)}${content}\n${text.slice(to)}`
}
