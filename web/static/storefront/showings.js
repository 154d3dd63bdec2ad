// The sessions of a film on one day, by cinema; the free seats of those in sight are followed.

import { ask, gql } from "./api.js";
import { each, el, icon, mount } from "./dom.js";
import { count, time } from "./format.js";
import { follow } from "./live.js";
import { failure, skeleton } from "./states.js";

const SESSIONS = gql`
  query FilmSessions($id: ID!, $from: DateTime!, $to: DateTime!, $placeId: ID, $after: String) {
    movie(id: $id) {
      sessions(from: $from, to: $to, placeId: $placeId, first: 50, after: $after) {
        nodes { id startsAt capacity seatsAvailable place { id name address } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }`;
const SEATS_CHANGE = gql`subscription SeatsChange($id: ID!) { sessionChanged(id: $id) { id seatsAvailable } }`;
const SEATS_NOW = gql`query SeatsNow($ids: [ID!]!) { nodes(ids: $ids) { id ... on Session { seatsAvailable } } }`;
const FEW = 10;

let asking = new AbortController();

/** Show the sessions between two instants, at one cinema or at all of them. */
export async function schedule(root, movieId, { from, to }, placeId, left) {
  asking.abort();
  asking = new AbortController();
  const signal = AbortSignal.any([left, asking.signal]);
  root.setAttribute("aria-busy", "true");
  if (!root.children.length) mount(root, skeleton("rows", 4));
  try {
    const sessions = await all({ id: movieId, from, to, placeId: placeId || null }, signal);
    mount(root, sessions.length ? byPlace(sessions, signal) : el("p", { class: "notice" }, "No session on this day. Try another day or cinema."));
  } catch (error) {
    if (!signal.aborted) mount(root, failure(error, () => schedule(root, movieId, { from, to }, placeId, left)));
  } finally {
    if (!signal.aborted) root.removeAttribute("aria-busy");
  }
}

async function all(variables, signal) {
  const found = [];
  let after = null;
  do {
    const { sessions } = (await ask(SESSIONS, { ...variables, after }, { signal })).movie;
    found.push(...sessions.nodes);
    after = sessions.pageInfo.hasNextPage ? sessions.pageInfo.endCursor : null;
  } while (after);
  // The list has the latest first.
  return found.reverse();
}

function byPlace(sessions, signal) {
  const places = new Map();
  for (const session of sessions) {
    if (!places.has(session.place.id)) places.set(session.place.id, { place: session.place, sessions: [] });
    places.get(session.place.id).sessions.push(session);
  }
  const sorted = [...places.values()].sort((one, other) => one.place.name.localeCompare(other.place.name));
  return sorted.map(({ place, sessions: here }) =>
    el(
      "section",
      { class: "cinema card" },
      el("div", { class: "cinema-name" }, el("h3", {}, place.name), el("p", { class: "muted" }, icon("pin"), place.address)),
      el("ul", { class: "times" }, each(here, (session) => el("li", {}, link(session, signal)))),
    ),
  );
}

function link(session, signal) {
  const meter = el("span", { class: "meter", "aria-hidden": "true" }, el("span", {}));
  const words = el("span", { class: "free" });
  const made = el("a", { class: "showing", href: `/book/${session.id}` }, el("strong", {}, time(session.startsAt)), words, meter);
  const show = (free) => {
    made.classList.toggle("sold-out", free === 0);
    made.classList.toggle("few", free > 0 && free <= FEW);
    meter.style.setProperty("--part", 1 - free / session.capacity);
    mount(words, freeSeats(free));
  };
  show(session.seatsAvailable);
  followSeats(session.id, show, signal, made);
  return made;
}

/** Return how many seats are left, in words. */
export function freeSeats(free) {
  if (free === 0) return "Sold out";
  return free <= FEW ? `Only ${free} left` : `${count(free, "seat")} free`;
}

/** Call `next` with the free seats of a session whenever they change; with an element, only while it is in sight. */
export function followSeats(id, next, signal, element) {
  follow({ id, subscription: SEATS_CHANGE, poll: SEATS_NOW, next: ({ seatsAvailable }) => next(seatsAvailable), signal, element });
}
