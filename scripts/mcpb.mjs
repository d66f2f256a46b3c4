/**
 * Writes the MCP server as an MCPB bundle for this platform, which Claude Desktop and others install with a click.
 *
 *   node scripts/mcpb.mjs [FOLDER]      writes FOLDER/aitradepro-backtesting-PLATFORM.mcpb; default: target
 *
 * The bundle has the package as npm would install it: the command, the addon, and the example bars.
 */

import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fail, ROOT } from './lib.mjs'
import { zip } from './zip.mjs'

const PACKAGE = 'server/node_modules/@aitradepro/backtesting'
const FILES = [
  'package.json',
  'index.js',
  'mcp/dist/cli.js',
  'mcp/dist/THIRD_PARTY_LICENSES.txt',
  'data/aapl-daily.csv',
  'data/licenses/bokeh_sampledata.txt',
  'LICENSE',
]

/**
 * Returns what the program that installs the bundle replaces.
 * @param {string} name
 */
const placeholder = (name) => `\${${name}}`

const { version, description, license } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const [platform] = readdirSync(ROOT).flatMap((name) => /^aitradepro-backtesting\.(.+)\.node$/.exec(name)?.[1] ?? [])
if (platform === undefined) fail('there is no addon: run `npm run build:release` first')
const addon = `aitradepro-backtesting.${platform}.node`

const manifest = {
  manifest_version: '0.3',
  name: 'aitradepro-backtesting',
  display_name: 'AITradePro backtesting',
  version,
  description,
  long_description:
    'Backtests trading strategies and parameter sweeps on bars in a folder of your computer, and says what speaks against a ' +
    'result before it shows figures. Sends no order to any market and nothing to any network. Import bars into the folder first ' +
    '(docs/mcp.md).',
  author: { name: 'AITradePro', url: 'https://github.com/aitradepro' },
  repository: { type: 'git', url: 'https://github.com/aitradepro/backtesting.git' },
  documentation: 'https://github.com/aitradepro/backtesting/blob/main/docs/mcp.md',
  license,
  keywords: ['backtesting', 'trading', 'finance'],
  server: {
    type: 'node',
    entry_point: `${PACKAGE}/mcp/dist/cli.js`,
    mcp_config: {
      command: 'node',
      args: [`${placeholder('__dirname')}/${PACKAGE}/mcp/dist/cli.js`],
      env: { DATA_DIR: placeholder('user_config.data_dir') },
    },
  },
  user_config: {
    data_dir: {
      type: 'directory',
      title: 'Folder of the store',
      description: 'Where bars and backtests are kept.',
      default: `${placeholder('HOME')}/backtests`,
      required: true,
    },
  },
  tools_generated: true,
  prompts_generated: true,
  compatibility: { platforms: [process.platform], runtimes: { node: '>=20.0.0' } },
}

const files = [
  { path: 'manifest.json', data: Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`) },
  ...[...FILES, addon].map((path) => ({
    path: `${PACKAGE}/${path}`,
    data: readFileSync(join(ROOT, path)),
    isExecutable: path.endsWith('cli.js'),
  })),
]
const target = process.argv[2] ?? join(ROOT, 'target')
mkdirSync(target, { recursive: true })
const file = join(target, `aitradepro-backtesting-${platform}.mcpb`)
writeFileSync(file, zip(files))
console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB`)
