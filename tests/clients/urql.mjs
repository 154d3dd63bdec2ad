// urql 6 with persisted queries, graphcache and graphql-sse, set up as docs/clients.md says.
import {
  ACCOUNT, collect, CONFIRM, FREE_SEATS, MORE_SESSIONS, OPEN, PROGRAMME, report, RESERVE, SEATS, SESSION, SIGN_UP,
} from "./documents.mjs";
import { client, session, stream } from "./snippets/urql.mjs";

function unwrap({ data, error }) {
  if (error) throw error;
  return data;
}
const query = async (text, variables, context) => unwrap(await client.query(text, variables, context).toPromise());
const mutate = async (text, variables) => unwrap(await client.mutation(text, variables).toPromise());
const ONLY_CACHE = { requestPolicy: "cache-only" };

session.token = (await mutate(SIGN_UP, { input: ACCOUNT })).signUp.token;

const first = (await query(PROGRAMME, {})).movies;
await query(PROGRAMME, { after: first.pageInfo.endCursor });
await query(MORE_SESSIONS, { id: first.edges[0].node.id, after: first.edges[0].node.sessions.pageInfo.endCursor });
const merged = (await query(PROGRAMME, {}, ONLY_CACHE)).movies;

const free = (await query(FREE_SEATS, { id: SESSION })).session.seatsAvailable;
const live = collect();
const following = client.subscription(SEATS, { id: SESSION })
  .subscribe((result) => live.add(unwrap(result).sessionChanged.seatsAvailable));
await live.until(1);
const id = (await mutate(OPEN, { id: SESSION })).openBooking.booking.id;
await mutate(RESERVE, { id, seats: 2 });
await live.until(2);
following.unsubscribe();
stream.dispose();
const cached = (await query(FREE_SEATS, { id: SESSION }, ONLY_CACHE)).session.seatsAvailable;
const booking = (await mutate(CONFIRM, { id })).confirmBooking.booking;
const refusal = (await mutate(RESERVE, { id, seats: 3 })).reserveSeats.errors[0].code;

report({
  movies: merged.edges.map(({ node }) => node.id),
  sessions: merged.edges[0].node.sessions.edges.map(({ node }) => node.id),
  free, cached, live: live.seen, status: booking.status, seats: booking.reservedSeats, refusal,
});
