"""Figures of several rounds, goals, and how they get into docs/performance.md."""
