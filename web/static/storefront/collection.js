// One collection: its films, and the third-party catalogue to add films from.

import "./more_style.js";
import { ask, change, gql } from "./api.js";
import { field, signInFirst } from "./account.js";
import { confirming } from "./confirming.js";
import { each, el, icon, mount } from "./dom.js";
import { count } from "./format.js";
import { placeholders, renewed, searchField } from "./lists.js";
import { go, lastAddress } from "./router.js";
import { matcher } from "./search.js";
import { viewer } from "./session.js";
import { busy, empty, failure, missing, problem, skeleton, toast } from "./states.js";
import { wording } from "./wording.js";

const COLLECTION = gql`
  query OneCollection($id: ID!) {
    node(id: $id) { id ... on Collection { title description movies { uuid title description genres } } }
  }`;
const UPDATE = gql`
  mutation UpdateCollection($input: UpdateCollectionInput!) {
    updateCollection(input: $input) { collection { id } errors { code message path } }
  }`;
const DELETE = gql`
  mutation DeleteCollection($input: DeleteInput!) {
    deleteCollection(input: $input) { deletedId errors { code message path } }
  }`;
const CATALOGUE = gql`
  query Catalogue($after: String) {
    catalogue(first: 30, after: $after) {
      nodes { uuid title description genres }
      pageInfo { hasNextPage endCursor }
      totalCount
    }
  }`;
const SHOWN = 30;
export const NAMING = "A collection needs a name of at most 200 characters.";

export async function render(root, page) {
  page.title("Collection");
  mount(root, el("div", { class: "page medium" }, skeleton("rows", 4)));
  if (!(await viewer())) {
    mount(root, signInFirst("Your collection", "Sign in to see it: only its owner sees a collection."));
    return;
  }
  const found = await find(page);
  if (!found?.movies) {
    mount(root, missing("collection"));
    return;
  }
  page.title(found.title);
  const films = inside(found);
  const back = el("a", { class: "back", href: lastAddress("/my/collections"), "data-back": true }, icon("back"), "My collections");
  mount(root, el("div", { class: "page medium" }, back, heading(found, page), films.root, filling(films, page.signal)));
}

async function find(page) {
  try {
    return (await ask(COLLECTION, { id: page.params.id }, { signal: page.signal })).node;
  } catch (error) {
    if (error.code === "INVALID_ID") return null;
    throw error;
  }
}

function heading(found, page) {
  const title = el("h1", { class: "long" }, found.title);
  const words = el("p", { class: "lede" }, found.description);
  const trouble = el("div", {});
  const name = field("title", "Name", { maxlength: 200, value: found.title, autocomplete: "off" });
  const about = field("description", "What it is about", { maxlength: 5000, value: found.description, required: false, autocomplete: "off" });
  const save = el("button", { class: "button primary small", type: "submit" }, "Save");
  const rename = async () => {
    const input = { id: found.id, title: name.input.value.trim(), description: about.input.value.trim() };
    await change(UPDATE, { input });
    mount(title, input.title);
    mount(words, input.description);
    page.title(input.title);
    details.open = false;
    toast("Saved.");
  };
  const act = (work) => work().then(() => mount(trouble)).catch((error) => mount(trouble, problem(error.code === "INVALID_INPUT" ? NAMING : wording(error))));
  const remove = confirming("Delete collection", {
    question: () => [`Delete “${title.textContent}” and the list of its films?`, "Yes, delete it"],
    act: () => act(() => change(DELETE, { input: { id: found.id } }).then(() => go("/my/collections", { replace: true }))),
    signal: page.signal,
  });
  const submit = (event) => {
    event.preventDefault();
    return busy(save, () => act(rename));
  };
  const form = el("form", { class: "form", onsubmit: submit }, name.root, about.root, trouble, el("div", { class: "actions" }, save, remove.button), remove.panel);
  const details = el("details", { class: "card" }, el("summary", {}, "Rename or delete"), form);
  return el("div", { class: "page-head stack" }, title, words, details);
}

/** Return the films of a collection: `root`, `has(uuid)`, `toggle(movie)`, and `follow(next)`, which is called after each change. */
function inside({ id, movies }) {
  const list = el("ul", { class: "row-list" });
  const said = el("p", { class: "muted", role: "status" });
  const followers = [];
  let last = Promise.resolve();

  function draw() {
    mount(said, count(movies.length, "film"));
    mount(list, movies.length ? each(movies, row) : el("li", { class: "notice" }, "Nothing in it yet. Add films from the catalogue below."));
    for (const next of followers) next();
  }

  function row(movie) {
    const button = el("button", { class: "button quiet small", type: "button", "aria-label": `Remove ${movie.title}` }, icon("close"));
    button.addEventListener("click", () => busy(button, () => toggle(movie)).then(() => said.focus(), (error) => toast(wording(error))));
    return el("li", { class: "card collected" }, filmWords(movie), button);
  }

  const has = (uuid) => movies.some((movie) => movie.uuid === uuid);

  // One at a time: each mutation sends the whole list.
  function toggle(movie) {
    const work = async () => {
      const changed = has(movie.uuid) ? movies.filter(({ uuid }) => uuid !== movie.uuid) : [...movies, movie];
      await change(UPDATE, { input: { id, movies: changed } });
      movies = changed;
      draw();
    };
    last = last.catch(() => {}).then(work);
    return last;
  }

  said.tabIndex = -1;
  draw();
  const words = el("h2", { id: "films", class: "visually-hidden" }, "Films in it");
  return { root: el("section", { class: "stack", "aria-labelledby": "films" }, words, said, list), has, toggle, follow: (next) => followers.push(next) };
}

function filmWords({ title, description, genres }) {
  return el("div", {}, el("h3", {}, title), el("p", { class: "free" }, genres.join(" · ")), description && el("p", { class: "muted clip" }, description));
}

/** Return the catalogue to add films from. It has no search of its own: a search loads it page by page until enough is found. */
function filling(films, signal) {
  const [loaded, list] = [[], el("ul", { class: "row-list" })];
  const said = el("p", { class: "muted", role: "status" });
  let foot = el("div", { class: "onward" });
  let [wanted, shown, after, isAll, loading] = [null, SHOWN, null, false, null];
  const fits = ({ title, genres }) => !wanted || wanted(`${title} ${genres.join(" ")}`);

  async function load() {
    const { catalogue } = await ask(CATALOGUE, { after }, { signal });
    const known = new Set(loaded.map(({ uuid }) => uuid));
    loaded.push(...catalogue.nodes.filter(({ uuid }) => !known.has(uuid)));
    [after, isAll] = [catalogue.pageInfo.endCursor, !catalogue.pageInfo.hasNextPage];
    mount(said, `${loaded.length} of ${count(catalogue.totalCount, "film")} searched`);
  }

  async function fill() {
    while (!isAll && loaded.filter(fits).length < shown) {
      await load();
      if (!wanted) continue;
      drawList();
      foot = renewed(foot, placeholders());
    }
  }

  function more() {
    if (loading) return loading;
    foot = renewed(foot, placeholders());
    loading = fill().then(() => null, (error) => error).then((error) => {
      loading = null;
      if (!error) draw();
      else if (!signal.aborted) foot = renewed(foot, failure(error, more));
    });
    return loading;
  }

  function drawList() {
    const found = loaded.filter(fits);
    mount(list, each(found.slice(0, shown), row));
    return found;
  }

  function draw() {
    const found = drawList();
    if (loading) return;
    const further = async () => {
      const before = shown;
      shown += SHOWN;
      await more();
      list.children[before]?.querySelector("button").focus();
    };
    const button = el("button", { class: "button", type: "button", onclick: further }, "More films");
    if (isAll && !found.length) foot = renewed(foot, empty("Not in the catalogue", "Check the spelling, or try fewer letters or a genre."));
    else foot = renewed(foot, (found.length > shown || !isAll) && button);
  }

  function row(movie) {
    const inIt = films.has(movie.uuid);
    const words = inIt ? [icon("check"), "Added"] : [icon("plus"), "Add"];
    const button = el("button", { class: `button small${inIt ? " in-it" : ""}`, type: "button", "aria-pressed": String(inIt), "aria-label": `Add ${movie.title}`, dataset: { uuid: movie.uuid } }, words);
    button.addEventListener("click", () => busy(button, () => films.toggle(movie)).then(() => list.querySelector(`[data-uuid="${movie.uuid}"]`)?.focus(), (error) => toast(wording(error))));
    return el("li", { class: "card collected" }, filmWords(movie), button);
  }

  const search = (text) => {
    [wanted, shown] = [text && matcher(text), SHOWN];
    draw();
    return more();
  };
  films.follow(draw);
  more();
  const bar = el("div", { class: "controls" }, searchField("Search the catalogue", "", search, signal), said);
  return el("section", { class: "catalogue", "aria-labelledby": "catalogue" }, el("h2", { id: "catalogue" }, "From the catalogue"), bar, list, foot);
}
