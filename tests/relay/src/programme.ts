// What is on: a page of movies that grows, and in each of them a page of sessions that grows.
import { graphql } from "relay-runtime";

graphql`
  query programmeQuery($count: Int!, $cursor: String, $sort: MovieSort!) {
    ...programmeMovies
    viewer {
      id
      ...accountBookings
    }
  }
`;

graphql`
  fragment programmeMovies on Query @refetchable(queryName: "programmeMoviesPageQuery") {
    movies(first: $count, after: $cursor, sort: $sort) @connection(key: "programme_movies", filters: ["sort"]) {
      __id
      edges {
        node {
          id
          ...programmeMovie
        }
      }
    }
  }
`;

// Node is what makes this refetchable by its id alone; its sessions are read from both ends.
graphql`
  fragment programmeMovie on Movie
  @refetchable(queryName: "programmeSessionsPageQuery")
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 2 }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
  ) {
    title
    rating
    airingDates {
      from
      to
    }
    sessions(first: $first, after: $after, last: $last, before: $before) @connection(key: "programmeMovie_sessions") {
      edges {
        node {
          startsAt
          seatsAvailable
          place {
            name
          }
        }
      }
    }
  }
`;
