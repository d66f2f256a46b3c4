/**
 * Throws hostile inputs at the strategy language: ten million, or as many as the first argument says. Fails on a panic, a
 * hang, or memory above 100 MB; the summary says how long it took and how much memory it needed.
 */

import { fail, run } from './lib.mjs'

const cases = process.argv[2] ?? '10000000'
if (!/^[1-9]\d*$/.test(cases)) fail(`expected a number of inputs, found ${cases}`)
const env = { ...process.env, FUZZ_CASES: cases }
run('cargo', ['test', '--no-default-features', '--test', 'fuzz', '--', '--nocapture'], { env })
