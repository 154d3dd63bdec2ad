// Events with the tickets that are left, below those that the visitor has tickets for.

import "./more_style.js";
import { ask, clock, gql, now } from "./api.js";
import { each, el, mount } from "./dom.js";
import { ticketsLeft } from "./event.js";
import { count, day, time } from "./format.js";
import { listIn, searchField } from "./lists.js";
import { setQuery } from "./router.js";
import { viewer } from "./session.js";
import { empty, skeleton } from "./states.js";

const EVENTS = gql`
  query Events($filter: EventFilter!, $after: String, $counted: Boolean!) {
    events(filter: $filter, first: 20, after: $after) {
      nodes { id name description startsAt capacity availability }
      pageInfo { hasNextPage endCursor }
      totalCount @include(if: $counted)
    }
  }`;
const OWN = gql`
  query MyTickets($from: DateTime!) {
    viewer { eventReservations(filter: {liveOnly: true, from: $from}, first: 100) { nodes { id tickets event { id name startsAt } } } }
  }`;

export async function render(root, page) {
  page.title("Events");
  const wanted = { q: page.query.get("q") ?? "", left: page.query.has("left") };
  const said = el("p", { class: "lede", role: "status" }, "\u00a0");
  const place = el("div", {});
  const head = el("div", { class: "page-head" }, el("h1", {}, "Events"), said);
  mount(root, el("div", { class: "page medium" }, head, skeleton("rows", 5)));
  await clock;
  // One instant for all pages of the list: its cursors are bound to the filter.
  const from = new Date(Math.floor(now() / 60_000) * 60_000).toISOString();
  const show = listIn(place, {
    left: page.signal,
    onward: "Later events",
    row: (event, signal) => row(event, signal),
    none: () => nothing(wanted),
    load: async (after, signal) => {
      const filter = { from, availableOnly: wanted.left, ...(wanted.q && { search: wanted.q }) };
      const { events } = await ask(EVENTS, { filter, after, counted: !after }, { signal });
      if (!after) mount(said, events.totalCount ? `${count(events.totalCount, "event")} to come` : "No event found");
      return events;
    },
  });
  const choose = (part) => {
    Object.assign(wanted, part);
    setQuery(new URLSearchParams({ ...(wanted.q && { q: wanted.q }), ...(wanted.left && { left: "1" }) }));
    return show();
  };
  const only = el("input", { type: "checkbox", checked: wanted.left, onchange: ({ target }) => choose({ left: target.checked }) });
  const controls = el(
    "div",
    { class: "controls" },
    searchField("Search events", wanted.q, (q) => choose({ q }), page.signal),
    el("label", { class: "tick" }, only, "Only with tickets left"),
  );
  const [tickets] = await Promise.all([own(from, page.signal), show()]);
  const mine = tickets.length > 0 && [el("h2", {}, "Your tickets"), el("ul", { class: "own" }, each(tickets, ticket))];
  mount(root, el("div", { class: "page medium" }, head, mine, controls, place));
}

function nothing({ q, left }) {
  if (q) return empty("No event of this name", left ? "Perhaps it is sold out: look at all events." : "Check the spelling, or try fewer letters.");
  return empty(left ? "No event with tickets left" : "No event at the moment", "New events, and tickets that are given back, are shown here.");
}

async function own(from, signal) {
  if (!(await viewer())) return [];
  const { viewer: seen } = await ask(OWN, { from }, { signal });
  return seen.eventReservations.nodes.sort((one, other) => one.event.startsAt.localeCompare(other.event.startsAt));
}

function ticket({ tickets, event }) {
  return el("li", {}, el("a", { class: "card", href: `/tickets/${event.id}` }, el("strong", {}, event.name), el("span", {}, day(event.startsAt), ", ", time(event.startsAt), " · ", count(tickets, "ticket"))));
}

function row(event, signal) {
  const [week, date, ...month] = day(event.startsAt).split(" ");
  const when = el("time", { datetime: event.startsAt, class: "leaf" }, el("span", {}, week), el("strong", {}, date), el("span", {}, month.join(" ")));
  const words = el("div", {}, el("h2", {}, el("a", { href: `/tickets/${event.id}` }, event.name)), el("p", { class: "muted" }, event.description));
  return el("article", { class: "card event-row" }, when, words, ticketsLeft(event, signal));
}
