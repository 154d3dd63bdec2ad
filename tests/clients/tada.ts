// gql.tada types the documents from the served schema, and @urql/core sends them.
import { Client, fetchExchange, type AnyVariables, type TypedDocumentNode } from "@urql/core";
import { initGraphQLTada } from "gql.tada";
import type { introspection } from "./introspection.js";
import { ACCOUNT, API, report, SESSION } from "./documents.mjs";

const graphql = initGraphQLTada<{ introspection: introspection; scalars: { DateTime: string } }>();

const SIGN_UP = graphql(`mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) { token user { id email } errors { code path } } }`);
const PROGRAMME = graphql(`query Programme($after: String) {
  movies(sort: NEW, first: 2, after: $after) {
    nodes { id title sessions(first: 4) { nodes { id startsAt seatsAvailable } } } pageInfo { endCursor } } }`);
const FREE_SEATS = graphql(`query FreeSeats($id: ID!) { session(id: $id) { id seatsAvailable } }`);
const OPEN = graphql(`mutation Open($id: ID!) {
  openBooking(input: {sessionId: $id}) { booking { id } errors { code } } }`);
const RESERVE = graphql(`mutation Reserve($id: ID!, $seats: Int!) {
  reserveSeats(input: {bookingId: $id, seats: $seats}) {
    booking { id reservedSeats session { id seatsAvailable } } errors { code path } } }`);
const CONFIRM = graphql(`mutation Confirm($id: ID!) {
  confirmBooking(input: {bookingId: $id, seats: 2}) { booking { status reservedSeats } errors { code } } }`);

let token: string | null = null;
const client = new Client({
  url: `${API}/graphql`,
  preferGetMethod: false,
  exchanges: [fetchExchange],
  fetchOptions: (): RequestInit => ({ headers: token ? { Authorization: `Bearer ${token}` } : {} }),
});
async function query<Data, Variables extends AnyVariables>(text: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
  const { data, error } = await client.query(text, variables).toPromise();
  if (error || !data) throw error;
  return data;
}
async function mutate<Data, Variables extends AnyVariables>(text: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
  const { data, error } = await client.mutation(text, variables).toPromise();
  if (error || !data) throw error;
  return data;
}
token = (await mutate(SIGN_UP, { input: ACCOUNT })).signUp!.token;
const first = (await query(PROGRAMME, {})).movies!;
const second = (await query(PROGRAMME, { after: first.pageInfo.endCursor })).movies!;
const free: number = (await query(FREE_SEATS, { id: SESSION })).session!.seatsAvailable;
const { id } = (await mutate(OPEN, { id: SESSION })).openBooking!.booking!;
const reserved = (await mutate(RESERVE, { id, seats: 2 })).reserveSeats!.booking!.session.seatsAvailable;
const confirmed = (await mutate(CONFIRM, { id })).confirmBooking!;
const seats: number = confirmed.booking!.reservedSeats;
const refusal = (await mutate(RESERVE, { id, seats: 3 })).reserveSeats!.errors[0]!.code;

report({
  movies: [...first.nodes, ...second.nodes].map((movie) => movie.id),
  sessions: first.nodes[0]!.sessions.nodes.map((session) => session.id),
  free, live: [free, reserved], status: confirmed.booking!.status, seats, refusal,
});
