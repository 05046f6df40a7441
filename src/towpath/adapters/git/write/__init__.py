"""What is written into a Git repository: commits, proposals, a ref of its own."""
