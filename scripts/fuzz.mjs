/**
 * Fuzzes the strategy language with ten million inputs, or the number in the first argument. Fails on a panic, a hang, or
 * memory above 100 MB. The summary reports time and memory.
 */

import { fail, run } from './lib.mjs'

const cases = process.argv[2] ?? '10000000'
if (!/^[1-9]\d*$/.test(cases)) fail(`expected a number of inputs, found ${cases}`)
const env = { ...process.env, FUZZ_CASES: cases }
run('cargo', ['test', '--no-default-features', '--test', 'fuzz', '--', '--nocapture'], { env })
