// The viewer's bookings, newest first, and what changes them.
import { graphql } from "relay-runtime";

graphql`
  fragment accountBookings on User @refetchable(queryName: "accountBookingsPageQuery") {
    email
    bookings(first: $count, after: $cursor) @connection(key: "account_bookings") {
      edges {
        node {
          ...accountBooking
        }
      }
    }
  }
`;

graphql`
  fragment accountBooking on Booking {
    id
    status
    reservedSeats
    session {
      id
      seatsAvailable
    }
  }
`;

graphql`
  mutation accountSignUpMutation($input: SignUpInput!) {
    signUp(input: $input) {
      token
      user {
        id
      }
      errors {
        __typename
        code
        message
        path
      }
    }
  }
`;

graphql`
  mutation accountOpenMutation($session: ID!, $connections: [ID!]!) {
    openBooking(input: { sessionId: $session }) {
      booking @prependNode(connections: $connections, edgeTypeName: "BookingEdge") {
        ...accountBooking
      }
      errors {
        code
      }
    }
  }
`;

graphql`
  mutation accountReserveMutation($booking: ID!, $seats: Int!) {
    reserveSeats(input: { bookingId: $booking, seats: $seats }) {
      booking {
        ...accountBooking
      }
      errors {
        code
        ... on SeatsUnavailable {
          seatsAvailable
        }
      }
    }
  }
`;

graphql`
  mutation accountDeleteCollectionMutation($collection: ID!) {
    deleteCollection(input: { id: $collection }) {
      deletedId @deleteRecord
      errors {
        code
      }
    }
  }
`;
