"""The rules of the house, with no HTTP and no GraphQL in them."""
