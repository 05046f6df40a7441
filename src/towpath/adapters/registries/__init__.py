"""OCI registries: repositories of images, releases that are kept there, logins."""
