SELECT '{"movies":{"nodes":[' || string_agg(node, ',') || ']}}' FROM (
    SELECT '{"id":"mov_' || movies.id || '","title":' || to_json(title)
        || ',"places":{"nodes":[' || coalesce(places.nodes, '') || ']}}' AS node
    FROM (SELECT id, title, rating_order FROM movies ORDER BY rating_order DESC, id DESC LIMIT 10) AS movies
    CROSS JOIN LATERAL (
        SELECT string_agg(node, ',') AS nodes FROM (
            SELECT '{"id":"plc_' || shown.id || '","name":' || to_json(shown.name)
                || ',"sessions":{"nodes":[' || coalesce(sessions.nodes, '') || ']}}' AS node
            FROM (
                SELECT places.id, places.name FROM airings JOIN places ON places.id = place_id
                WHERE movie_id = movies.id AND last_ends_at > clock_timestamp()
                ORDER BY place_key, place_id LIMIT 5
            ) AS shown
            CROSS JOIN LATERAL (
                SELECT string_agg('{"id":"ses_' || id || '","startsAt":' || to_json(starts_at) || '}', ',') AS nodes
                FROM (
                    SELECT id, starts_at FROM sessions WHERE place_id = shown.id
                    ORDER BY starts_at DESC, id DESC LIMIT 5
                ) AS latest
            ) AS sessions
        ) AS shown
    ) AS places
    ORDER BY rating_order DESC, movies.id DESC
) AS movies;
