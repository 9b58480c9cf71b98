"""What changes by itself: the observation store, the clock and the running of feeds."""
