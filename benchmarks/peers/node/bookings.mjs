// Bookings with SQL as it is usually written: a transaction whose conditional UPDATE takes the seats.
import { query, transaction } from './database.mjs'
import { BOOKING } from './reads.mjs'
import { settings } from './serve.mjs'

class Refusal extends Error {}

const OPEN = `INSERT INTO bookings (user_id, session_id, created_at, closes_at)
  SELECT $1, id, clock_timestamp(), clock_timestamp() + $3 * interval '1 second'
  FROM sessions WHERE id = $2 AND starts_at > clock_timestamp() RETURNING ${BOOKING}`
const LOCK = `SELECT session_id, reserved_seats, status = 'open' AND closes_at > clock_timestamp() AS "isLive"
  FROM bookings WHERE id = $1 AND user_id = $2 FOR UPDATE`
const SET_SEATS = `UPDATE bookings SET reserved_seats = $2 WHERE id = $1 RETURNING ${BOOKING}`
const RECORD = 'INSERT INTO seat_reservations (booking_id, seats, created_at) VALUES ($1, $2, clock_timestamp())'
const TAKE = 'UPDATE sessions SET taken = taken + $2 WHERE id = $1 AND taken + $2 <= capacity RETURNING id'
const CONFIRM = `UPDATE bookings SET status = 'confirmed', confirmed_at = clock_timestamp()
  WHERE id = $1 AND user_id = $2 AND status = 'open' AND closes_at > clock_timestamp() AND reserved_seats > 0
  RETURNING ${BOOKING}`

export const ownSql = {
  open: async (userId, sessionId) => one(await query('open', OPEN, [userId, sessionId, settings.holdSeconds]), 'SESSION_STARTED'),
  // The session's row comes last: every other buyer of the session waits for it until the commit.
  reserve: (userId, bookingId, seats) =>
    transaction(async (client) => {
      const held = one(await query('lock', LOCK, [bookingId, userId], client), 'BOOKING_NOT_FOUND')
      if (!held.isLive) throw new Refusal('BOOKING_EXPIRED')
      await query('record', RECORD, [bookingId, seats], client)
      const booking = one(await query('set seats', SET_SEATS, [bookingId, seats], client))
      one(await query('take', TAKE, [held.session_id, seats - held.reserved_seats], client), 'SEATS_UNAVAILABLE')
      return booking
    }),
  confirm: async (userId, bookingId) => one(await query('confirm', CONFIRM, [bookingId, userId]), 'BOOKING_EXPIRED'),
}

// Matinee's own statements, which do all of a change in one round trip; the harness hands them over.
const theirs = JSON.parse(process.env.PEER_STATEMENTS ?? '{}')

async function run(name, parameters) {
  const { text, names } = theirs[name]
  const row = one(await query(name, text, names.map((each) => parameters[each])), 'NOT_FOUND')
  if (row.id === null) throw new Refusal(row.was ?? 'SESSION_STARTED')
  return { id: row.id, sessionId: row.session_id, status: row.status.toUpperCase(), reservedSeats: row.reserved_seats,
    createdAt: row.created_at, closesAt: row.closes_at }
}

export const matineeSql = {
  open: (userId, sessionId) => run('open', { user_id: userId, session_id: sessionId, hold_seconds: settings.holdSeconds }),
  reserve: (userId, bookingId, seats) =>
    run('reserve', { user_id: userId, booking_id: bookingId, seats, cancel: false }),
  confirm: (userId, bookingId) => run('confirm', { user_id: userId, booking_id: bookingId }),
}

export const bookings = process.env.PEER_BOOKINGS === 'matinee' ? matineeSql : ownSql

// Returns the payload of a mutation: a booking, or why it was refused.
export async function payload(work) {
  try {
    return { booking: await work, errors: [] }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { booking: null, errors: [{ code: error.message, message: error.message, path: [] }] }
  }
}

function one(rows, refusal) {
  if (rows.length === 0) throw new Refusal(refusal)
  return rows[0]
}
