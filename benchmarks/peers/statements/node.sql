SELECT '{"node":{"id":"mov_' || id || '","title":' || to_json(title)
    || ',"rating":' || coalesce(rating::text, 'null')
    || ',"airingDates":' || coalesce('{"from":' || to_json(airing_from) || ',"to":' || to_json(airing_to) || '}', 'null')
    || '}}'
FROM movies WHERE id = $movie_id;
