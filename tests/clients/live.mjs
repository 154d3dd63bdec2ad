// The snippets of graphql-ws and graphql-sse in docs/clients.md: each follows a session.
import { WebSocket } from "ws";
import { collect, report, SEATS, SESSION } from "./documents.mjs";

globalThis.WebSocket ??= WebSocket;
const { connect } = await import("./snippets/graphql-ws.mjs");
const { follow } = await import("./snippets/graphql-sse.mjs");

const seen = {};
for (const [name, client] of Object.entries({ webSocket: connect(process.env.TOKEN), stream: follow(process.env.TOKEN) })) {
  const live = collect();
  client.subscribe({ query: SEATS, variables: { id: SESSION } }, {
    next: ({ data }) => live.add(data.sessionChanged.seatsAvailable), error: (error) => { throw error; }, complete() {},
  });
  await live.until(1);
  seen[name] = live.seen[0];
  client.dispose();
}
report(seen);
