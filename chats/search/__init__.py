"""How texts are folded for comparison, and which tokens the index stores; selectors search, services write entries."""
