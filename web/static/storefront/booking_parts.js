// Parts of the pages that show a booking: its film, the number of seats, and the countdown of its hold.

import { now } from "./api.js";
import { el, icon, mount } from "./dom.js";
import { day, time } from "./format.js";
import { poster } from "./poster.js";
import { announce } from "./states.js";

const ENDING = 15;

/** Return where and when a session is. */
export function when(session, place) {
  return el(
    "div",
    { class: "when" },
    el("span", {}, icon("clock"), el("strong", {}, day(session.startsAt), ", ", time(session.startsAt))),
    el("span", {}, icon("pin"), el("strong", {}, place.name)),
  );
}

/** Return the film of a booking with its place and time. */
export function heading(title, movie, session, place) {
  return el("div", { class: "booking-film" }, poster(movie, { eager: true }), el("div", {}, el("p", { class: "eyebrow" }, title), el("h1", {}, movie.title), when(session, place)));
}

/** Return a stepper for a number of seats or tickets: `root`, `value()`, and `limit(most)`, which lowers a number above it. */
export function stepper({ value, most, noun = "seat", onchange = () => {} }) {
  const shown = el("output", { "aria-live": "polite", "aria-label": `Number of ${noun}s` });
  const fewer = el("button", { type: "button", "aria-label": `One ${noun} fewer`, onclick: () => set(value - 1) }, icon("minus"));
  const further = el("button", { type: "button", "aria-label": `One ${noun} more`, onclick: () => set(value + 1) }, icon("plus"));
  const draw = () => {
    mount(shown, String(value));
    fewer.disabled = value <= 1;
    further.disabled = value >= most;
  };
  const set = (number) => {
    value = Math.max(1, Math.min(most, number));
    draw();
    onchange(value);
  };
  const limit = (number) => {
    most = Math.max(1, number);
    if (value > most) set(most);
    else draw();
  };
  draw();
  return { root: el("div", { class: "stepper", role: "group", "aria-label": `Number of ${noun}s` }, fewer, shown, further), value: () => value, limit };
}

/** Return the countdown of a hold, by the server's clock; `onend` is called once it is over. */
export function countdown(booking, { signal, onend }) {
  const [opened, closes] = [Date.parse(booking.createdAt), Date.parse(booking.closesAt)];
  const shown = el("time", {});
  const meter = el("span", { class: "meter", "aria-hidden": "true" }, el("span", {}));
  const root = el("div", { class: "hold", role: "timer", "aria-label": "Time left to confirm" }, el("div", { class: "hold-line" }, el("span", {}, "Your seats are held for"), shown), meter);
  let timer;
  const tick = () => {
    const left = Math.min(closes - opened, Math.max(0, closes - now()));
    const seconds = Math.ceil(left / 1000);
    mount(shown, `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`);
    meter.style.setProperty("--part", left / (closes - opened));
    root.classList.toggle("ending", seconds <= ENDING);
    if (seconds === ENDING) announce(`${ENDING} seconds left to confirm your seats.`);
    if (left > 0) timer = setTimeout(tick, (left % 1000) + 5);
    // A moment later, so that it has expired by the server's clock too.
    else timer = setTimeout(onend, 700);
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  tick();
  return root;
}
