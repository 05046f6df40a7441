"""What people ask about an app that runs, and do with it by hand."""
