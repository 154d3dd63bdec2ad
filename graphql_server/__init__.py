"""How GraphQL documents are run: transports, limits, costs and errors. The contract itself is schema/."""
