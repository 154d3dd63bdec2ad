// The statements of all reads, each for one parent or for many at once.
import { query } from './database.mjs'
import { searchQueries } from './search.mjs'

const MOVIE = `movies.id, title, description, poster, duration, genres, rating, rating_count AS "ratingCount",
  airing_from AS "airingFrom", airing_to AS "airingTo", rating_order`
const PLACE = 'places.id, name, address, places.capacity'
const SESSION = 'sessions.id, movie_id AS "movieId", place_id AS "placeId", starts_at AS "startsAt", sessions.capacity'
// A hold that is over is an expired booking, whether or not a job has closed it.
const LAPSED = `(status = 'open' AND closes_at <= clock_timestamp())`
export const BOOKING = `bookings.id, user_id AS "userId", session_id AS "sessionId", created_at AS "createdAt",
  closes_at AS "closesAt", upper(CASE WHEN ${LAPSED} THEN 'expired' ELSE status END) AS status,
  CASE WHEN ${LAPSED} THEN 0 ELSE reserved_seats END AS "reservedSeats"`

const TABLES = { movies: MOVIE, places: PLACE, sessions: SESSION, bookings: BOOKING }

// As in Matinee (docs/adr/0052, 0057): few matches are found by the index, of many a page is read in the list's order.
const SEARCHED = `WITH frequency AS (
    SELECT (
      SELECT count(*) >= 3 FROM (SELECT title_lexemes FROM movies ORDER BY id DESC LIMIT 50) AS sample
      WHERE title_lexemes @@ $3::tsquery
    ) AND (
      SELECT count(*) >= 5 FROM (SELECT title_lexemes FROM movies ORDER BY rating_order DESC, id DESC LIMIT 100) AS sample
      WHERE title_lexemes @@ $3::tsquery
    ) AS frequent
  ), few AS (
    SELECT rating_order, id FROM movies
    WHERE title_lexemes @@ $2::tsquery AND NOT (SELECT frequent FROM frequency) LIMIT 500
  )
  SELECT ${MOVIE} FROM movies WHERE id = ANY (ARRAY (SELECT id FROM (
    (SELECT rating_order, id FROM few WHERE (SELECT count(*) < 500 FROM few)
     ORDER BY rating_order DESC, id DESC LIMIT $1)
    UNION ALL
    (SELECT rating_order, id FROM movies
     WHERE ((SELECT frequent FROM frequency) OR NOT (SELECT count(*) < 500 FROM few))
       AND coalesce(title_lexemes @@ $2::tsquery, false)
     ORDER BY rating_order DESC, id DESC LIMIT $1)
  ) AS found)) ORDER BY rating_order DESC, id DESC LIMIT $1`

export function listMovies(first, search) {
  if (!search) {
    const text = `SELECT ${MOVIE} FROM movies ORDER BY rating_order DESC, id DESC LIMIT $1`
    return query('movies', text, [first + 1])
  }
  return query('movies searched', SEARCHED, [first + 1, ...searchQueries(search)])
}

export const placesOfMovies = (movieIds, first) =>
  grouped(
    'places of movies',
    `SELECT asked.id AS parent, each.* FROM unnest($1::bigint[]) AS asked (id) CROSS JOIN LATERAL (
       SELECT ${PLACE} FROM airings JOIN places ON places.id = place_id
       WHERE movie_id = asked.id AND last_ends_at > clock_timestamp()
       ORDER BY place_key, place_id LIMIT $2
     ) AS each`,
    movieIds,
    first + 1,
  )

export const sessionsOfPlaces = (placeIds, first) =>
  grouped(
    'sessions of places',
    `SELECT asked.id AS parent, each.* FROM unnest($1::bigint[]) AS asked (id) CROSS JOIN LATERAL (
       SELECT ${SESSION} FROM sessions WHERE place_id = asked.id ORDER BY starts_at DESC, id DESC LIMIT $2
     ) AS each`,
    placeIds,
    first + 1,
  )

export const bookingsOfUser = (userId, first) =>
  query('bookings', `SELECT ${BOOKING} FROM bookings WHERE user_id = $1 ORDER BY id DESC LIMIT $2`, [userId, first + 1])

export const userByEmail = (email) =>
  query('user by e-mail', 'SELECT id, email, username, password_hash FROM users WHERE lower(email) = lower($1)', [email])

export const userById = (id) => query('user', 'SELECT id, email, username FROM users WHERE id = $1', [id])

export async function rowsByIds(table, ids) {
  const found = await query(table + ' by ids', `SELECT ${TABLES[table]} FROM ${table} WHERE id = ANY ($1::bigint[])`, [ids])
  const byId = new Map(found.map((row) => [row.id, row]))
  return ids.map((id) => byId.get(id) ?? null)
}

// Returns the rows of each parent, in the order of `parents`; a parent that comes twice is asked once.
async function grouped(name, text, parents, limit) {
  const groups = new Map(parents.map((parent) => [parent, []]))
  for (const { parent, ...row } of await query(name, text, [[...groups.keys()], limit])) groups.get(parent).push(row)
  return parents.map((parent) => groups.get(parent))
}
