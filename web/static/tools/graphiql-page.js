// Starts GraphiQL on the address that it was loaded from.
"use strict";

const { React, ReactDOM, GraphiQL, GraphiQLPluginExplorer } = window;
const element = React.createElement;

const endpoint = location.origin + location.pathname;
const send = GraphiQL.createFetcher({
  url: endpoint,
  subscriptionUrl: endpoint.replace(/^http/, "ws"),
  // Answers come whole: without this each one is an iterator over parts.
  enableIncrementalDelivery: false,
});
const signedIn = new EventTarget();

// An answer of signUp or signIn carries a token: whoever plays here wants it in the next request's headers.
async function fetcher(request, options) {
  const answer = await send(request, options);
  const token = answer?.data?.signUp?.token ?? answer?.data?.signIn?.token;
  if (token) signedIn.dispatchEvent(new CustomEvent("token", { detail: token }));
  return answer;
}

function withToken(headers, token) {
  let given = {};
  try {
    given = JSON.parse(headers || "{}");
  } catch {
    return headers; // Half-written by hand: leave it alone.
  }
  const others = Object.entries(given).filter(([name]) => name.toLowerCase() !== "authorization");
  return JSON.stringify({ ...Object.fromEntries(others), Authorization: `Bearer ${token}` }, null, 2);
}

function Logo() {
  const { headerEditor } = GraphiQL.React.useEditorContext({ nonNull: true });
  React.useEffect(() => {
    const write = (event) => headerEditor?.setValue(withToken(headerEditor.getValue(), event.detail));
    signedIn.addEventListener("token", write);
    return () => signedIn.removeEventListener("token", write);
  }, [headerEditor]);
  return element("span", { className: "matinee-logo" }, "Matinee");
}

ReactDOM.createRoot(document.getElementById("page")).render(
  element(
    GraphiQL,
    {
      fetcher,
      defaultTabs: window.matineeExamples,
      defaultQuery: "# A new tab. Ctrl-Space lists what may stand here.\n\n",
      defaultEditorToolsVisibility: "variables",
      isHeadersEditorEnabled: true,
      shouldPersistHeaders: true,
      inputValueDeprecation: true,
      schemaDescription: true,
      plugins: [GraphiQLPluginExplorer.explorerPlugin()],
    },
    element(GraphiQL.Logo, null, element(Logo)),
  ),
);
