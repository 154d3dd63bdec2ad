// The pool of connections, with a prepared statement for each query.
import pg from 'pg'
import { settings } from './serve.mjs'

export const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: settings.poolSize,
  // The harness measures in turns: connections must outlive the turns of the others.
  idleTimeoutMillis: 0,
})

// A query with a name is prepared once for each connection.
export async function query(name, text, values, client = pool) {
  const { rows } = await client.query({ name, text, values })
  return rows
}

export async function transaction(work) {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  } finally {
    client.release()
  }
}
