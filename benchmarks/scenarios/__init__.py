"""One module for each thing that is measured: `run(options)` returns a Result. `*_cost` are parts of such modules."""
