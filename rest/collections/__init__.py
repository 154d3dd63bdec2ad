"""The collections surface: accounts, catalogue, collections, request count (docs/contract/collections.md)."""
