"""What is vendored: `vendor.yaml`, its lock, ranges of versions, and trees of files with their digest."""
