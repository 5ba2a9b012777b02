"""System checks of the settings: each says what is wrong and what to do."""
