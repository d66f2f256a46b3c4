/** Writes the reference of docs/strategy-language.md anew from the lists of the language; `cargo test` checks it. */

import { run } from './lib.mjs'

const env = { ...process.env, UPDATE_DOCS: '1' }
run('cargo', ['test', '--quiet', '--no-default-features', '--test', 'strategy_language', 'reference'], { env })
