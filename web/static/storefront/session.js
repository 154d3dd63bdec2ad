// Who is signed in. The token itself is in a cookie that no script can read; the server sets it when it is asked to.

import { ask, change, Failed, gql, network } from "./api.js";
import { toast } from "./states.js";

const VIEWER = gql`query Viewer { viewer { id email username isStaff } }`;
const SIGN_IN = gql`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) { user { id email username isStaff } errors { code message path } }
  }`;
const SIGN_UP = gql`
  mutation SignUp($input: SignUpInput!) {
    signUp(input: $input) { user { id email username isStaff } errors { code message path } }
  }`;
// In place of an idempotency key: an answer that sets a cookie must not come from memory.
const KEEP = { "Matinee-Session": "keep" };

/** Tells that somebody signed in or out ("change"). */
export const session = new EventTarget();

let asked;

/** Return who is signed in, null for nobody. */
export function viewer() {
  asked ??= ask(VIEWER)
    .then((data) => data.viewer)
    .catch(async (error) => {
      asked = undefined;
      if (!(error instanceof Failed) || error.code !== "UNAUTHENTICATED") throw error;
      // The account of the cookie is gone, and so should the cookie be.
      await forget();
      return null;
    });
  return asked;
}

/** Ask anew who is signed in, for the server has said that nobody is; return whether it is so. */
export async function isOver({ quiet = true } = {}) {
  asked = undefined;
  if (await viewer()) return false;
  session.dispatchEvent(new CustomEvent("change", { detail: { quiet } }));
  return true;
}

// What was being done goes on from the same page, once its visitor is signed in again.
network.addEventListener("unauthenticated", async () => {
  if (await isOver({ quiet: false }).catch(() => false)) toast("You are not signed in any more. Sign in to go on.");
});

/** Sign in with an e-mail address or a username; raise Refused. */
export function signIn(name, password, options) {
  return enter(SIGN_IN, name.includes("@") ? { email: name } : { username: name }, password, options);
}

/** Make an account of an e-mail address and sign it in; raise Refused. */
export function signUp(email, password, options) {
  return enter(SIGN_UP, { email }, password, options);
}

async function enter(document, identity, password, { quiet = false } = {}) {
  const { user } = await change(document, { input: { identity, password } }, { headers: KEEP });
  asked = Promise.resolve(user);
  session.dispatchEvent(new CustomEvent("change", { detail: { quiet } }));
  return user;
}

/** Sign out here. */
export async function signOut() {
  await forget();
  asked = Promise.resolve(null);
  session.dispatchEvent(new CustomEvent("change", { detail: { quiet: false } }));
}

async function forget() {
  await fetch("/session", { method: "DELETE" });
}
