SELECT '{"movies":[' || string_agg(node, ',') || '],"metadata":{"has_more": true,"end_cursor":"…"}}' FROM (
    SELECT '{"id":"mov_' || id || '","title":' || to_json(title) || ',"description":' || to_json(description)
        || ',"poster":' || to_json(CASE WHEN poster LIKE '/%' THEN '$public_url' || poster ELSE poster END)
        || ',"duration":' || duration
        || ',"airing_dates":' || coalesce('{"from":' || to_json(airing_from) || ',"to":' || to_json(airing_to) || '}', 'null')
        || ',"rating":' || coalesce(rating::text, 'null') || '}' AS node
    FROM movies ORDER BY rating_order DESC, id DESC LIMIT 20
) AS movies;
