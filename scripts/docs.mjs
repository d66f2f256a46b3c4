/** Regenerates the tables of docs/strategy-language.md and docs/metrics.md from the lists in the code. `cargo test` checks that it is current. */

import { run } from './lib.mjs'

const env = { ...process.env, UPDATE_DOCS: '1' }
for (const page of ['strategy_language', 'metrics_page'])
  run('cargo', ['test', '--quiet', '--no-default-features', '--test', page, 'reference'], { env })
