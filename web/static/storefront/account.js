// The account form: a page of its own, in place of a page that needs an account, or a part of booking.

import { Refused } from "./api.js";
import { el, mount } from "./dom.js";
import { signIn, signUp } from "./session.js";
import { busy, problem } from "./states.js";
import { wording } from "./wording.js";

/** Return the fields of an account: `root`, `verb()` ("Create account" or "Sign in"), and `enter()`, which raises Refused. */
export function accountFields({ isNew = true, onchange = () => {} } = {}) {
  let fresh = isNew;
  const name = field("email", "E-mail", { type: "email", autocomplete: "username", inputmode: "email" });
  const password = field("password", "Password", { type: "password", minlength: 8, maxlength: 128 });
  const note = el("div", {});
  const choices = [choice("Create account", true), choice("Sign in", false)];

  function choice(words, value) {
    const input = el("input", { type: "radio", name: "account", checked: fresh === value, onchange: () => set(value) });
    return el("label", {}, input, el("span", {}, words));
  }

  function set(value) {
    fresh = value;
    choices[fresh ? 0 : 1].querySelector("input").checked = true;
    password.input.autocomplete = fresh ? "new-password" : "current-password";
    name.input.type = fresh ? "email" : "text";
    name.input.previousSibling.textContent = fresh ? "E-mail" : "E-mail or username";
    password.hint.textContent = fresh ? "8 characters or more." : "";
    mount(note);
    onchange();
  }

  async function enter({ quiet = false } = {}) {
    mount(note);
    for (const each of [name, password]) each.say("");
    try {
      return await (fresh ? signUp : signIn)(name.input.value.trim(), password.input.value, { quiet });
    } catch (error) {
      if (error instanceof Refused) explain(error);
      throw error;
    }
  }

  function explain(error) {
    if (error.code === "EMAIL_TAKEN") {
      set(false);
      mount(note, problem("You have an account with this address already: sign in with its password."));
      password.input.focus();
      return;
    }
    for (const fault of [...error.errors].reverse()) {
      const at = fault.path.includes("password") ? password : fault.path.includes("identity") ? name : null;
      if (at) at.say(wording(fault));
      else note.append(problem(wording(fault)));
    }
  }

  const group = el("fieldset", { class: "segments" }, el("legend", { class: "visually-hidden" }, "Account"), choices);
  const root = el("div", { class: "account-fields" }, group, note, name.root, password.root);
  set(fresh);
  return { root, enter, verb: () => (fresh ? "Create account" : "Sign in") };
}

/** Return a labelled input with a hint below it; `say` shows what is wrong with the input. */
export function field(id, label, attributes) {
  const hint = el("small", { id: `${id}-hint`, class: "hint" });
  const input = el("input", { id, name: id, required: true, "aria-describedby": hint.id, ...attributes });
  const wrong = el("small", { class: "wrong", role: "alert" });
  const say = (text) => {
    mount(wrong, text);
    input.toggleAttribute("aria-invalid", Boolean(text));
    if (text) input.focus();
  };
  return { root: el("div", { class: "field" }, el("label", { for: id }, label), input, hint, wrong), input, hint, say };
}

/** Return a form that signs in or creates an account. */
export function accountForm({ isNew = false } = {}) {
  const button = el("button", { class: "button primary wide", type: "submit" });
  const trouble = el("div", {});
  const fields = accountFields({ isNew, onchange: () => queueMicrotask(() => mount(button, fields.verb())) });
  const submit = (event) => {
    event.preventDefault();
    mount(trouble);
    return busy(button, () => fields.enter()).catch((error) => {
      if (!(error instanceof Refused)) mount(trouble, problem(wording(error)));
    });
  };
  return el("form", { class: "card form", onsubmit: submit }, fields.root, trouble, button);
}

/** Return the sign-in form in place of a page that needs an account; the page is drawn again after the sign-in. */
export function signInFirst(title, text = "It takes an e-mail address and a password.") {
  return el("div", { class: "page narrow" }, el("div", { class: "page-head" }, el("h1", {}, title), el("p", { class: "lede" }, text)), accountForm());
}
