"""Steps of (db, now) that make, release, dispatch and settle instances, and the loop around them."""
