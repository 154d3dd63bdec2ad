// Live updates: one WebSocket for all that a page follows, and polling where there is none.

import { ask } from "./api.js";
import { base } from "./dom.js";
import { session } from "./session.js";

const PROTOCOL = "graphql-transport-ws";
const POLL_EVERY = 4000;
const LONGEST_WAIT = 30_000;
const IDLE = 3000;
// Follow what is about to come into sight.
const NEARBY = { rootMargin: "400px 0px" };

const followed = new Map();
let socket = null;
let ready = false;
let failures = 0;
let last = 0;
let retry;
let idle;

/**
 * Call `next` with each new state of one object until the signal aborts; with an element, only while that is in sight or about to be.
 * `subscription` takes `$id` and has one field; `poll` takes `$ids` and asks for `nodes(ids: $ids) { id … }`, in one request for all
 * objects that are followed with it.
 */
export function follow({ element, signal, ...thing }) {
  if (signal.aborted) return;
  if (!element) begin({ ...thing, signal });
  else whileInSight(element, signal, (sight) => begin({ ...thing, signal: sight }));
}

const seen = new Map();
const watcher = new IntersectionObserver((entries) => entries.forEach(({ target, isIntersecting }) => seen.get(target)?.(isIntersecting)), NEARBY);

function whileInSight(element, signal, act) {
  let sight;
  seen.set(element, (isIn) => {
    sight?.abort();
    sight = isIn ? new AbortController() : null;
    if (sight) act(AbortSignal.any([signal, sight.signal]));
  });
  watcher.observe(element);
  signal.addEventListener("abort", () => {
    watcher.unobserve(element);
    seen.delete(element);
  });
}

function begin({ id, subscription, poll, next, signal }) {
  const key = String((last += 1));
  const wanted = { key, id, subscription, poll, next, live: false };
  followed.set(key, wanted);
  signal.addEventListener("abort", () => leave(wanted), { once: true });
  clearTimeout(idle);
  if (ready) start(wanted);
  else if (!socket && !retry) open();
}

function leave(wanted) {
  followed.delete(wanted.key);
  if (ready && wanted.live) send({ id: wanted.key, type: "complete" });
  if (!followed.size) idle = setTimeout(() => socket?.close(1000), IDLE);
}

function open() {
  retry = undefined;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const made = new WebSocket(`${scheme}://${location.host}${base}/graphql`, PROTOCOL);
  socket = made;
  made.onopen = () => send({ type: "connection_init" });
  made.onmessage = ({ data }) => heard(JSON.parse(data));
  made.onclose = () => made === socket && closed();
}

function closed() {
  socket = null;
  ready = false;
  for (const wanted of followed.values()) wanted.live = false;
  if (!followed.size) return;
  failures += 1;
  const wait = Math.min(LONGEST_WAIT, 1000 * 2 ** (failures - 1));
  retry = setTimeout(() => (followed.size ? open() : (retry = undefined)), wait * (0.5 + Math.random()));
}

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function start(wanted) {
  wanted.live = true;
  send({ id: wanted.key, type: "subscribe", payload: { query: wanted.subscription, variables: { id: wanted.id } } });
}

function heard({ type, id, payload }) {
  const wanted = followed.get(id);
  if (type === "connection_ack") {
    [ready, failures] = [true, 0];
    for (const each of followed.values()) start(each);
  } else if (type === "ping") send({ type: "pong" });
  else if (type === "next" && wanted && payload.data) give(wanted, Object.values(payload.data)[0]);
  // The subscription was refused: poll instead.
  else if (type === "error" && wanted) wanted.live = false;
  else if (type === "complete") followed.delete(id);
}

function give(wanted, item) {
  if (item && followed.has(wanted.key)) wanted.next(item);
}

async function poll() {
  const waiting = [...followed.values()].filter((wanted) => !wanted.live);
  if (!waiting.length || document.hidden) return;
  for (const document_ of new Set(waiting.map((wanted) => wanted.poll))) {
    const askers = waiting.filter((wanted) => wanted.poll === document_);
    const ids = [...new Set(askers.map((wanted) => wanted.id))].slice(0, 50);
    const { nodes } = await ask(document_, { ids });
    for (const node of nodes) for (const wanted of askers) if (node?.id === wanted.id) give(wanted, node);
  }
}

// A poll that fails is repeated by the next one; the page shows by itself that it is offline.
setInterval(() => poll().catch(() => {}), POLL_EVERY);

// A new connection has the cookie of who is signed in now.
session.addEventListener("change", () => socket?.close(1000));
