"""The demo of `make run`: Offenbach, and an opening that is live right now. A real installation runs none of this."""
