// openapi-typescript types the REST addresses from /openapi.json, and openapi-fetch sends the requests.
import createClient from "openapi-fetch";
import type { paths } from "./api.js";
import { API, EMAIL, PASSWORD, report, SESSION } from "./documents.mjs";

const client = createClient<paths>({ baseUrl: API });

function unwrap<Data>({ data, error }: { data?: Data; error?: unknown }): Data {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

const body = { email: EMAIL, password: PASSWORD };
unwrap(await client.POST("/v1/auth/signup", { body }));
const { token } = unwrap(await client.POST("/v1/auth/signin", { body }));
const headers = { Authorization: `Bearer ${token}` };

const first = unwrap(await client.GET("/v1/movies", { params: { query: { sort: "new", limit: 2 } } }));
const cursor = first.metadata.end_cursor!;
const second = unwrap(await client.GET("/v1/movies", { params: { query: { sort: "new", limit: 2, cursor } } }));
const movie_id = first.movies[0]!.id;
const { places } = unwrap(await client.GET("/v1/movies/{movie_id}/places", { params: { path: { movie_id } } }));
const path = { movie_id, place_id: places[0]!.id };
const { sessions } = unwrap(await client.GET("/v1/movies/{movie_id}/places/{place_id}/sessions", { params: { path } }));

const session = { params: { path: { session_id: SESSION } }, headers };
const before = unwrap(await client.GET("/v1/sessions/{session_id}", session)).session;
const { booking } = unwrap(await client.POST("/v1/sessions/{session_id}/book", session));
const own = { params: { path: { booking_id: booking.id } }, headers };
const reserved = unwrap(await client.POST("/v1/bookings/{booking_id}/reserve", { ...own, body: { seats: 2 } }));
const confirmed = unwrap(await client.POST("/v1/bookings/{booking_id}/confirm", own));
const after = unwrap(await client.GET("/v1/sessions/{session_id}", session)).session;
const { status } = unwrap(await client.GET("/v1/bookings/{booking_id}", own)).booking;
const refused = await client.POST("/v1/bookings/{booking_id}/reserve", { ...own, body: { seats: 3 } });
const { bookings } = unwrap(await client.GET("/v1/bookings", { headers }));

report({
  movies: [...first.movies, ...second.movies].map(({ id }) => id),
  sessions: sessions.map(({ id }) => id),
  reserved: reserved.booking.reserved_seats,
  seats: confirmed.booking.reserved_seats,
  taken: before.seats_available - after.seats_available,
  status,
  bookings: bookings.length,
  refusal: refused.error?.errors[0]?.code,
});
