-- The one field of the scenarios that PostGraphile cannot make from the tables by itself: a function, as is its way.
CREATE SCHEMA IF NOT EXISTS peers;
CREATE OR REPLACE FUNCTION peers.movies_showing(movie movies) RETURNS SETOF places LANGUAGE sql STABLE AS $$
    SELECT places.* FROM airings JOIN places ON places.id = place_id
    WHERE movie_id = movie.id AND last_ends_at > clock_timestamp() ORDER BY place_key, place_id
$$;
