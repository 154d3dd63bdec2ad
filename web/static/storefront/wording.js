// What customers read where the server refuses or fails. The server's own messages are for programs: they name fields and headers.

import { Offline } from "./api.js";

const WORDS = {
  BOOKING_CANCELLED: "This booking was cancelled. Book again to have seats.",
  BOOKING_CONFIRMED: "This booking is confirmed already and cannot be changed any more.",
  BOOKING_EXPIRED: "The time to confirm is over. The seats are free for others again.",
  EMAIL_TAKEN: "There is an account with this address already. Sign in with its password.",
  INVALID_CREDENTIALS: "There is no account with this name and password.",
  INVALID_EMAIL: "That is not an e-mail address. Write it like ada@example.org.",
  NO_SEATS_RESERVED: "Choose at least one seat before you confirm.",
  RESERVATION_CANCELLED: "These tickets were given back already.",
  SEATS_CHANGED: "The number of seats was changed elsewhere. Confirm it once more if it is right.",
  SEATS_UNAVAILABLE: "Not that many are left.",
  EVENT_OVER: "This event is over.",
  SESSION_STARTED: "This session has started already. Choose a later one.",
  UNAUTHENTICATED: "You are not signed in any more.",
  UNAVAILABLE: "The cinema is busy at the moment. Try again in a few seconds.",
  UPSTREAM_UNAVAILABLE: "A partner's service does not answer at the moment. Your collection is safe.",
  WEAK_PASSWORD: "A password has 8 to 128 characters.",
};
const OTHERWISE = "That did not work. Try again in a moment.";

/** Return what customers read of an error, whatever it is. */
export function wording(error) {
  if (error instanceof Offline) return "The cinema cannot be reached.";
  if (error.code === "RATE_LIMITED") return `Too many people at the till. Try again in ${error.retryAfter || 10} seconds.`;
  if (error.code?.endsWith("_NOT_FOUND")) return "That is not there any more.";
  return WORDS[error.code] ?? OTHERWISE;
}
