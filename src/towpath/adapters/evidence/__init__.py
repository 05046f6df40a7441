"""Evidence outside of this process: keys in files, OpenSSH's program, statements in the registry."""
