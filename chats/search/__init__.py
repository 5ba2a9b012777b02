"""Finding: how texts are compared, what is stored of a message to be found by, and the look-ups."""
