"""Measures the server beside its floors and peers. Run by deploy/bench."""
