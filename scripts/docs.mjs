/** Regenerates the tables of docs/strategy-language.md and docs/metrics.md from the lists in the code, and the copy of the former for the MCP server. `cargo test` checks that it is current. */

import { join } from 'node:path'
import { ROOT, run } from './lib.mjs'

const env = { ...process.env, UPDATE_DOCS: '1' }
for (const page of ['strategy_language', 'metrics_page'])
  run('cargo', ['test', '--quiet', '--no-default-features', '--test', page, 'reference'], { env })
run(process.execPath, [join(ROOT, 'scripts', 'mcp-language.mjs')])
