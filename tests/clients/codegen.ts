// graphql-codegen's client preset types the documents and writes their hashes; only the hashes are sent.
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { graphql } from "./gql/index.js";
import { ACCOUNT, API, report, SESSION } from "./documents.mjs";

const SIGN_UP = graphql(`mutation SignUp($input: SignUpInput!) { signUp(input: $input) { token errors { code path } } }`);
const PROGRAMME = graphql(`query Programme($after: String) { movies(sort: NEW, first: 2, after: $after) {
  nodes { id title sessions(first: 4) { nodes { id startsAt seatsAvailable } } } pageInfo { endCursor } } }`);
const FREE_SEATS = graphql(`query FreeSeats($id: ID!) { session(id: $id) { id seatsAvailable } }`);
const OPEN = graphql(`mutation Open($id: ID!) { openBooking(input: {sessionId: $id}) { booking { id } errors { code } } }`);
const RESERVE = graphql(`mutation Reserve($id: ID!, $seats: Int!) { reserveSeats(input: {bookingId: $id, seats: $seats}) {
  booking { id reservedSeats session { id seatsAvailable } } errors { code path } } }`);
const CONFIRM = graphql(`mutation Confirm($id: ID!) { confirmBooking(input: {bookingId: $id, seats: 2}) {
  booking { status reservedSeats } errors { code } } }`);
const SEATS = graphql(`subscription Seats($id: ID!) { sessionChanged(id: $id) { seatsAvailable } }`);

let token: string | null | undefined;

function post(document: unknown, variables: unknown, accept: string, signal?: AbortSignal): Promise<Response> {
  const { hash } = (document as { __meta__: { hash: string } }).__meta__;
  const documentId = hash.startsWith("sha256:") ? hash : `sha256:${hash}`;
  const headers = { Accept: accept, "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  return fetch(`${API}/graphql`, { method: "POST", headers, body: JSON.stringify({ documentId, variables }), signal: signal ?? null });
}
async function send<Data, Variables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Promise<Data> {
  const { data, errors } = await (await post(document, variables, "application/graphql-response+json")).json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

token = (await send(SIGN_UP, { input: ACCOUNT })).signUp!.token;
const first = (await send(PROGRAMME, {})).movies!;
const second = (await send(PROGRAMME, { after: first.pageInfo.endCursor })).movies!;
const free = (await send(FREE_SEATS, { id: SESSION })).session!.seatsAvailable;

const stop = new AbortController();
const stream = await post(SEATS, { id: SESSION }, "text/event-stream", stop.signal);
const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
const live: number[] = [];
let text = "";
async function readUntil(count: number): Promise<void> {
  while (live.length < count) {
    text += (await reader.read()).value ?? "";
    live.splice(0, live.length, ...[...text.matchAll(/"seatsAvailable":(\d+).*\n/g)].map((found) => Number(found[1])));
  }
}
await readUntil(1);
const { id } = (await send(OPEN, { id: SESSION })).openBooking!.booking!;
await send(RESERVE, { id, seats: 2 });
await readUntil(2);
const confirmed = (await send(CONFIRM, { id })).confirmBooking!;
const refusal = (await send(RESERVE, { id, seats: 3 })).reserveSeats!.errors[0]!.code;

report({
  movies: [...first.nodes, ...second.nodes].map((movie) => movie.id),
  sessions: first.nodes[0]!.sessions.nodes.map((session) => session.id),
  free, live, status: confirmed.booking!.status, seats: confirmed.booking!.reservedSeats, refusal,
});
