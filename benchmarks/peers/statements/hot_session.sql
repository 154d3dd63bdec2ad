BEGIN;
UPDATE sessions SET taken = taken + 1 WHERE id = $session_id AND taken + 1 <= capacity;
INSERT INTO seat_reservations (booking_id, seats, created_at) VALUES ($booking_id, 1, clock_timestamp());
COMMIT;
