"""``study=headline``: the main finding under the posterior."""
