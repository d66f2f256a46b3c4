/**
 * Writes mcp/src/language/page.ts: the page on the strategy language, so that the MCP server can teach it wherever it is bundled.
 * `__test__/mcp/language.test.ts` checks that it is current.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './lib.mjs'

const page = readFileSync(join(ROOT, 'docs', 'strategy-language.md'), 'utf8')
const text = page.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')
writeFileSync(
  join(ROOT, 'mcp', 'src', 'language', 'page.ts'),
  `/** docs/strategy-language.md, written by scripts/mcp-language.mjs (\`npm run docs\`). */\n\nexport const PAGE = \`${text}\`\n`,
)
