"""Development plugins: registration, hooks, and the turns of a chat that pass through them."""
