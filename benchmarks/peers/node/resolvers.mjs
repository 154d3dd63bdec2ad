// Resolvers that the GraphQL peers share; what is nested in lists is each peer's own.
import { verify } from '@node-rs/argon2'
import { GraphQLScalarType } from 'graphql'
import { bookings, payload } from './bookings.mjs'
import { cursor, decode, encode, split } from './ids.mjs'
import { bookingsOfUser, listMovies, rowsByIds, userByEmail, userById } from './reads.mjs'
import { settings } from './serve.mjs'
import { tokenFor } from './tokens.mjs'

const KINDS = {
  mov: ['movies', 'Movie'],
  plc: ['places', 'Place'],
  ses: ['sessions', 'Session'],
}

export const dateTime = new GraphQLScalarType({ name: 'DateTime', serialize: (value) => value.toISOString() })

export function connection(rows, first, ...keys) {
  const nodes = rows.length > first ? rows.slice(0, first) : rows
  return { nodes, pageInfo: { hasNextPage: rows.length > first, last: nodes.at(-1), keys } }
}

export const types = {
  DateTime: dateTime,
  PageInfo: { endCursor: ({ last, keys }) => (last ? cursor(...keys.map((key) => last[key])) : null) },
  Movie: {
    id: (movie) => encode('mov', movie.id),
    poster: (movie) => (movie.poster.startsWith('/') ? settings.publicUrl + movie.poster : movie.poster),
    airingDates: (movie) => (movie.airingFrom ? { from: movie.airingFrom, to: movie.airingTo } : null),
  },
  Place: { id: (place) => encode('plc', place.id) },
  Session: { id: (session) => encode('ses', session.id) },
  Booking: { id: (booking) => encode('bok', booking.id) },
  User: {
    id: (user) => encode('usr', user.id),
    bookings: async (user, { first }) => connection(await bookingsOfUser(user.id, first), first, 'id'),
  },
  Query: {
    movies: async (_, { first, filter }) =>
      connection(await listMovies(first, filter?.search), first, 'rating_order', 'id'),
    node: async (_, { id }) => {
      const [kind, snowflake] = split(id)
      const [table, type] = KINDS[kind]
      const [row] = await rowsByIds(table, [snowflake])
      return row && { __typename: type, ...row }
    },
    viewer: async (_, __, { viewer }) => (viewer ? (await userById(viewer))[0] : null),
  },
  Mutation: {
    signIn: async (_, { input }) => {
      const [user] = await userByEmail(input.identity.email)
      // On a thread of libuv's pool, as all asynchronous work of the package.
      if (!user || !(await verify(user.password_hash, input.password))) {
        const error = { code: 'INVALID_CREDENTIALS', message: 'There is no such account.', path: [] }
        return { user: null, token: null, errors: [error] }
      }
      return { user, token: tokenFor(user.id), errors: [] }
    },
    openBooking: (_, { input }, { viewer }) => payload(bookings.open(viewer, decode('ses', input.sessionId))),
    reserveSeats: (_, { input }, { viewer }) =>
      payload(bookings.reserve(viewer, decode('bok', input.bookingId), input.seats)),
    confirmBooking: (_, { input }, { viewer }) => payload(bookings.confirm(viewer, decode('bok', input.bookingId))),
  },
}
