"""What every part of the local stack needs: folders, ports, files, locks, requests."""
