"""The programs that the local stack runs: found, installed, built, examined."""
