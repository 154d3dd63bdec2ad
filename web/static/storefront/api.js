// The one way to the server: GraphQL by POST, with refusals, failures and a missing network as errors of their own.

const ADDRESS = "/graphql";
const PATIENCE = 15_000;
const LOOK_EVERY = 4000;

/** Marks a document, so that editors and the tests find it. */
export const gql = String.raw;

const PING = gql`query Ping { __typename }`;

/** What tells the rest of the page that the network went or came back ("change"), and that a change takes an account ("unauthenticated"). */
export const network = Object.assign(new EventTarget(), { online: navigator.onLine });

/** The server cannot be reached. */
export class Offline extends Error {}

/** The server answers, but not this. */
export class Failed extends Error {
  constructor(code, message, retryAfter = 0) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** A change that was refused, for reasons that its visitor can see and mend. */
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

/** Return the payload of a mutation; raise Refused too. Sent again after a broken connection it counts once. */
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
    return response;
  } catch (error) {
    if (signal?.aborted) throw error;
    tell(false);
    throw new Offline("The cinema cannot be reached.");
  }
}

let looking;

function tell(online) {
  clearTimeout(looking);
  // What works again says so itself.
  if (!online) looking = setTimeout(() => ask(PING).catch(() => {}), LOOK_EVERY);
  if (network.online === online) return;
  network.online = online;
  network.dispatchEvent(new Event("change"));
}

addEventListener("online", () => tell(true));
addEventListener("offline", () => tell(false));

function randomKey() {
  // Not randomUUID: it is there only on https and localhost.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The server's clock less ours. An answer's Date is cut to the second, so each answer leaves a range; what all leave is narrow.
let lowest = -Infinity;
let highest = Infinity;

function setClock(date, sent, received) {
  if (!date) return;
  const [low, high] = [date - received, date + 1000 - sent];
  [lowest, highest] = [Math.max(lowest, low), Math.min(highest, high)];
  // Somebody has set one of the clocks.
  if (lowest > highest) [lowest, highest] = [low, high];
}

/** Return the server's time in milliseconds. */
export function now() {
  return Date.now() + (Number.isFinite(lowest) ? (lowest + highest) / 2 : 0);
}
