"""``study=efficiency``: relative efficiency of programmes."""
