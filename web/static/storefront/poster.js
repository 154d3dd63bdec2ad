// Posters and ratings of films.

import { el, icon, local } from "./dom.js";

/** Return a film's poster; where the image does not load, a card with the title. */
export function poster(movie, { eager = false, alt = "" } = {}) {
  const image = el("img", { src: here(movie.poster), alt, width: 400, height: 600, decoding: "async", loading: eager ? "eager" : "lazy" });
  const frame = el("span", { class: "poster" }, image);
  image.addEventListener("error", () => frame.replaceChildren(el("span", { class: "poster-title" }, movie.title)), { once: true });
  return frame;
}

/** Return the path of a poster of this server, by whatever name the browser knows the server; other addresses as they are. */
function here(address) {
  // Films from before addresses were checked may have one that is none.
  const found = URL.canParse(address, location.href) ? new URL(address, location.href).pathname : "";
  return local(found).startsWith("/posters/") ? found : address;
}

/** Return the mean of all ratings. */
export function stars(movie) {
  if (movie.rating === null) return el("span", { class: "rating muted" }, "Not rated yet");
  const spoken = `Rated ${movie.rating.toFixed(1)} of 5 by ${movie.ratingCount}`;
  return el("span", { class: "rating" }, icon("star"), el("span", { "aria-hidden": "true" }, movie.rating.toFixed(1)), el("span", { class: "visually-hidden" }, spoken));
}
