// One booking: held with its countdown, confirmed as a ticket, cancelled or expired.

import { ask, change, gql, Refused } from "./api.js";
import { signInFirst } from "./account.js";
import { countdown, heading, stepper } from "./booking_parts.js";
import { el, icon, mount } from "./dom.js";
import { count, dayLong, time } from "./format.js";
import { viewer } from "./session.js";
import { busy, missing, problem, skeleton } from "./states.js";
import { wording } from "./wording.js";

const BOOKING = gql`
  query OneBooking($id: ID!) {
    booking(id: $id) {
      id status reservedSeats createdAt closesAt confirmedAt cancelledAt
      session { id startsAt seatsAvailable } movie { id title poster } place { id name address } reservations { seats }
    }
  }`;
const SEATS = gql`
  mutation ChangeSeats($input: ReserveSeatsInput!) {
    reserveSeats(input: $input) {
      booking { id status reservedSeats session { id startsAt seatsAvailable } reservations { seats } }
      errors { code message path ... on SeatsUnavailable { seatsAvailable } }
    }
  }`;
export const CONFIRM = gql`
  mutation ConfirmBooking($input: ConfirmBookingInput!) {
    confirmBooking(input: $input) { booking { id status reservedSeats confirmedAt } errors { code message path } }
  }`;
export const CANCEL = gql`
  mutation CancelBooking($input: CancelBookingInput!) {
    cancelBooking(input: $input) { booking { id status reservedSeats cancelledAt } errors { code message path } }
  }`;
const TITLES = { OPEN: "Almost yours", CONFIRMED: "Confirmed", CANCELLED: "Cancelled", EXPIRED: "Expired" };

export async function render(root, page) {
  page.title("Booking");
  mount(root, el("div", { class: "page medium" }, skeleton("rows", 3)));
  if (!(await viewer())) {
    mount(root, signInFirst("Your booking", "Sign in to see it: only its owner sees a booking."));
    return;
  }
  const booking = await find(page);
  if (booking) show(root, booking, page);
  else mount(root, missing("booking"));
}

async function find(page) {
  try {
    return (await ask(BOOKING, { id: page.params.id }, { signal: page.signal })).booking;
  } catch (error) {
    if (error.code === "INVALID_ID") return null;
    throw error;
  }
}

function show(root, booking, page, trouble = null) {
  page.title(`${TITLES[booking.status]}: ${booking.movie.title}`);
  const shown = new AbortController();
  const view = { ...page, signal: AbortSignal.any([page.signal, shown.signal]) };
  const again = async (news, text = null) => {
    if (view.signal.aborted) return;
    shown.abort();
    show(root, { ...booking, ...(news ?? (await find(page))) }, page, text && problem(text));
    if (booking.status === "OPEN" && !text) root.querySelector("h1")?.focus();
  };
  const parts = booking.status === "CONFIRMED" ? ticket(booking) : booking.status === "OPEN" ? held(booking, view, again) : over(booking);
  const back = el("a", { class: "back", href: "/my/bookings", "data-back": true }, icon("back"), "My bookings");
  mount(root, el("div", { class: "page medium" }, back, el("div", { class: "booking" }, trouble, parts)));
  const title = root.querySelector("h1");
  if (title) title.tabIndex = -1;
}

function held(booking, view, again) {
  const trouble = el("div", {});
  const head = heading(TITLES.OPEN, booking.movie, booking.session, booking.place);
  const most = booking.reservedSeats + booking.session.seatsAvailable;
  let timer;
  const seats = stepper({ value: Math.max(1, booking.reservedSeats), most, onchange: (number) => setSeats(number) });
  const confirm = el("button", { class: "button primary", type: "button" }, `Confirm ${count(booking.reservedSeats, "seat")}`);
  const cancel = el("button", { class: "button quiet danger", type: "button" }, "Cancel");
  let last = Promise.resolve();

  function setSeats(number) {
    clearTimeout(timer);
    confirm.disabled = true;
    timer = setTimeout(() => {
      last = last.then(() => reserve(number));
    }, 250);
  }

  async function reserve(number) {
    try {
      const payload = await change(SEATS, { input: { bookingId: booking.id, seats: number } }, { signal: view.signal });
      Object.assign(booking, payload.booking);
      mount(trouble);
    } catch (error) {
      if (view.signal.aborted) return;
      if (error.code === "BOOKING_EXPIRED") {
        await again(null);
        return;
      }
      const more = error instanceof Refused ? error.errors[0].seatsAvailable : undefined;
      if (more !== undefined) seats.limit(booking.reservedSeats + more);
      mount(trouble, problem(more === undefined ? wording(error) : `Not that many are left. You hold ${count(booking.reservedSeats, "seat")}.`));
    }
    mount(confirm, `Confirm ${count(booking.reservedSeats, "seat")}`);
    confirm.disabled = booking.reservedSeats === 0;
  }

  const finish = (button, document, input) =>
    busy(button, async () => {
      try {
        await again((await change(document, { input: { bookingId: booking.id, ...input } })).booking);
      } catch (error) {
        if (error instanceof Refused) await again(null, error.code === "BOOKING_EXPIRED" ? null : wording(error));
        else mount(trouble, problem(`${wording(error)} Your seats are still held: try again.`));
      }
    });
  confirm.disabled = booking.reservedSeats === 0;
  confirm.addEventListener("click", () => finish(confirm, CONFIRM, { seats: booking.reservedSeats }));
  cancel.addEventListener("click", () => finish(cancel, CANCEL, {}));
  view.signal.addEventListener("abort", () => clearTimeout(timer));
  const clock = countdown(booking, { signal: view.signal, onend: () => again(null).catch((error) => mount(trouble, problem(wording(error)))) });
  const choice = el("div", { class: "seats" }, el("h2", {}, "Seats"), seats.root);
  return [head, el("div", { class: "card form" }, clock, choice, trouble, el("div", { class: "actions" }, confirm, cancel))];
}

function ticket(booking) {
  const facts = [["Day", dayLong(booking.session.startsAt)], ["Time", time(booking.session.startsAt)], ["Cinema", booking.place.name], ["Seats", String(booking.reservedSeats)]];
  return [
    el("div", {}, el("h1", {}, "See you there"), el("p", { class: "lede" }, `${count(booking.reservedSeats, "seat")} for ${booking.movie.title}, yours for good.`)),
    el(
      "section",
      { class: "ticket", "aria-label": "Ticket" },
      el("p", { class: "eyebrow" }, "Admit ", String(booking.reservedSeats)),
      el("h2", {}, booking.movie.title),
      el("dl", {}, facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
      el("p", { class: "ticket-stub" }, el("span", {}, booking.place.address), el("span", {}, `No. ${booking.id.slice(-6)}`)),
    ),
    el("div", { class: "actions" }, el("a", { class: "button", href: "/" }, "More films"), el("a", { class: "button quiet", href: "/my/bookings" }, "My bookings")),
  ];
}

function over(booking) {
  const text = booking.status === "EXPIRED"
    ? "It was not confirmed in time, so the seats are free for others again. Nothing was booked."
    : "You gave these seats back. They are free for others.";
  return [
    heading(TITLES[booking.status], booking.movie, booking.session, booking.place),
    el("div", { class: "card outcome", role: "status" }, el("h2", {}, booking.status === "EXPIRED" ? "Your hold has expired" : "This booking is cancelled"), el("p", { class: "muted" }, text), el("a", { class: "button primary", href: `/book/${booking.session.id}` }, "Book again")),
  ];
}
