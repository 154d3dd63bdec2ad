// The tabs that a first visit opens with. Each works on the demo data; the second one goes all the way to two booked seats.
"use strict";

const MOVIES = `# Matinee's playground.
#
# Ctrl-Enter runs the operation under the cursor.
# Ctrl-Space completes; Ctrl-click on a name explains it.
# The folder on the left builds queries by clicking.
#
# Next: the tab "BookTwoSeats…" books, step by step.

query Movies {
  movies(sort: RATING, first: 5) {
    nodes {
      id
      title
      duration # minutes
      genres
      rating # 0 to 5, null until somebody rated it
      airingDates {
        from
        to
      }
      places(first: 3) {
        nodes {
          name
          address
        }
      }
    }
    pageInfo {
      hasNextPage
      endCursor # goes into "after" for the next page
    }
  }
}
`;

const BOOK = `# One step after the other: put the cursor into
# the operation and press Ctrl-Enter.
# All of them share the Variables below.

# 1. An account. Its token goes into this tab's
# Headers by itself. EMAIL_TAKEN? Change "email".
mutation BookTwoSeats_SignUp(
  $email: String!
  $password: String!
) {
  signUp(
    input: {
      identity: { email: $email }
      password: $password
    }
  ) {
    user {
      id
    }
    token
    errors {
      code
      message
      path
    }
  }
}

# Or, with an account:
mutation BookTwoSeats_SignIn(
  $email: String!
  $password: String!
) {
  signIn(
    input: {
      identity: { email: $email }
      password: $password
    }
  ) {
    token
    errors {
      code
      message
    }
  }
}

# 2. What is on. Copy the id of a session (ses_…)
# into the variable "session".
query BookTwoSeats_WhatIsOn {
  movies(sort: NEW, first: 3) {
    nodes {
      title
      sessions(first: 3) {
        nodes {
          id
          startsAt
          seatsAvailable
          place {
            name
          }
        }
      }
    }
  }
}

# 3. A booking, open for a minute. Copy its id
# (bok_…) into the variable "booking".
mutation BookTwoSeats_Open($session: ID!) {
  openBooking(input: { sessionId: $session }) {
    booking {
      id
      closesAt
    }
    errors {
      code
      message
    }
  }
}

# 4. The booking's seats, in total: run it again
# with another number to change it.
mutation BookTwoSeats_Reserve($booking: ID!) {
  reserveSeats(input: { bookingId: $booking, seats: 2 }) {
    booking {
      reservedSeats
      session {
        seatsAvailable
      }
    }
    errors {
      code
      message
      ... on SeatsUnavailable {
        seatsAvailable
      }
    }
  }
}

# 5. Yours for good.
mutation BookTwoSeats_Confirm($booking: ID!) {
  confirmBooking(input: { bookingId: $booking }) {
    booking {
      status
      confirmedAt
    }
    errors {
      code
      message
    }
  }
}

# 6. What you booked.
query BookTwoSeats_MyBookings {
  viewer {
    email
    bookings(first: 10) {
      nodes {
        id
        status
        reservedSeats
        movie {
          title
        }
      }
    }
  }
}
`;

window.matineeExamples = [
  { query: MOVIES, variables: null, headers: null },
  {
    query: BOOK,
    variables: JSON.stringify(
      {
        email: "ada@example.org",
        password: "correct horse battery",
        session: "ses_",
        booking: "bok_",
      },
      null,
      2,
    ),
    headers: null,
  },
];
