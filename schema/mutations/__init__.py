"""The mutations, a file for each subject; schema/mutation.py puts them together."""
