"""Demo data: films, cinemas and an audience, for a first look and for load."""
