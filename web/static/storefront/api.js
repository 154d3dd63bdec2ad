// GraphQL requests by POST. Refusals, failures and a missing network are errors of their own.

import { base } from "./dom.js";

const ADDRESS = `${base}/graphql`;
const PATIENCE = 15_000;
const LOOK_EVERY = 4000;

/** Marks a document, so that editors and the tests find it. */
export const gql = String.raw;

const PING = gql`query Ping { __typename }`;

/** Fires "change" when the network goes or comes back, and "unauthenticated" when a mutation needs a sign-in. */
export const network = Object.assign(new EventTarget(), { online: navigator.onLine });

/** The server cannot be reached. */
export class Offline extends Error {}

/** The server answered with an error. */
export class Failed extends Error {
  constructor(code, message, retryAfter = 0) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** A mutation was refused, for reasons that the visitor can correct. */
export class Refused extends Error {
  constructor(errors) {
    super(errors[0].message);
    this.code = errors[0].code;
    this.errors = errors;
  }
}

/** Return the data of a query; raise Offline or Failed. */
export async function ask(document, variables = {}, { signal, headers } = {}) {
  const response = await reached(document, variables, signal, headers);
  const retryAfter = Number(response.headers.get("retry-after")) || 0;
  const body = await response.json().catch(() => null);
  const fault = body?.errors?.[0];
  if (fault) throw new Failed(fault.extensions?.code ?? "INTERNAL", fault.message, retryAfter);
  if (!body?.data) throw new Failed("INTERNAL", `The server answered ${response.status}.`, retryAfter);
  return body.data;
}

/** Return the payload of a mutation; raise Offline, Failed or Refused. A retry after a broken connection counts once. */
export async function change(document, variables, { signal, headers } = {}) {
  const sent = headers ?? { "Idempotency-Key": randomKey() };
  const once = () => ask(document, variables, { signal, headers: sent });
  const data = await once().catch(async (error) => {
    if (error.code === "UNAUTHENTICATED") throw turnedAway();
    if (headers || !(error instanceof Offline) || !navigator.onLine) throw error;
    await new Promise((done) => setTimeout(done, 600));
    return once();
  });
  const [payload] = Object.values(data);
  if (payload.errors?.length) throw new Refused(payload.errors);
  return payload;
}

function turnedAway() {
  network.dispatchEvent(new Event("unauthenticated"));
  return new Failed("UNAUTHENTICATED", "You are not signed in any more.");
}

async function reached(query, variables, signal, headers) {
  const sent = Date.now();
  const ends = AbortSignal.any([AbortSignal.timeout(PATIENCE), ...(signal ? [signal] : [])]);
  const said = { "Content-Type": "application/json", Accept: "application/graphql-response+json", ...headers };
  const body = JSON.stringify({ query, variables });
  try {
    const response = await fetch(ADDRESS, { method: "POST", headers: said, body, signal: ends });
    tell(true);
    setClock(Date.parse(response.headers.get("date")), sent, Date.now());
    clockIsSet();
    return response;
  } catch (error) {
    if (signal?.aborted) throw error;
    tell(false);
    clockIsSet();
    throw new Offline("The cinema cannot be reached.");
  }
}

let looking;

function tell(online) {
  clearTimeout(looking);
  // Offline, ask until the server answers again.
  if (!online) looking = setTimeout(() => ask(PING).catch(() => {}), LOOK_EVERY);
  if (network.online === online) return;
  network.online = online;
  network.dispatchEvent(new Event("change"));
}

addEventListener("online", () => tell(true));
addEventListener("offline", () => tell(false));

function randomKey() {
  // Not randomUUID: browsers have it on https and localhost only.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

let clockIsSet;

/** Resolves with the first answer, from which `now` knows the server's time; also when the server cannot be reached. */
export const clock = new Promise((done) => (clockIsSet = done));

// The offset of the server's clock from the visitor's. `Date` is cut to the second, so each answer gives a range; their intersection is narrow.
let lowest = -Infinity;
let highest = Infinity;

function setClock(date, sent, received) {
  if (!date) return;
  const [low, high] = [date - received, date + 1000 - sent];
  [lowest, highest] = [Math.max(lowest, low), Math.min(highest, high)];
  // One of the clocks was set.
  if (lowest > highest) [lowest, highest] = [low, high];
}

/** Return the server's time in milliseconds; the visitor's own before the first answer (see `clock`). */
export function now() {
  return Date.now() + (Number.isFinite(lowest) ? (lowest + highest) / 2 : 0);
}
