"""The door: a small HTTP service at which CI systems and forges ask for deliveries."""
