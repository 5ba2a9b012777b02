"""What is measured: our server without its database, and its peers. benchmarks/peers.py says how each is started."""
