/** Names a PostgreSQL server to the tests: that of TEST_DATABASE_URL, or one that is started and ends with them. */

import { startPostgres } from '../scripts/postgres.mjs'

export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.TEST_DATABASE_URL) return undefined
  const server = await startPostgres()
  process.env.TEST_DATABASE_URL = server.url
  return server.remove
}
