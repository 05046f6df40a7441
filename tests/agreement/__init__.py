"""Objects that `towpath check` and a real API server must judge alike."""
