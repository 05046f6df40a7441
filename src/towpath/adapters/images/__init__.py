"""Container images: built by the Docker Engine, scanned by Trivy."""
