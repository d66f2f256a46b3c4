/**
 * Sets TEST_DATABASE_URL to a PostgreSQL server that runs as long as the tests, unless it is set already, and starts a
 * pgbouncer in front of the server.
 */

import { offerPgbouncer } from '../scripts/pgbouncer.mjs'
import { startPostgres } from '../scripts/postgres.mjs'

export default async function setup(): Promise<() => Promise<void>> {
  const server = process.env.TEST_DATABASE_URL ? undefined : await startPostgres()
  const url = server?.url ?? process.env.TEST_DATABASE_URL ?? ''
  process.env.TEST_DATABASE_URL = url
  // `npm test` may have found out already that there is no pooler.
  const pooler = process.env.TEST_PGBOUNCER_MISSING ? undefined : await offerPgbouncer(url)
  return async () => {
    await pooler?.remove()
    await server?.remove()
  }
}
