"""Operating-system users of the local stack: one for each agent, and for parts that need no root."""
