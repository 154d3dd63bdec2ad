// One event: the tickets that are left, and the visitor's own, to reserve, change or give back.

import "./more_style.js";
import { ask, change, gql, now, Refused } from "./api.js";
import { accountFields } from "./account.js";
import { stepper } from "./booking_parts.js";
import { confirming } from "./confirming.js";
import { el, icon, mount } from "./dom.js";
import { count, dayLong, time } from "./format.js";
import { follow } from "./live.js";
import { lastAddress } from "./router.js";
import { viewer } from "./session.js";
import { busy, missing, problem, skeleton, toast } from "./states.js";
import { wording } from "./wording.js";

const EVENT = gql`
  query OneEvent($id: ID!) {
    event(id: $id) { id name description startsAt capacity availability }
    viewer { eventReservations(filter: {eventId: $id, liveOnly: true}, first: 100) { nodes { id tickets } } }
  }`;
const RESERVE = gql`
  mutation ReserveTickets($input: ReserveTicketsInput!) {
    reserveTickets(input: $input) {
      reservation { id }
      errors { code message path ... on SeatsUnavailable { seatsAvailable } }
    }
  }`;
const CHANGE = gql`
  mutation ChangeTickets($input: UpdateEventReservationInput!) {
    updateEventReservation(input: $input) {
      reservation { id }
      errors { code message path ... on SeatsUnavailable { seatsAvailable } }
    }
  }`;
const CANCEL = gql`
  mutation CancelTickets($input: CancelEventReservationInput!) {
    cancelEventReservation(input: $input) { reservation { id } errors { code message path } }
  }`;
const TICKETS_CHANGE = gql`subscription TicketsChange($id: ID!) { eventChanged(id: $id) { id availability } }`;
const TICKETS_NOW = gql`query TicketsNow($ids: [ID!]!) { nodes(ids: $ids) { id ... on Event { availability } } }`;
const FEW = 10;

/** Return an element that follows the number of tickets left; `next` is called with each new number. */
export function ticketsLeft(event, signal, next = () => {}) {
  const words = el("span", { class: "free" });
  const meter = el("span", { class: "meter", "aria-hidden": "true" }, el("span", {}));
  const root = el("div", { class: "left" }, words, meter);
  const show = (left) => {
    root.classList.toggle("few", left <= FEW);
    meter.style.setProperty("--part", 1 - left / event.capacity);
    mount(words, left === 0 ? "Sold out" : left <= FEW ? `Only ${left} left` : `${count(left, "ticket")} left`);
    next(left);
  };
  show(event.availability);
  follow({ element: root, id: event.id, subscription: TICKETS_CHANGE, poll: TICKETS_NOW, next: ({ availability }) => show(availability), signal });
  return root;
}

export async function render(root, page) {
  page.title("Event");
  mount(root, el("div", { class: "page medium" }, skeleton("rows", 3)));
  await show(root, page, await viewer());
}

async function find(page) {
  try {
    return await ask(EVENT, { id: page.params.id }, { signal: page.signal });
  } catch (error) {
    if (error.code === "INVALID_ID") return {};
    throw error;
  }
}

async function show(root, page, seen) {
  const { event, viewer: own } = await find(page);
  if (!event) {
    mount(root, missing("event"));
    return;
  }
  page.title(event.name);
  const drawn = new AbortController();
  const signal = AbortSignal.any([page.signal, drawn.signal]);
  const again = async (said) => {
    drawn.abort();
    await show(root, page, await viewer());
    toast(said);
    root.querySelector("h2")?.focus();
  };
  const held = own?.eventReservations.nodes ?? [];
  const limits = [];
  const left = ticketsLeft(event, signal, (free) => {
    event.availability = free;
    for (const limit of limits) limit(free);
  });
  const back = el("a", { class: "back", href: lastAddress("/tickets"), "data-back": true }, icon("back"), "All events");
  const head = el(
    "div",
    { class: "page-head" },
    el("p", { class: "eyebrow" }, dayLong(event.startsAt), ", ", time(event.startsAt)),
    el("h1", { class: "long" }, event.name),
    el("p", { class: "lede" }, event.description),
  );
  const mine = held.map((each) => ownTickets(each, event, limits, again, signal));
  const isOver = Date.parse(event.startsAt) < now();
  const choice = isOver ? el("p", { class: "notice" }, "This event is over.") : reserving(event, { seen, left, hasSome: held.length > 0 }, limits, again, signal);
  mount(root, el("div", { class: "page medium" }, back, head, el("div", { class: "stack" }, mine, choice)));
}

function ownTickets(reservation, event, limits, again, signal) {
  const trouble = el("div", {});
  const held = count(reservation.tickets, "ticket");
  const save = el("button", { class: "button primary small", type: "button", hidden: true });
  const number = stepper({
    value: reservation.tickets, most: reservation.tickets + event.availability, noun: "ticket",
    onchange: (chosen) => {
      save.hidden = chosen === reservation.tickets;
      mount(save, `Change to ${count(chosen, "ticket")}`);
    },
  });
  limits.push((free) => number.limit(reservation.tickets + free));
  const act = (document, input, said) =>
    change(document, { input: { id: reservation.id, ...input } }).then(() => again(said)).catch((error) => signal.aborted || mount(trouble, problem(inWords(error))));
  save.addEventListener("click", () => busy(save, () => act(CHANGE, { tickets: number.value() }, `Changed to ${count(number.value(), "ticket")}.`)));
  const cancel = confirming("Give back", {
    question: () => [`Give ${held} back? They are free for others at once.`, `Yes, give ${held} back`],
    act: () => act(CANCEL, {}, "Given back. They are free for others."),
    signal,
  });
  const words = el("div", {}, el("span", { class: "badge good" }, "Yours"), el("h2", { tabindex: "-1" }, `You have ${held}`));
  return el("section", { class: "card form" }, el("div", { class: "seats" }, words, number.root), trouble, el("div", { class: "actions" }, save, cancel.button), cancel.panel);
}

function reserving(event, { seen, left, hasSome }, limits, again, signal) {
  const trouble = el("div", {});
  const button = el("button", { class: "button primary wide", type: "submit" });
  const account = seen ? null : accountFields({ onchange: () => queueMicrotask(draw) });
  const number = stepper({ value: 1, most: Math.max(1, event.availability), noun: "ticket", onchange: () => draw() });
  let entered = Boolean(seen);
  let refusedFor;
  // A sold-out event asks for no account.
  if (account) account.root.hidden = event.availability === 0;

  function draw() {
    if (account && event.availability) account.root.hidden = false;
    const words = `eserve ${count(number.value(), "ticket")}`;
    button.disabled = event.availability === 0;
    mount(button, button.disabled ? "Sold out" : entered ? `R${words}` : `${account.verb()} and r${words}`);
  }

  async function reserve() {
    mount(trouble);
    if (!entered) await account.enter({ quiet: true });
    entered = true;
    const tickets = number.value();
    await change(RESERVE, { input: { eventId: event.id, tickets } });
    await again(`${count(tickets, "ticket")} reserved. See you there.`);
  }

  function explain(error) {
    draw();
    if (entered) account?.root.remove();
    refusedFor = error.errors?.[0].seatsAvailable;
    if (!signal.aborted && (entered || !(error instanceof Refused))) mount(trouble, problem(inWords(error)));
  }

  limits.push((free) => {
    // A refusal that names another number is out of date.
    if (refusedFor !== undefined && refusedFor !== free) mount(trouble);
    number.limit(free);
    draw();
  });
  draw();
  const submit = (pressed) => {
    pressed.preventDefault();
    return busy(button, () => reserve().catch(explain));
  };
  const choice = el("div", { class: "seats" }, el("div", {}, el("h2", { tabindex: "-1" }, hasSome ? "More tickets" : "Tickets"), left), number.root);
  return el("form", { class: "card form", onsubmit: submit }, choice, account?.root, trouble, button);
}

function inWords(error) {
  if (error.code !== "SEATS_UNAVAILABLE") return wording(error);
  const left = error.errors[0].seatsAvailable;
  return left ? `Somebody was quicker: only ${count(left, "more ticket")} can be had.` : "Somebody was quicker: no more tickets are left.";
}
