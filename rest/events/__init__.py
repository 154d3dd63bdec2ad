"""Events and reservations of their tickets: document 001 at /events/ and /reservations/."""
