"""Who a caller is: tokens, passwords, accounts."""
