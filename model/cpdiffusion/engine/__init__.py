"""The engine: state as columns, the phases of a quarter, runs, and the Mesa view of one run."""
