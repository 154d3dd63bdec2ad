// Times, amounts and counts as people write them, in the cinema's timezone.

import { now } from "./api.js";

export const TIMEZONE = document.documentElement.dataset.timezone;
const LANGUAGE = "en-GB";

const made = (options) => new Intl.DateTimeFormat(LANGUAGE, { timeZone: TIMEZONE, ...options });
const DAY = { weekday: "short", day: "numeric", month: "short" };
const LONG_DAY = { weekday: "long", day: "numeric", month: "long" };
const YEAR = made({ year: "numeric" });
const TIME = made({ hour: "2-digit", minute: "2-digit" });
const PARTS = made({ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

function dated(options) {
  const [here, elsewhere] = [made(options), made({ ...options, year: "numeric" })];
  return (instant) => {
    const date = new Date(instant);
    const isThisYear = YEAR.format(date) === YEAR.format(now());
    return (isThisYear ? here : elsewhere).format(date).replace(",", "");
  };
}

/** Return a date such as "Sat 21 Nov", with its year where that is not the current one. */
export const day = dated(DAY);
export const dayLong = dated(LONG_DAY);
export const time = (instant) => TIME.format(new Date(instant));
export const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
export const money = (amount) => Number(amount).toLocaleString(LANGUAGE, { minimumFractionDigits: 2, maximumFractionDigits: 6 });

/** Return a duration such as "1 h 50". */
export function minutes(length) {
  const hours = Math.floor(length / 60);
  return hours ? `${hours} h ${String(length % 60).padStart(2, "0")}` : `${length} min`;
}

/** Return how long ago an instant is by the server's clock, such as "3 min ago". */
export function ago(instant) {
  const seconds = Math.max(0, Math.round((now() - new Date(instant)) / 1000));
  if (seconds < 60) return seconds < 10 ? "just now" : `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 86_400 ? `${Math.round(seconds / 3600)} h ago` : day(instant);
}

/** Return the cinema's calendar date of an instant: 2026-11-21. */
export function dateOf(instant) {
  const { year, month, day: date } = parts(instant);
  return `${year}-${month}-${date}`;
}

/** Return the first instant of a calendar date in the cinema's timezone, and the first one after it. */
export function boundsOf(date) {
  return [midnight(date), midnight(next(date))];
}

/** Return the calendar date after this one. */
export function next(date) {
  return new Date(Date.parse(`${date}T12:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

function midnight(date) {
  // Corrects a guess by the timezone's offset; twice, for the days on which the offset changes.
  let guess = Date.parse(`${date}T00:00:00Z`);
  for (let round = 0; round < 2; round += 1) guess += Date.parse(`${date}T00:00:00Z`) - onTheWall(guess);
  return new Date(guess);
}

function onTheWall(instant) {
  const { year, month, day: date, hour, minute, second } = parts(instant);
  return Date.parse(`${year}-${month}-${date}T${hour}:${minute}:${second}Z`);
}

function parts(instant) {
  return Object.fromEntries(PARTS.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]));
}
