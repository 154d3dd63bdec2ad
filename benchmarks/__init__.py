"""What is measured, each runnable with one command; see the docstring of each file."""
