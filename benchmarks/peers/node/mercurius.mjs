// Mercurius on Fastify: graphql-jit from the first request on, and its own loaders for what is nested.
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { placesOfMovies, rowsByIds, sessionsOfPlaces } from './reads.mjs'
import { connection, types } from './resolvers.mjs'
import { serve } from './serve.mjs'
import { viewerOf } from './tokens.mjs'

// The batches ask for each row once by themselves; a cache would spell every parent out as JSON to find it again.
const opts = { cache: false }

const nested = (load, parent, ...keys) => ({
  opts,
  loader: async (asked) => {
    const { first } = asked[0].params
    const pages = await load(asked.map(({ obj }) => obj[parent]), first)
    return pages.map((rows) => connection(rows, first, ...keys))
  },
})

const related = (table, key) => ({
  opts,
  loader: async (asked) => {
    const ids = [...new Set(asked.map(({ obj }) => obj[key]))]
    const rows = new Map((await rowsByIds(table, ids)).map((row) => [row.id, row]))
    return asked.map(({ obj }) => rows.get(obj[key]))
  },
})

const app = Fastify()
app.register(mercurius, {
  schema: readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
  resolvers: { ...types, Node: { resolveType: (node) => node.__typename } },
  loaders: {
    Movie: { places: nested(placesOfMovies, 'id', 'name', 'id') },
    Place: { sessions: nested(sessionsOfPlaces, 'id', 'startsAt', 'id') },
    Booking: { session: related('sessions', 'sessionId') },
    Session: { movie: related('movies', 'movieId'), place: related('places', 'placeId') },
  },
  context: (request) => ({ viewer: viewerOf(request.headers.authorization) }),
  jit: 1,
})

await serve((port) => app.listen({ port, host: '127.0.0.1' }))
