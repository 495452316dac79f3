"""Runs that outlive their request: started, listed, watched, cancelled, commented on."""
