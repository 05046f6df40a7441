"""How an agent carries out flow runs: how it learns of them, what it hands on, and what is left of them."""
