// The stars by which a signed-in visitor rates a film.

import "./more_style.js";
import { change, gql } from "./api.js";
import { el, icon, mount } from "./dom.js";
import { count } from "./format.js";
import { problem, toast } from "./states.js";
import { wording } from "./wording.js";

const RATE = gql`
  mutation RateFilm($input: RateMovieInput!) {
    rateMovie(input: $input) { movie { rating ratingCount } errors { code message path } }
  }`;

/** Return five stars to choose from; `onrated` is called with the film's new rating. */
export function rate(movie, onrated) {
  const note = el("span", { class: "muted", role: "status" }, movie.viewerRating ? "Your rating" : "Rate this film");
  let timer;
  const give = (value) => {
    clearTimeout(timer);
    // The arrow keys pass the stars between; only the last one counts.
    timer = setTimeout(() => send(movie, value, onrated, note), 350);
  };
  const choices = [1, 2, 3, 4, 5].map((value) => {
    const checked = Math.round(movie.viewerRating?.value ?? 0) === value;
    const input = el("input", { type: "radio", name: "stars", value, checked, onchange: () => give(value), "aria-label": count(value, "star") });
    return el("label", {}, input, icon("star"));
  });
  return el("fieldset", { class: "stars" }, el("legend", { class: "visually-hidden" }, "Your rating"), el("div", { class: "stars-row" }, choices), note);
}

async function send(movie, value, onrated, note) {
  try {
    const payload = await change(RATE, { input: { movieId: movie.id, value } });
    onrated(payload.movie);
    mount(note, `You gave it ${count(value, "star")}`);
    toast("Thank you for rating.");
  } catch (error) {
    mount(note, problem(wording(error)));
  }
}
