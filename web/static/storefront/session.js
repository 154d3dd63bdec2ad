// Who is signed in. The token is in a cookie that no script can read; the server sets it on request.

import { ask, change, Failed, gql, network } from "./api.js";
import { base } from "./dom.js";
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
const SIGN_OUT_EVERYWHERE = gql`
  mutation SignOutEverywhere {
    signOutEverywhere { errors { code message path } }
  }`;
// Instead of an idempotency key: an answer that sets a cookie must not be a replayed one.
const KEEP = { "Matinee-Session": "keep" };
const USERNAME = /^[\p{L}\p{N}@.+_-]{1,150}$/u;
const NO_SUCH_ADDRESS = new Set(["INVALID_CREDENTIALS", "INVALID_EMAIL"]);

/** Fires "change" when somebody signs in or out. */
export const session = new EventTarget();

let asked;

/** Return who is signed in, null for nobody. */
export function viewer() {
  asked ??= ask(VIEWER)
    .then((data) => data.viewer)
    .catch(async (error) => {
      asked = undefined;
      if (!(error instanceof Failed) || error.code !== "UNAUTHENTICATED") throw error;
      // The account of the cookie was deleted: delete the cookie too.
      await forget();
      return null;
    });
  return asked;
}

/** Ask the server again who is signed in; return whether nobody is any more. */
export async function isOver({ quiet = true } = {}) {
  asked = undefined;
  if (await viewer()) return false;
  session.dispatchEvent(new CustomEvent("change", { detail: { quiet } }));
  return true;
}

// The same page asks for the sign-in, so that the visitor can go on there.
network.addEventListener("unauthenticated", async () => {
  if (await isOver({ quiet: false }).catch(() => false)) toast("You are not signed in any more. Sign in to go on.");
});

/** Sign in with an e-mail address or a username; raise Refused. A name with an @ can be either: the address is tried first. */
export async function signIn(name, password, options) {
  if (!name.includes("@")) return enter(SIGN_IN, { username: name }, password, options);
  try {
    return await enter(SIGN_IN, { email: name }, password, options);
  } catch (error) {
    if (!NO_SUCH_ADDRESS.has(error.code) || !USERNAME.test(name)) throw error;
    return await enter(SIGN_IN, { username: name }, password, options);
  }
}

/** Create an account with an e-mail address and sign it in; raise Refused. */
export function signUp(email, password, options) {
  return enter(SIGN_UP, { email }, password, options);
}

async function enter(document, identity, password, { quiet = false } = {}) {
  const { user } = await change(document, { input: { identity, password } }, { headers: KEEP });
  asked = Promise.resolve(user);
  session.dispatchEvent(new CustomEvent("change", { detail: { quiet } }));
  return user;
}

/** Sign out in this browser. */
export async function signOut() {
  await forget();
  asked = Promise.resolve(null);
  session.dispatchEvent(new CustomEvent("change", { detail: { quiet: false } }));
}

/** End all sign-ins of this account, in this browser and everywhere else; raise Refused. */
export async function signOutEverywhere() {
  await change(SIGN_OUT_EVERYWHERE, {});
  await signOut();
}

async function forget() {
  await fetch(`${base}/session`, { method: "DELETE" });
}
