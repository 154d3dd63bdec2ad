SELECT '{"viewer":{"id":"usr_' || $user_id || '","bookings":{"nodes":[' || coalesce(string_agg(node, ','), '') || ']}}}' FROM (
    SELECT '{"id":"bok_' || booked.id || '","status":"' || upper(shown_status) || '","reservedSeats":' || shown_seats
        || ',"session":{"id":"ses_' || sessions.id || '","startsAt":' || to_json(starts_at)
        || ',"movie":{"id":"mov_' || movies.id || '","title":' || to_json(title)
        || '},"place":{"id":"plc_' || places.id || '","name":' || to_json(name) || '}}}' AS node
    FROM (
        SELECT id, session_id,
            CASE WHEN status = 'open' AND closes_at <= clock_timestamp() THEN 'expired' ELSE status END AS shown_status,
            CASE WHEN status = 'open' AND closes_at <= clock_timestamp() THEN 0 ELSE reserved_seats END AS shown_seats
        FROM bookings WHERE user_id = $user_id ORDER BY id DESC LIMIT 10
    ) AS booked
    JOIN sessions ON sessions.id = session_id
    JOIN movies ON movies.id = movie_id
    JOIN places ON places.id = place_id
    ORDER BY booked.id DESC
) AS bookings;
