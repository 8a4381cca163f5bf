"""``make bench``: what trailstream costs, beside what it is compared with, measured in the same minute."""
