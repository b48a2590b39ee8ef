"""The Hub: a built folder, a repository there, and the one commit that makes them equal."""
