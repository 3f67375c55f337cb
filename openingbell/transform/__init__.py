"""From checked bars to analytics: pure functions, frame in and frame out, without a warehouse in sight."""
