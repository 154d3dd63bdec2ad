"""What every request passes before GraphQL or REST."""
