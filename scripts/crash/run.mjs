/**
 * Kills working processes and compares the store with what was reported to them; see crash.mjs.
 *
 *   npm run crash [-- N] [--seed S] [--store sqlite|postgres|both] [--json FILE]
 *
 * N kills in total, default 500. Starts a PostgreSQL server unless TEST_DATABASE_URL names one.
 */

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { fail } from '../lib.mjs'
import { startPostgres } from '../postgres.mjs'
import { crash } from './crash.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, store: { type: 'string', default: 'both' }, json: { type: 'string' } },
})
const kills = Number(positionals[0] ?? 500)
const seed = Number(values.seed ?? Date.now() % 1_000_000)
if (!Number.isInteger(kills) || kills < 1) fail(`expected a number of kills, found ${positionals[0]}`)
if (!Number.isInteger(seed)) fail(`--seed must be a whole number, found ${values.seed}`)
if (!['sqlite', 'postgres', 'both'].includes(values.store)) {
  fail(`--store must be sqlite, postgres or both, found ${values.store}`)
}

/** @type {('sqlite' | 'postgres')[]} */
const stores = values.store === 'both' ? ['sqlite', 'postgres'] : [/** @type {'sqlite' | 'postgres'} */ (values.store)]
const own = stores.includes('postgres') && !process.env.TEST_DATABASE_URL ? await startPostgres() : undefined
const server = own?.url ?? process.env.TEST_DATABASE_URL
/** @type {Record<string, import('./crash.mjs').Report>} */
const reports = {}
try {
  let left = kills
  for (const [at, store] of stores.entries()) {
    const share = Math.ceil(left / (stores.length - at))
    left -= share
    if (share > 0) reports[store] = await crash({ kills: share, seed: seed + at, store, server, log: console.error })
  }
} finally {
  await own?.remove()
}

const list = (/** @type {Record<string, number>} */ counts) =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([what, count]) => `    ${String(count).padStart(6)}  ${what}`)
    .join('\n')
for (const [store, { kills, byActivity, verified, seconds, problems }] of Object.entries(reports)) {
  console.log(`${store}: ${kills} kills in ${seconds.toFixed(1)} s, ${problems.length} problems`)
  console.log(`  active when a process was killed:\n${list(byActivity)}`)
  console.log(`  verified:\n${list(verified)}`)
  for (const problem of problems) console.log(`  PROBLEM ${problem}`)
}
console.log(`seed ${seed}`)
if (values.json) writeFileSync(values.json, JSON.stringify({ seed, reports }, null, 2))
process.exit(Object.values(reports).every(({ problems }) => problems.length === 0) ? 0 : 1)
