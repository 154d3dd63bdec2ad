// DataLoaders for a request, and the fields that use them; Yoga and Apollo Server share them.
import DataLoader from 'dataloader'
import { placesOfMovies, rowsByIds, sessionsOfPlaces } from './reads.mjs'
import { connection, types } from './resolvers.mjs'

export function makeLoaders() {
  const pages = new Map()
  // One loader for each length of page: its batch is one statement.
  const page = (name, load) => (first) => {
    const key = `${name} ${first}`
    if (!pages.has(key)) pages.set(key, new DataLoader((ids) => load(ids, first)))
    return pages.get(key)
  }
  return {
    places: page('places', placesOfMovies),
    sessions: page('sessions', sessionsOfPlaces),
    movie: new DataLoader((ids) => rowsByIds('movies', ids)),
    place: new DataLoader((ids) => rowsByIds('places', ids)),
    session: new DataLoader((ids) => rowsByIds('sessions', ids)),
  }
}

export const resolvers = {
  ...types,
  Node: { __resolveType: (node) => node.__typename },
  Movie: {
    ...types.Movie,
    places: async (movie, { first }, { loaders }) =>
      connection(await loaders.places(first).load(movie.id), first, 'name', 'id'),
  },
  Place: {
    ...types.Place,
    sessions: async (place, { first }, { loaders }) =>
      connection(await loaders.sessions(first).load(place.id), first, 'startsAt', 'id'),
  },
  Booking: { ...types.Booking, session: (booking, _, { loaders }) => loaders.session.load(booking.sessionId) },
  Session: {
    ...types.Session,
    movie: (session, _, { loaders }) => loaders.movie.load(session.movieId),
    place: (session, _, { loaders }) => loaders.place.load(session.placeId),
  },
}
