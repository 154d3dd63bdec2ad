"""What browsers and operators see, and how the server is run: no rules in here."""
