"""The Roles that the account of an environment needs: from Git, and from what is live."""
