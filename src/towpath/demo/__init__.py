"""The demo's story, told through what a person uses: `towpath`, `kubectl`, `git`, a browser."""
