"""What is measured: our server without its database, and its peers. benchmarks/setup/peers.py starts them."""
