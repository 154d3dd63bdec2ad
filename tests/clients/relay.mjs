// The snippet for Relay in docs/clients.md: sends a registered document by its hash.
import { report } from "./documents.mjs";
import { fetchQuery } from "./snippets/relay.mjs";

report(await fetchQuery({ id: process.env.HASH }, {}));
