"""The GraphQL contract and nothing else, with a file for each noun."""
