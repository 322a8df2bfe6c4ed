"""``study=replicates``: how many replicates are enough."""
