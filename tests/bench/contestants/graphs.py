"""The job's ties as graphs of networkx, for libraries that want one."""

from __future__ import annotations

import networkx as nx

from bench.contestants.bass import BassJob


def influence_graph(job: BassJob) -> nx.DiGraph:
    """An arc runs from the firm that influences to the firm influenced."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(job.size))
    graph.add_edges_from(zip(job.source.tolist(), job.ties.target.tolist(), strict=True))
    return graph


def listening_graph(job: BassJob) -> nx.DiGraph:
    """An arc runs from the firm influenced, so that a firm's neighbours are those it looks at."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(job.size))
    graph.add_edges_from(zip(job.ties.target.tolist(), job.source.tolist(), strict=True))
    return graph
