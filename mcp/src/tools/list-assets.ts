import { z } from 'zod'
import { answer } from '../answer.js'
import { renameKeys, toSnake } from '../names.js'
import { opening } from '../schemas.js'
import { tool } from '../tool.js'

/** So many assets a model reads at once. */
const LIMIT = 20

export const listAssets = tool({
  name: 'list_assets',
  title: 'List the assets',
  description:
    'Lists the assets that there are bars of, with timeframes, ranges and numbers of bars. Changes nothing. Bars cannot be ' +
    'imported here: that is done by the operator.',
  arguments: z.strictObject({
    search: z.string().optional().describe('Only symbols that contain this, in upper or lower case.'),
    limit: z.int().min(1).max(1000).optional().describe(`At most this many; default ${LIMIT}.`),
    offset: z.int().min(0).optional().describe('How many to pass over.'),
  }),
  result: z.strictObject({
    ...opening,
    assets: z.array(
      z.strictObject({
        asset_symbol: z.string(),
        timeframes: z.array(
          z.strictObject({
            timeframe: z.string(),
            bars: z.number(),
            first: z.string(),
            last: z.string(),
            source: z.string(),
          }),
        ),
      }),
    ),
    assets_total: z.int(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async call({ search = '', limit = LIMIT, offset = 0 }, { engine }) {
    const wanted = search.toLowerCase()
    const all = (await engine.listAssets()).filter(({ assetSymbol }) => assetSymbol.toLowerCase().includes(wanted))
    const assets = all.slice(offset, offset + limit).map((asset) => renameKeys(asset, toSnake))
    const told = {
      headline: `${assets.length} of ${all.length} assets${search === '' ? '' : ' whose symbols match'}`,
      caveats: [],
      next_step: nextStepOf(all.length, search),
      assets,
      assets_total: all.length,
    }
    return answer(told, 'assets://list', assets)
  },
})

function nextStepOf(found: number, search: string): string {
  if (found > 0) return 'Decide which part of a range you keep back for a check out of sample before you run anything.'
  return search === ''
    ? 'No bars are stored yet: the operator has to import some.'
    : 'Look for another symbol, or call again without search.'
}
