"""The JSON that verbs print, as models: the one place that its documentation and its tests are made from.

No verb imports this to run: a verb makes plain data, and tests hold it against these models.
"""
