// Posters and ratings, as they look wherever a film is shown.

import { el, icon } from "./dom.js";

/** Return a film's poster at its own proportions; one that does not come is a plain card with the title on it. */
export function poster(movie, { eager = false, alt = "" } = {}) {
  const image = el("img", { src: here(movie.poster), alt, width: 400, height: 600, decoding: "async", loading: eager ? "eager" : "lazy" });
  const frame = el("span", { class: "poster" }, image);
  image.addEventListener("error", () => frame.replaceChildren(el("span", { class: "poster-title" }, movie.title)), { once: true });
  return frame;
}

/** Return the path of a poster that this server draws, by whatever name the browser knows the server. */
function here(address) {
  const { pathname } = new URL(address, location.href);
  return pathname.startsWith("/posters/") ? pathname : address;
}

/** Return the mean of all ratings. */
export function stars(movie) {
  if (movie.rating === null) return el("span", { class: "rating muted" }, "Not rated yet");
  const spoken = `Rated ${movie.rating.toFixed(1)} of 5 by ${movie.ratingCount}`;
  return el("span", { class: "rating" }, icon("star"), el("span", { "aria-hidden": "true" }, movie.rating.toFixed(1)), el("span", { class: "visually-hidden" }, spoken));
}
