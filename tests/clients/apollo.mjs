// Apollo Client 4 with persisted queries, its cache and graphql-ws, set up as docs/clients.md says.
import { gql } from "@apollo/client";
import { WebSocket } from "ws";
import {
  ACCOUNT, collect, CONFIRM, FREE_SEATS, MORE_SESSIONS, OPEN, PROGRAMME, report, RESERVE, SEATS, SESSION, SIGN_UP,
} from "./documents.mjs";

globalThis.WebSocket ??= WebSocket;
const { client, session } = await import("./snippets/apollo-client.mjs");

const query = async (text, variables) => (await client.query({ query: gql(text), variables })).data;
const mutate = async (text, variables) => (await client.mutate({ mutation: gql(text), variables })).data;

session.token = (await mutate(SIGN_UP, { input: ACCOUNT })).signUp.token;

const first = (await query(PROGRAMME)).movies;
const programme = client.watchQuery({ query: gql(PROGRAMME) });
const watching = programme.subscribe(() => {});
await programme.fetchMore({ variables: { after: first.pageInfo.endCursor } });
watching.unsubscribe();
const movie = first.edges[0].node;
await query(MORE_SESSIONS, { id: movie.id, after: movie.sessions.pageInfo.endCursor });
const merged = client.readQuery({ query: gql(PROGRAMME) }).movies;

const free = (await query(FREE_SEATS, { id: SESSION })).session.seatsAvailable;
const live = collect();
const following = client.subscribe({ query: gql(SEATS), variables: { id: SESSION } })
  .subscribe((result) => live.add(result.data.sessionChanged.seatsAvailable));
await live.until(1);
const id = (await mutate(OPEN, { id: SESSION })).openBooking.booking.id;
await mutate(RESERVE, { id, seats: 2 });
await live.until(2);
following.unsubscribe();
const cached = client.readQuery({ query: gql(FREE_SEATS), variables: { id: SESSION } }).session.seatsAvailable;
const booking = (await mutate(CONFIRM, { id })).confirmBooking.booking;
const refusal = (await mutate(RESERVE, { id, seats: 3 })).reserveSeats.errors[0].code;

report({
  movies: merged.edges.map(({ node }) => node.id),
  sessions: merged.edges[0].node.sessions.edges.map(({ node }) => node.id),
  free, cached, live: live.seen, status: booking.status, seats: booking.reservedSeats, refusal,
});
