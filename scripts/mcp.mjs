/**
 * Compiles the MCP server from mcp/src to mcp/dist: as CommonJS, and as ES modules in mcp/dist/esm. Both kinds are needed: the
 * SDK has both, too, and knows the classes of its own kind only.
 */

import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installed, ROOT, run } from './lib.mjs'

const dist = join(ROOT, 'mcp', 'dist')
rmSync(dist, { recursive: true, force: true })
for (const project of ['tsconfig.json', 'tsconfig.esm.json']) {
  run(process.execPath, [installed('typescript/bin/tsc'), '-p', join(ROOT, 'mcp', project)])
}
writeFileSync(join(dist, 'esm', 'package.json'), '{ "type": "module" }\n')
chmodSync(join(dist, 'cli.js'), 0o755)
