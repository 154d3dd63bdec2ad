"""The GraphQL side of each operation: decodes ids, opens the transaction, returns rows."""
