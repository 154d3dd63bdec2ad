"""Document 004: prices of two providers, and exports of them."""
