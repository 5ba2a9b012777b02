"""What Flowra's speed is measured with, beside its peers: `make bench`. docs/performance.md has the results."""
