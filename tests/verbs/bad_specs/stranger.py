"""A plugin that nobody has trusted: reading a spec that names it must not run it."""

raise AssertionError("a plugin that is not trusted was run")
