// The documents of the booking that all scripts here run.

export const SIGN_UP = `mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) { token user { id email } errors { code path } } }`;
export const PROGRAMME = `query Programme($after: String) {
  movies(sort: NEW, first: 2, after: $after) {
    edges { cursor node { id title sessions(first: 2) {
      edges { cursor node { id seatsAvailable } } pageInfo { hasNextPage endCursor } } } }
    pageInfo { hasNextPage endCursor } } }`;
export const MORE_SESSIONS = `query MoreSessions($id: ID!, $after: String) {
  movie(id: $id) { id sessions(first: 2, after: $after) {
    edges { cursor node { id seatsAvailable } } pageInfo { hasNextPage endCursor } } } }`;
export const FREE_SEATS = `query FreeSeats($id: ID!) { session(id: $id) { id seatsAvailable } }`;
export const OPEN = `mutation Open($id: ID!) {
  openBooking(input: {sessionId: $id}) { booking { id status } errors { code path } } }`;
export const RESERVE = `mutation Reserve($id: ID!, $seats: Int!) {
  reserveSeats(input: {bookingId: $id, seats: $seats}) {
    booking { id reservedSeats session { id seatsAvailable } } errors { code path } } }`;
export const CONFIRM = `mutation Confirm($id: ID!) {
  confirmBooking(input: {bookingId: $id, seats: 2}) { booking { id status reservedSeats } errors { code path } } }`;
export const SEATS = `subscription Seats($id: ID!) { sessionChanged(id: $id) { id seatsAvailable } }`;

// What the test gives the script.
export const { API, SESSION, EMAIL, PASSWORD } = process.env;
export const ACCOUNT = { identity: { email: EMAIL }, password: PASSWORD };

// Collects results as they come; `until` resolves once there are so many.
export function collect() {
  const seen = [];
  let waiting = [];
  const check = () => {
    waiting = waiting.filter(({ count, resolve }) => (seen.length >= count ? resolve() : true));
  };
  const add = (item) => {
    seen.push(item);
    check();
  };
  const until = (count) => new Promise((resolve) => {
    waiting.push({ count, resolve: () => void resolve() });
    check();
  });
  return { seen, add, until };
}

// Prints what the test compares, and ends: open connections would keep the process alive.
export function report(result) {
  process.stdout.write(JSON.stringify(result), () => process.exit(0));
}
