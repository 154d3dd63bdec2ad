// What a page of another origin does with the API; evaluated in a page by test_cross_origin.py.

async function send({ api, token, query, variables }) {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const response = await fetch(`${api}/graphql`, {
    method: "POST", headers, body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return { data, response };
}

const SIGN_UP = `mutation ($input: SignUpInput!) { signUp(input: $input) { token errors { code } } }`;
const MOVIES = `query ($after: String) { movies(sort: NEW, first: 2, after: $after) {
  nodes { id sessions(first: 3) { nodes { id seatsAvailable startsAt } } } pageInfo { endCursor } } }`;
const FREE = `query ($id: ID!) { session(id: $id) { seatsAvailable } }`;
const OPEN = `mutation ($id: ID!) { openBooking(input: {sessionId: $id}) { booking { id } errors { code } } }`;
const RESERVE = `mutation ($id: ID!, $seats: Int!) { reserveSeats(input: {bookingId: $id, seats: $seats}) {
  booking { reservedSeats } errors { code path } } }`;
const CONFIRM = `mutation ($id: ID!) { confirmBooking(input: {bookingId: $id, seats: 2}) {
  booking { status reservedSeats } errors { code } } }`;

// Returns the results of a subscription as they come; `until` resolves once there are so many.
function follow({ api, session }) {
  const query = `subscription { sessionChanged(id: "${session}") { seatsAvailable } }`;
  const source = new EventSource(`${api}/graphql?query=${encodeURIComponent(query)}`);
  const seen = [];
  const waiting = [];
  source.addEventListener("next", (event) => {
    seen.push(JSON.parse(event.data).data.sessionChanged.seatsAvailable);
    waiting.splice(0).forEach((check) => check());
  });
  const until = (count) => new Promise((resolve) => {
    const check = () => (seen.length >= count ? resolve() : waiting.push(check));
    check();
  });
  return { seen, until, end: () => source.close() };
}

async function book({ api, session, email, password }) {
  const signUp = await send({ api, query: SIGN_UP, variables: { input: { identity: { email }, password } } });
  const { token } = signUp.data.signUp;
  const first = (await send({ api, token, query: MOVIES })).data.movies;
  const second = (await send({ api, token, query: MOVIES, variables: { after: first.pageInfo.endCursor } })).data.movies;
  const repeated = second.nodes.filter(({ id }) => first.nodes.some((movie) => movie.id === id)).length;

  const free = (await send({ api, token, query: FREE, variables: { id: session } })).data.session.seatsAvailable;
  const live = follow({ api, session });
  await live.until(1);
  const id = (await send({ api, token, query: OPEN, variables: { id: session } })).data.openBooking.booking.id;
  await send({ api, token, query: RESERVE, variables: { id, seats: 2 } });
  await live.until(2);
  live.end();
  const confirmed = await send({ api, token, query: CONFIRM, variables: { id } });
  const refused = await send({ api, token, query: RESERVE, variables: { id, seats: 3 } });

  const schema = await fetch(`${api}/schema.graphql`);
  const readable = {
    "X-Request-Id": confirmed.response.headers.get("X-Request-Id"),
    ETag: schema.headers.get("ETag"),
  };
  return {
    movies: { first: first.nodes.length, second: second.nodes.length, repeated },
    free,
    live: live.seen.slice(0, 2),
    booking: confirmed.data.confirmBooking.booking,
    refusal: refused.data.reserveSeats.errors[0].code,
    readable,
  };
}

// Returns the name of each error, null for what was answered.
async function tryAll({ api, email, password }) {
  const name = (promise) => promise.then(() => null, (error) => error.name);
  return {
    signUp: await name(send({ api, query: SIGN_UP, variables: { input: { identity: { email }, password } } })),
    read: await name(send({ api, query: MOVIES })),
    withoutPreflight: await name(fetch(`${api}/v1/movies`)),
  };
}

Object.assign(window, { book, tryAll });
