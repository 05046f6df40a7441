"""Where a value stands in a YAML document."""

YamlPath = tuple[str | int, ...]
"""Keys and list indexes from the top of a document; the index after the last item of a list appends to it."""
