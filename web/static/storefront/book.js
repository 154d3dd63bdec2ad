// Chooses and holds seats of one session; a new visitor creates an account in the same step.

import { ask, change, gql, Refused } from "./api.js";
import { accountFields } from "./account.js";
import { heading, stepper } from "./booking_parts.js";
import { el, icon, mount } from "./dom.js";
import { count, dateOf } from "./format.js";
import { go, lastAddress } from "./router.js";
import { viewer } from "./session.js";
import { followSeats, freeSeats } from "./showings.js";
import { busy, missing, problem, skeleton } from "./states.js";
import { wording } from "./wording.js";

const SESSION = gql`
  query SessionToBook($id: ID!) {
    session(id: $id) { id startsAt capacity seatsAvailable movie { id title poster } place { id name address } }
  }`;
const OPEN = gql`
  mutation OpenBooking($input: OpenBookingInput!) {
    openBooking(input: $input) { booking { id } errors { code message path } }
  }`;
const HOLD = gql`
  mutation HoldSeats($input: ReserveSeatsInput!) {
    reserveSeats(input: $input) {
      booking { id reservedSeats }
      errors { code message path ... on SeatsUnavailable { seatsAvailable } }
    }
  }`;
const USUAL = 2;

export async function render(root, page) {
  page.title("Choose seats");
  mount(root, el("div", { class: "page" }, skeleton("rows", 3)));
  const [session, seen] = await Promise.all([find(page), viewer()]);
  if (!session) {
    mount(root, missing("session"));
    return;
  }
  page.title(`Seats for ${session.movie.title}`);
  const head = heading("Choose seats", session.movie, session, session.place);
  const film = `/film/${session.movie.id}`;
  const sessions = lastAddress(film, `${film}?day=${dateOf(session.startsAt)}`);
  const back = el("a", { class: "back", href: sessions, "data-back": true }, icon("back"), "All sessions");
  mount(root, el("div", { class: "page" }, back, el("div", { class: "booking two" }, head, form(session, seen, page))));
}

async function find(page) {
  try {
    return (await ask(SESSION, { id: page.params.id }, { signal: page.signal })).session;
  } catch (error) {
    if (error.code === "INVALID_ID") return null;
    throw error;
  }
}

function form(session, seen, page) {
  let free = session.seatsAvailable;
  let opened = null;
  const words = el("p", { class: "free", role: "status" });
  const button = el("button", { class: "button primary wide", type: "submit" });
  const trouble = el("div", {});
  const note = el("p", { class: "muted" });
  const account = seen ? null : accountFields({ onchange: () => queueMicrotask(draw) });
  const seats = stepper({ value: Math.min(USUAL, Math.max(1, free)), most: Math.max(1, free), onchange: () => draw() });
  let entered = Boolean(seen);

  // A sold-out session asks for no account.
  if (account) account.root.hidden = free === 0;

  function draw() {
    if (account && free) account.root.hidden = false;
    mount(words, freeSeats(free));
    mount(note, free === 0 ? "Seats that somebody gives back are shown here at once." : "Held for you while you decide. Nothing is paid here.");
    const hold = `old ${count(seats.value(), "seat")}`;
    mount(button, free === 0 ? "Sold out" : entered ? `H${hold}` : `${account.verb()} and h${hold}`);
    button.disabled = free === 0;
  }

  function left(number) {
    // The message before is out of date; say that fewer seats are left than were chosen.
    if (number !== free) mount(trouble, number > 0 && number < seats.value() && problem(unavailable(number)));
    free = number;
    seats.limit(free);
    draw();
  }

  async function hold() {
    mount(trouble);
    if (!entered) await account.enter({ quiet: true });
    entered = true;
    opened ??= (await change(OPEN, { input: { sessionId: session.id } })).booking.id;
    const { booking } = await change(HOLD, { input: { bookingId: opened, seats: seats.value() } });
    await go(`/booking/${booking.id}`, { replace: true });
  }

  function explain(error) {
    draw();
    if (entered) account?.root.remove();
    if (page.signal.aborted || (!entered && error instanceof Refused)) return;
    const taken = error.code === "SEATS_UNAVAILABLE" ? error.errors[0].seatsAvailable : null;
    if (error.code === "BOOKING_EXPIRED") opened = null;
    if (taken !== null) left(taken);
    mount(trouble, problem(taken === null ? wording(error) : unavailable(taken)));
  }

  followSeats(session.id, left, page.signal);
  draw();
  const submit = (event) => {
    event.preventDefault();
    return busy(button, () => hold().catch(explain));
  };
  const choice = el("div", { class: "seats" }, el("div", {}, el("h2", {}, "How many?"), words), seats.root);
  return el("form", { class: "card form", onsubmit: submit }, choice, account?.root, trouble, button, note);
}

function unavailable(left) {
  if (left === 0) return "The last seats went just now. This session is sold out.";
  return `Somebody was quicker: only ${count(left, "seat")} left. Hold ${left === 1 ? "it" : "them"} instead?`;
}
