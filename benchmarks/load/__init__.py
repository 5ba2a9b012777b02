"""The load clients: what they send, what they count, and how they are given their jobs."""
