"""Schemas of Kubernetes versions and of CustomResourceDefinitions, and what of an object they refuse."""
