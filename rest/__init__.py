"""The side doors: REST surfaces over the same rules, a file a surface."""
