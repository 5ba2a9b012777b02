"""The pages. Views parse; services decide; selectors read."""
