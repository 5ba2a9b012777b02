"""How servers are installed, started and filled before they are measured."""
