SELECT '{"movies":{"nodes":[' || string_agg(node, ',') || ']}}' FROM (
    SELECT '{"id":"mov_' || id || '","title":' || to_json(title)
        || ',"rating":' || coalesce(rating::text, 'null')
        || ',"airingDates":' || coalesce('{"from":' || to_json(airing_from) || ',"to":' || to_json(airing_to) || '}', 'null')
        || '}' AS node
    FROM movies ORDER BY rating_order DESC, id DESC LIMIT 20
) AS movies;
