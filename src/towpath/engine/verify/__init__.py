"""Is it healthy, does it run the release, does it answer?"""
