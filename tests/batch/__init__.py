"""Archives read in shards."""
