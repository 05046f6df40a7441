"""Renderers (plain, Kustomize, Helm), confined and bounded."""
