/** Regenerates the reference in docs/strategy-language.md from the lists in the code. `cargo test` checks that it is current. */

import { run } from './lib.mjs'

const env = { ...process.env, UPDATE_DOCS: '1' }
run('cargo', ['test', '--quiet', '--no-default-features', '--test', 'strategy_language', 'reference'], { env })
