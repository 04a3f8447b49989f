"""Use cases, one verb per function: load, ask the domain, store. Actions flush; the edge (web, jobs, CLI) commits."""
