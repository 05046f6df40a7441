"""Shell completion: from files of this machine alone."""
