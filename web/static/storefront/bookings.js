// The visitor's bookings, newest first; open ones can be confirmed or cancelled here.

import "./more_style.js";
import { ask, change, Failed, gql, Refused } from "./api.js";
import { signInFirst } from "./account.js";
import { CANCEL, CONFIRM } from "./booking.js";
import { countdown, when } from "./booking_parts.js";
import { el, mount } from "./dom.js";
import { count } from "./format.js";
import { listIn } from "./lists.js";
import { poster } from "./poster.js";
import { viewer } from "./session.js";
import { busy, empty, problem, skeleton, toast } from "./states.js";
import { wording } from "./wording.js";

const BOOKINGS = gql`
  query MyBookings($after: String) {
    viewer {
      bookings(filter: {withSeats: true}, first: 20, after: $after) {
        nodes {
          id status reservedSeats createdAt closesAt confirmedAt cancelledAt
          session { id startsAt seatsAvailable } movie { id title poster } place { id name address } reservations { seats }
        }
        pageInfo { hasNextPage endCursor }
      }
    }
  }`;
const ONE = gql`query BookingNow($id: ID!) { booking(id: $id) { id status reservedSeats confirmedAt cancelledAt } }`;
const BADGES = { OPEN: ["gold", "Held"], CONFIRMED: ["good", "Confirmed"], CANCELLED: ["", "Cancelled"], EXPIRED: ["bad", "Expired"] };

export async function render(root, page) {
  page.title("My bookings");
  mount(root, layout(skeleton("rows", 4)));
  if (!(await viewer())) {
    mount(root, signInFirst("My bookings", "Sign in to see what you have booked."));
    return;
  }
  const place = el("div", {});
  const show = listIn(place, {
    left: page.signal,
    onward: "Earlier bookings",
    row,
    none: () => empty("No bookings yet", "Choose a film, a session and your seats: it takes less than a minute.", el("a", { class: "button primary", href: "/" }, "See what is on")),
    load: async (after, signal) => {
      const { viewer: seen } = await ask(BOOKINGS, { after }, { signal });
      if (!seen) throw new Failed("UNAUTHENTICATED", "You are not signed in any more.");
      return seen.bookings;
    },
  });
  await show();
  mount(root, layout(place));
}

function layout(...parts) {
  return el("div", { class: "page medium" }, el("div", { class: "page-head" }, el("h1", {}, "My bookings")), parts);
}

function row(booking, left) {
  const item = el("div", {});
  draw(item, booking, left);
  return item;
}

function draw(item, booking, left) {
  const shown = new AbortController();
  const signal = AbortSignal.any([left, shown.signal]);
  const again = (news) => {
    shown.abort();
    draw(item, { ...booking, ...news }, left);
  };
  const isOver = booking.status === "CANCELLED" || booking.status === "EXPIRED";
  const [kind, words] = BADGES[booking.status];
  const seats = booking.reservedSeats || (booking.reservations.findLast(({ seats: held }) => held)?.seats ?? 0);
  const title = el("h2", {}, el("a", { href: `/booking/${booking.id}` }, booking.movie.title));
  mount(
    item,
    el(
      "article",
      { class: `card booking-row${isOver ? " over" : ""}` },
      poster(booking.movie),
      el("div", { class: "words" }, el("span", { class: `badge ${kind}` }, words), title, when(booking.session, booking.place), el("p", { class: "muted" }, count(seats, "seat")), booking.status === "OPEN" && open(booking, signal, again)),
    ),
  );
}

function open(booking, signal, again) {
  const trouble = el("div", {});
  const look = async () => again((await ask(ONE, { id: booking.id }, { signal })).booking);
  const say = (error) => signal.aborted || mount(trouble, problem(wording(error)));
  const act = (button, document, input, done) => () =>
    busy(button, async () => {
      try {
        const payload = await change(document, { input: { bookingId: booking.id, ...input } });
        toast(done);
        again(payload.booking);
      } catch (error) {
        if (!(error instanceof Refused)) return say(error);
        toast(wording(error));
        await look().catch(say);
      }
    });
  const confirm = el("button", { class: "button primary small", type: "button", disabled: booking.reservedSeats === 0 }, `Confirm ${count(booking.reservedSeats, "seat")}`);
  const cancel = el("button", { class: "button quiet danger small", type: "button" }, "Cancel");
  confirm.addEventListener("click", act(confirm, CONFIRM, { seats: booking.reservedSeats }, "Confirmed. See you there."));
  cancel.addEventListener("click", act(cancel, CANCEL, {}, "Cancelled. The seats are free again."));
  return [countdown(booking, { signal, onend: () => look().catch(say) }), trouble, el("div", { class: "actions" }, confirm, cancel)];
}
