// The visitor's collections of films, a form for a new one, and the genres that they like best.

import "./more_style.js";
import { ask, change, gql, Refused } from "./api.js";
import { field, signInFirst } from "./account.js";
import { NAMING } from "./collection.js";
import { el, mount } from "./dom.js";
import { ago, count } from "./format.js";
import { listIn } from "./lists.js";
import { go } from "./router.js";
import { viewer } from "./session.js";
import { busy, empty, problem, skeleton } from "./states.js";
import { wording } from "./wording.js";

const COLLECTIONS = gql`
  query MyCollections($after: String) {
    viewer {
      favouriteGenres
      collections(first: 20, after: $after) {
        nodes { id title description updatedAt movies { title } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }`;
const CREATE = gql`
  mutation CreateCollection($input: CreateCollectionInput!) {
    createCollection(input: $input) { collection { id } errors { code message path } }
  }`;

export async function render(root, page) {
  page.title("My collections");
  const liked = el("div", { class: "liked" });
  const head = el("div", { class: "page-head" }, el("h1", {}, "My collections"), liked);
  mount(root, el("div", { class: "page medium" }, head, skeleton("rows", 3)));
  if (!(await viewer())) {
    mount(root, signInFirst("My collections", "Sign in to collect films, and to see which genres you like best."));
    return;
  }
  const place = el("div", {});
  const show = listIn(place, {
    left: page.signal,
    onward: "Earlier collections",
    row,
    none: () => empty("No collections yet", "Give one a name, then fill it from the catalogue."),
    load: async (after, signal) => {
      const { viewer: seen } = await ask(COLLECTIONS, { after }, { signal });
      mount(liked, favourites(seen.favouriteGenres));
      return seen.collections;
    },
  });
  await show();
  mount(root, el("div", { class: "page medium" }, head, el("div", { class: "stack" }, form(), place)));
}

function favourites(genres) {
  if (!genres.length) return el("p", { class: "lede" }, "Films that belong together. The genres that you like best will be listed here.");
  return [el("p", { class: "muted" }, "You like best"), el("ol", { class: "chips" }, genres.map((genre) => el("li", { class: "badge gold" }, genre)))];
}

function form() {
  const title = field("title", "A new collection", { maxlength: 200, placeholder: "Rainy Sundays", autocomplete: "off" });
  const button = el("button", { class: "button primary", type: "submit" }, "Create");
  const trouble = el("div", {});
  const create = async () => {
    try {
      mount(trouble);
      title.say("");
      const { collection } = await change(CREATE, { input: { title: title.input.value.trim() } });
      await go(`/my/collections/${collection.id}`);
    } catch (error) {
      if (error instanceof Refused) title.say(NAMING);
      else mount(trouble, problem(wording(error)));
    }
  };
  const submit = (event) => {
    event.preventDefault();
    return busy(button, create);
  };
  return el("form", { class: "card form", onsubmit: submit }, el("div", { class: "beside" }, title.root, button), trouble);
}

function row({ id, title, description, updatedAt, movies }) {
  const named = movies.slice(0, 3).map((movie) => movie.title).join(", ");
  const further = movies.length > 3 ? ` and ${movies.length - 3} more` : "";
  return el(
    "article",
    { class: "card" },
    el("h2", {}, el("a", { href: `/my/collections/${id}` }, title)),
    description && el("p", {}, description),
    el("p", { class: "muted" }, movies.length ? named + further : "Nothing in it yet"),
    el("p", { class: "free" }, count(movies.length, "film"), " · changed ", ago(updatedAt)),
  );
}
