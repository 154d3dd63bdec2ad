"""Dataloaders: one statement reads what many fields of a request ask for one by one."""
