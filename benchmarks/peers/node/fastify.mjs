// Fastify for REST: schemas for what comes in, and compiled ones that write what goes out.
import Fastify from 'fastify'
import { query } from './database.mjs'
import { cursor, encode } from './ids.mjs'
import { listMovies } from './reads.mjs'
import { serve, settings } from './serve.mjs'

const TEXT = { type: 'string' }
const INSTANT = { type: 'string', format: 'date-time' }
const object = (properties) => ({ type: 'object', properties })

const MOVIE = object({
  id: TEXT,
  title: TEXT,
  description: TEXT,
  poster: TEXT,
  duration: { type: 'integer' },
  airing_dates: { ...object({ from: INSTANT, to: INSTANT }), nullable: true },
  rating: { type: 'number', nullable: true },
})
const MOVIES = object({
  movies: { type: 'array', items: MOVIE },
  metadata: object({ has_more: { type: 'boolean' }, end_cursor: { type: 'string', nullable: true } }),
})
const LIST = {
  querystring: object({ limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 } }),
  response: { 200: MOVIES },
}
const TRACK = {
  body: {
    ...object({
      tracking_id: { ...TEXT, minLength: 1, maxLength: 255 },
      type: { enum: ['page_enter', 'page_exit'] },
      page: object({ scheme: TEXT, path: TEXT, query: { type: 'object', additionalProperties: TEXT } }),
    }),
    required: ['tracking_id', 'type', 'page'],
  },
}
const KEEP = 'INSERT INTO page_views (tracking_id, type, scheme, path, query) VALUES ($1, $2, $3, $4, $5)'

const film = (row) => ({
  id: encode('mov', row.id),
  title: row.title,
  description: row.description,
  poster: row.poster.startsWith('/') ? settings.publicUrl + row.poster : row.poster,
  duration: row.duration,
  airing_dates: row.airingFrom && { from: row.airingFrom, to: row.airingTo },
  rating: row.rating,
})

const app = Fastify()

app.get('/v1/movies', { schema: LIST }, async (request) => {
  const { limit } = request.query
  const rows = await listMovies(limit)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    movies: page.map(film),
    metadata: { has_more: rows.length > limit, end_cursor: last ? cursor(last.rating_order, last.id) : null },
  }
})

app.post('/v1/analytics/track', { schema: TRACK }, async ({ body: { tracking_id, type, page } }, reply) => {
  const pairs = JSON.stringify(Object.entries(page.query))
  await query('keep', KEEP, [tracking_id, type, page.scheme, page.path, pairs])
  return reply.code(204).send()
})

await serve((port) => app.listen({ port, host: '127.0.0.1' }))
